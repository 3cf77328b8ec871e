"""Dated copies of what the bot left in `runtime/`, for the post-mortem: whole or not there, and checked by digest.

A copy is a folder `<time>Z` with `metrics_trading.json`, `events.jsonl`, what was moved aside from a torn end, and
`manifest.json` {taken_at, files {name: {bytes, sha256}}, left_out_bytes}. It gets its name when it is complete and on
the disk; what a killed program leaves is called `.….part` and counts for nothing. The metrics are copied first:
whatever they counted is in the events then. Of the events only whole lines are copied; the bot may go on writing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..clock import Clock, SystemClock
from ..contract import Fault, NotProven, show
from ..whole_file import sync_folder

METRICS = "metrics_trading.json"
EVENTS = "events.jsonl"
MANIFEST = "manifest.json"

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_PIECE = 1 << 20


@dataclass(frozen=True)
class PostMortem:
    """One copy."""

    folder: Path
    """Where it is."""
    taken_at: datetime
    """Aware UTC."""
    files: Mapping[str, str]
    """Name to SHA-256 (hex)."""


def keep_copy(runtime: Path, target: Path, clock: Clock | None = None) -> PostMortem:
    """Copy the bot's files; the bot may be running, stopped or dead.

    Args:
        runtime: the deployment's `runtime/`.
        target: the folder of all copies, outside of `runtime`; made if need be.
        clock: gives the date.

    Raises:
        NotProven: one of the two files is missing.
        Fault: `target` is in `runtime`, or a copy of this very moment exists.
        OSError: it cannot be written.
    """
    if target.resolve().is_relative_to(runtime.resolve()):
        raise Fault(
            f"{target}: expected a folder outside of {runtime}, found one in it, where one mishap takes both. "
            "Next: choose another folder."
        )
    moment = datetime.fromtimestamp((clock or SystemClock()).time(), UTC)
    folder = target / moment.strftime("%Y%m%dT%H%M%S.%fZ")
    part = target / f".{folder.name}.{os.getpid()}.part"
    if folder.exists():
        raise Fault(f"{folder}: expected no copy of this moment yet, found one. Next: try again.")
    part.mkdir(parents=True)
    try:
        copied = {METRICS: _copy(runtime / METRICS, part / METRICS)}
        copied[EVENTS] = _copy(runtime / EVENTS, part / EVENTS, whole_lines=True)
        for aside in sorted(runtime.glob(f"{EVENTS}.torn-*")):
            copied[aside.name] = _copy(aside, part / aside.name)
        manifest = {
            "taken_at": moment.isoformat(),
            "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest, _) in copied.items()},
            "left_out_bytes": copied[EVENTS][2],
        }
        with (part / MANIFEST).open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps(manifest, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(part)
        os.rename(part, folder)
        sync_folder(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return PostMortem(folder, moment, {name: digest for name, (_, digest, _) in copied.items()})


def newest_copy(target: Path) -> PostMortem:
    """The newest complete copy, with every digest checked.

    Raises:
        NotProven: there is none.
        Fault: a file of it is missing or not what was copied, or its manifest is broken.
    """
    try:
        names = sorted(path.name for path in target.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        names = []
    if not names:
        raise NotProven(
            f"{target}: expected a dated copy of {METRICS} and {EVENTS}, found none. Next: keep one (post-mortem)."
        )
    return read_copy(target / names[-1])


def read_copy(folder: Path) -> PostMortem:
    """One copy, with every digest checked.

    Raises:
        Fault: a file of it is missing or not what was copied, or its manifest is broken.
    """
    try:
        manifest: Any = json.loads((folder / MANIFEST).read_bytes())
        moment = datetime.fromisoformat(manifest["taken_at"])
        files = {str(name): str(entry["sha256"]) for name, entry in manifest["files"].items()}
        found = {name: _digest(folder / name) for name in (METRICS, EVENTS, *files)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Fault(
            f"{folder}: expected a complete copy, found that it is not ({error}). Next: keep a new one."
        ) from error
    if moment.tzinfo is None:
        raise Fault(f"{folder / MANIFEST} taken_at: expected a time with its zone, found {show(moment)}.")
    for name, digest in found.items():
        if files.get(name) != digest:
            raise Fault(
                f"{folder / name}: expected SHA-256 {files.get(name)}, found {digest}. "
                "Next: find out who changed the copy, and keep a new one."
            )
    return PostMortem(folder, moment, files)


def _copy(source: Path, copy: Path, *, whole_lines: bool = False) -> tuple[int, str, int]:
    """Copy a file as long as it was when this began; its size, its digest, and how much was left out."""
    try:
        with source.open("rb") as old, copy.open("xb") as new:
            left = _end(old, whole_lines=whole_lines)
            out = os.fstat(old.fileno()).st_size - left
            size, digest = left, hashlib.sha256()
            while left > 0 and (piece := old.read(min(left, _PIECE))):
                new.write(piece)
                digest.update(piece)
                left -= len(piece)
            new.flush()
            os.fsync(new.fileno())
    except FileNotFoundError as error:
        raise NotProven(
            f"{source}: expected what the bot writes there, found no file. Next: let the bot run."
        ) from error
    return size - left, digest.hexdigest(), out


def _end(file: Any, *, whole_lines: bool) -> int:
    """Where the part to copy ends; the file is at its beginning again."""
    end: int = os.fstat(file.fileno()).st_size
    while whole_lines and end > 0:
        start = max(0, end - _PIECE)
        file.seek(start)
        last = file.read(end - start).rfind(b"\n")
        if last >= 0:
            end = start + last + 1
            break
        end = start
    file.seek(0)
    return end


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
