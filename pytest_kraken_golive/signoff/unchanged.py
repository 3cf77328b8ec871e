"""Whether the files that a verdict judged are still those on the disk."""

from __future__ import annotations

from pathlib import Path

from pytest_kraken_golive.signoff.digests import ABSENT, config_files, differences, digest_files
from pytest_kraken_golive.signoff.record import Scope

REHEARSAL = "rehearsal"
"""What a scope calls its deployment where a copy of the project's own `config/` was judged."""


def changed_files(scope: Scope, project: Path) -> list[str]:
    """What is not as it was when the run judged it, each file in words; empty if all is.

    Args:
        scope: has the digests of all that decided the verdict.
        project: the root that the gate ran in; relative paths of the scope start there.
    """
    root = project if scope.deployment == REHEARSAL else Path(scope.deployment)
    watched = [project / "config", root / "config", root / "var" / "licenses"]
    watched += [project / "cassettes"] if scope.exchange == "replay" else []
    named = [project / name for name in scope.digests]
    now = {_shown(path, project): digest for path, digest in digest_files([*config_files(watched), *named]).items()}
    return [f"{path} {_how(scope.digests.get(path), now.get(path))}" for path in differences(scope.digests, now)]


def _how(then: str | None, now: str | None) -> str:
    if then is None or then == ABSENT:
        return "was not there when the run judged the others"
    return "is gone since the run" if now in {None, ABSENT} else "was changed since the run"


def _shown(path: str, project: Path) -> str:
    return Path(path).relative_to(project).as_posix() if Path(path).is_relative_to(project) else path
