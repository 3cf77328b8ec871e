"""Plugins that have nothing to say at the end of a run, and would take their time to say it, or leave a folder."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

HYPOTHESIS = "hypothesispytest"
"""The name under which Hypothesis registers its plugin."""


def dismiss_idle(config: pytest.Config) -> None:
    """Let Hypothesis's plugin write no summary where nobody has used Hypothesis.

    For that summary it imports all of Hypothesis, which costs a second. To be called when all tests have run.
    """
    if "hypothesis" not in sys.modules and config.pluginmanager.hasplugin(HYPOTHESIS):
        config.pluginmanager.unregister(name=HYPOTHESIS)


def leave_no_empty_storage(config: pytest.Config) -> None:
    """Let pytest-benchmark leave no empty folder where it was asked to store nothing.

    It makes its folder in every run. To be called before it does.
    """
    address = str(getattr(config.option, "benchmark_storage", "")).removeprefix("file://")
    if not address or "://" in address or (folder := Path(address).absolute()).exists():
        return

    def remove() -> None:
        with contextlib.suppress(OSError):  # something is in it, or it is not there
            folder.rmdir()

    config.add_cleanup(remove)
