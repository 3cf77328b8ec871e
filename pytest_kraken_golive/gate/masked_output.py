"""Secrets are masked in what is printed where pytest captures no descriptors: `-s`, `--capture=sys`, `tee-sys`.

There are two ways out: Python's own streams, and the descriptors below them, which the programs inherit that a check
or a fixture starts. What pytest itself writes goes past both, and is masked where it is made.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterable
from functools import partial
from typing import Any, TextIO

import pytest

from pytest_kraken_golive.redact import Redactor

CAPTURED_WHOLE = "fd"
"""pytest's default for `--capture`: nothing passes by."""
CHUNK_BYTES = 65_536
LAST_WORDS_S = 1.0
"""How long programs that outlive the run may go on to write."""


def mask_output(config: pytest.Config, redactor: Redactor) -> None:
    """From now on until the end of the run, mask what leaves this process uncaptured."""
    if config.option.capture == CAPTURED_WHOLE:
        return
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream: TextIO = getattr(sys, f"__{name}__")
        try:
            masked = _MaskedDescriptor(descriptor, stream, redactor)
        except (OSError, AttributeError):  # it is closed: nothing can be written to it
            continue
        config.add_cleanup(masked.end)
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and reporter._tw._file is stream:
            reporter._tw._file = masked.outside
            config.add_cleanup(partial(setattr, reporter._tw, "_file", stream))
        if config.option.capture == "no":
            _mask_stream(config, name, masked.outside, redactor)


class _MaskedDescriptor:
    """A descriptor whose whole lines go on without secrets.

    Args:
        descriptor: 1 or 2.
        stream: Python's own stream over it.
        redactor: the run's.
    """

    def __init__(self, descriptor: int, stream: TextIO, redactor: Redactor) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._redactor = redactor
        stream.flush()
        self._kept = os.dup(descriptor)
        self.outside: TextIO = open(  # noqa: SIM115 - it is open as long as the process
            self._kept, "w", encoding=stream.encoding, errors=stream.errors, closefd=False, buffering=1
        )
        """Where it led before."""
        read, write = os.pipe()
        os.dup2(write, descriptor)
        os.close(write)
        self._passes_on = threading.Thread(target=self._pass_on, args=[read], daemon=True)
        self._passes_on.start()

    def _pass_on(self, descriptor: int) -> None:
        begun = b""
        with open(descriptor, "rb", buffering=0) as written:
            while chunk := written.read(CHUNK_BYTES):
                lines, end, begun = (begun + chunk).rpartition(b"\n")
                self._tell(lines + end)
        self._tell(begun)

    def _tell(self, told: bytes) -> None:
        text = self._redactor.text(told.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        with contextlib.suppress(OSError):  # whoever read it is gone; the others may go on writing
            while text:
                text = text[os.write(self._kept, text) :]

    def end(self) -> None:
        """Lead it where it led before."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()
            self.outside.flush()
        os.dup2(self._kept, self._descriptor)
        self._passes_on.join(LAST_WORDS_S)


class _MaskingStream:
    """A text stream without secrets, line by line: what is left of a line comes when it is flushed."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor
        self._begun = ""

    def write(self, text: str) -> int:
        lines, end, self._begun = f"{self._begun}{text}".rpartition("\n")
        if end:
            self._stream.write(self._redactor.text(lines) + end)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        text, self._begun = self._begun, ""
        self._stream.write(self._redactor.text(text))
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _mask_stream(config: pytest.Config, name: str, outside: TextIO, redactor: Redactor) -> None:
    """With `-s` nothing is captured; what Python prints keeps its order with what pytest writes."""
    before = getattr(sys, name)
    masking = _MaskingStream(outside, redactor)
    setattr(sys, name, masking)

    def put_back() -> None:
        masking.flush()
        if getattr(sys, name) is masking:
            setattr(sys, name, before)

    config.add_cleanup(put_back)
