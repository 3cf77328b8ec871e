"""What a verdict is tied to: which files decide it. Their digests are taken at the start, in workers, at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kraken_golive.signoff.digests import config_files

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.plan import Plan


def judged_files(rootdir: Path, deployment: Path | None, plan: Plan, *, cassettes: bool = False) -> list[Path]:
    """The files that decide what is judged, and by what: runbooks, policy, configuration, licence, checks, named tests.

    With `cassettes` also what is played.
    """
    root = deployment or rootdir
    watched = [rootdir / "config", root / "config", root / "var" / "licenses"]
    watched += [rootdir / "cassettes"] if cassettes else []
    runbooks = [book.path for book in plan.runbooks]
    return [
        *config_files(watched),
        *runbooks,
        *plan.check_files,
        *_named_tests(rootdir, plan),
        root / ".env",
        rootdir / "conftest.py",
    ]


def _named_tests(rootdir: Path, plan: Plan) -> list[Path]:
    """The test files that lines name as their `node`, and every conftest between them and the project's root."""
    found: list[Path] = []
    for planned in plan.lines.values():
        node = planned.params.get("node")
        if not isinstance(node, str):
            continue
        file = rootdir / node.partition("::")[0]
        folders = [folder for folder in file.parents if folder.is_relative_to(rootdir)]
        found += [path for path in (file, *(folder / "conftest.py" for folder in folders)) if path.is_file()]
    return found
