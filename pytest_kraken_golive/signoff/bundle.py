"""`reports/bundle/`: all that a verdict rests on, in one folder that can be kept and checked later.

It is made of files alone, so that the same reports give the same bytes; it appears under its name when it is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_kraken_golive.contract import show
from pytest_kraken_golive.deployment.instants import instant
from pytest_kraken_golive.reporting.verdict_file import PAGE
from pytest_kraken_golive.signoff import manifest
from pytest_kraken_golive.signoff.places import BUNDLE, FOLDER, LINES, MANIFEST, PROJECT_FILES, VERDICT, kept_as, remove

ALLURE = "allure-results.zip"
BOT_REPORT = "paper_report.json"

LOG_WHOLE = 256 * 1024
"""Bytes of a log that is kept whole."""
LOG_HEAD, LOG_TAIL = 64 * 1024, 192 * 1024
"""Bytes of a longer one that are kept from its beginning and its end, cut at whole lines."""

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_COARSE_S = 2.0
"""Some file systems know times to two seconds only."""


class BundleError(Exception):
    """There is no bundle of this run; says why."""


def build(
    report_dir: Path,
    project: Path,
    *,
    allure: Path | None,
    leaks_at: Callable[[str], int | None] = lambda _: None,
) -> Path:
    """Write the bundle of the run that has just written its verdict.

    Args:
        report_dir: where the run wrote.
        project: the root that runbooks and policy are relative to.
        allure: the folder of Allure's results, where there is one.
        leaks_at: where a text holds a secret; reports were masked when they were written, the project's files were not.

    Raises:
        BundleError: a file changed since it was judged, holds a secret, or cannot be read or written, or has a name
            that not every system can have.
    """
    try:
        files: dict[str, bytes | Path] = {VERDICT: (verdict := (report_dir / VERDICT).read_bytes())}
        document = json.loads(verdict)
        if document["run_id"] is None:
            raise BundleError(f"the verdict was not written: {document['reason']}")
        began_s = instant(document["started_at"]).timestamp() - _COARSE_S
        files |= dict(_judged(document, project, leaks_at))
        files |= {name: report_dir / name for name in (PAGE, BOT_REPORT) if _is_of_run(report_dir / name, began_s)}
        files |= dict(_logs(report_dir, began_s))
        files |= dict(_line_signatures(report_dir, document))
        bundle = report_dir / BUNDLE
        beside = Path(tempfile.mkdtemp(prefix=f".{BUNDLE}-", dir=report_dir))
        try:
            if allure is not None and allure.is_dir():
                _zip(allure, beside / ALLURE, began_s)
            _copy(files, beside)
            whole = {path.relative_to(beside).as_posix(): path for path in beside.rglob("*") if path.is_file()}
            (beside / MANIFEST).write_bytes(manifest.manifest_of(document["run_id"], whole).text())
            beside.chmod(0o755)  # mkdtemp's own is for its owner alone
            remove(bundle, report_dir)
            os.replace(beside, bundle)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    except OSError as error:
        raise BundleError(f"{error.filename or report_dir}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BundleError(f"{show(first['input'], 120)}: {first['msg']}") from error
    return report_dir / BUNDLE


def _judged(
    document: dict[str, Any], project: Path, leaks_at: Callable[[str], int | None]
) -> Iterator[tuple[str, bytes]]:
    """Runbooks, policy and lock, as the run judged them."""
    digests: dict[str, str] = document["scope"]["digests"]
    runbooks = [book["path"] for book in document["runbooks"]]
    for shown in (*runbooks, *(name for name in PROJECT_FILES if (project / name).is_file())):
        content = (project / shown).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if digests.get(shown) != sha256:
            raise BundleError(f"{shown} is not what the run judged any more")
        text = content.decode("latin-1")  # every byte is a character of it
        if (place := leaks_at(text)) is not None:
            raise BundleError(f"{shown}:{text.count(chr(10), 0, place) + 1} holds a secret")
        yield kept_as(shown, sha256), content


def _is_of_run(path: Path, began_s: float) -> bool:
    """Whether this run wrote a file: what an earlier one left is no evidence of it."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_mtime >= began_s


def _logs(report_dir: Path, began_s: float) -> Iterator[tuple[str, bytes]]:
    folder = report_dir / "logs"
    found = [report_dir / "bot.log", *sorted(folder.rglob("*"))]
    for path in [one for one in found if _is_of_run(one, began_s)]:
        name = path.relative_to(report_dir).as_posix()
        yield (name if name.startswith("logs/") else f"logs/{name}"), excerpt(path)


def excerpt(path: Path) -> bytes:
    """A log, whole if it is short; else its beginning and its end, and how much was left out between."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= LOG_WHOLE:
            return file.read()
        head = file.read(LOG_HEAD)
        file.seek(size - LOG_TAIL)
        tail = file.read(LOG_TAIL)
    head = head[: head.rfind(b"\n") + 1] or head
    tail = tail[tail.find(b"\n") + 1 :] or tail
    return head + f"[... {size - len(head) - len(tail)} bytes left out ...]\n".encode() + tail


def _line_signatures(report_dir: Path, document: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    for line in (line for book in document["runbooks"] for line in book["lines"]):
        for path in sorted((report_dir / FOLDER / LINES / line["id"]).glob("[!.]*.json")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(report_dir).as_posix(), path


def _zip(folder: Path, target: Path, began_s: float) -> None:
    """All files below a folder, stored and not packed: fast, and a reader of bytes sees what they hold."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.rglob("*")):
            if not _is_of_run(path, began_s):
                continue
            about = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FIXED_TIME)
            about.create_system, about.external_attr = 3, 0o644 << 16
            with path.open("rb") as source, packed.open(about, "w") as inside:
                shutil.copyfileobj(source, inside, io.DEFAULT_BUFFER_SIZE * 8)


def _copy(files: dict[str, bytes | Path], folder: Path) -> None:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        else:
            shutil.copyfile(content, place)
