"""Where signatures and bundle lie below the folder of reports, and what of them ends with a run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

VERDICT = "verdict.json"
"""What tells a folder of reports."""
BUNDLE = "bundle"
MANIFEST = "manifest.json"
FOLDER, LINES, RUN = "signatures", "lines", "run"
"""`<report dir>/signatures/lines/<line id>/<signer>.<role>.json` and `.../run/<signer>.<role>.json`; so in a bundle."""

PROJECT_FILES = ("config/golive.yaml", "config/golive.lock.yaml")
"""What a bundle keeps beside the runbooks, where it is there."""


def kept_as(path: str, sha256: str) -> str:
    """Where a bundle keeps a file of the project.

    Args:
        path: as the verdict names it: relative to the project's root with `/`, or absolute where it lies elsewhere.
        sha256: of its bytes.
    """
    inside = not Path(path).is_absolute() and ".." not in Path(path).parts
    return f"project/{path}" if inside else f"elsewhere/{sha256[:12]}-{Path(path).name}"


def remove(folder: Path, report_dir: Path) -> None:
    """Remove a folder below the reports: under its own name it is whole or not there, whenever this is killed.

    Raises:
        OSError: it cannot be removed.
    """
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        gone = Path(tempfile.mkdtemp(prefix=f".{BUNDLE}-", dir=report_dir))
        os.replace(folder, gone / "old")
        shutil.rmtree(gone)


def discard(report_dir: Path) -> None:
    """Remove what belongs to an earlier run alone: its bundle, and what was signed under it.

    Raises:
        OSError: it cannot be removed, and would be taken for this run's.
    """
    for name in (BUNDLE, f"{FOLDER}/{RUN}"):
        remove(report_dir / name, report_dir)
    for left in report_dir.glob(f".{BUNDLE}-*"):  # also of runs that were killed
        shutil.rmtree(left)
