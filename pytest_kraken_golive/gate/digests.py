"""What a verdict is tied to: which files decide it. Their digests are taken at the start, in workers, at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.program import is_file_of
from pytest_kraken_golive.signoff.digests import config_files

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.plan import Plan


def judged_files(
    rootdir: Path, deployment: Path | None, plan: Plan, policy: Policy, *, cassettes: bool = False
) -> list[Path]:
    """The files that decide what is judged, and by what.

    They are runbooks, policy, configuration, licence, checks, the tests that lines name, and the project's own programs
    that the policy names, the bot among them; with `cassettes` also what is played.
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
        *_named_programs(rootdir, policy),
        root / ".env",
        rootdir / "conftest.py",
    ]


def _named_programs(rootdir: Path, policy: Policy) -> list[Path]:
    """Files of the project that are run: the program itself, or the Python file behind it."""
    commands = [policy.commands.bot, *policy.commands.live().values()]
    words = {
        word
        for command in commands
        if command is not None
        for place, word in enumerate(command.run)
        if place == 0 or word.endswith(".py")
    }
    return [rootdir / word for word in sorted(words) if is_file_of(word, rootdir)]


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
