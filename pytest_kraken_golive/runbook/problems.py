"""What is wrong with a runbook, collected so that people hear of everything at once."""

from __future__ import annotations

from pytest_kraken_golive.runbook.model import RunbookError


class Problems:
    """The problems of one runbook."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._found: dict[tuple[int, str], None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, row: int, what: str, step: str) -> None:
        """Add one.

        Args:
            row: 0-based line of the runbook.
            what: what is wrong there.
            step: what to do next.
        """
        self._found[row, f"{self._shown}:{row + 1}: {what}. Next: {step}."] = None

    def stop(self) -> None:
        """Go no further if there is any.

        Raises:
            RunbookError: every problem once, in the order of lines.
        """
        if self._found:
            in_order = sorted(self._found, key=lambda problem: problem[0])
            raise RunbookError([message for _, message in in_order])
