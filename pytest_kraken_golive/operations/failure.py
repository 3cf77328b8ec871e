"""How a command fails: with a message for people and an exit status that says what kind of failure it is."""

from __future__ import annotations

FAILED, WRONG = 1, 2
"""Exit statuses: the thing itself failed; configuration or arguments are missing or wrong, nothing was done."""


class CommandError(Exception):
    """A command did not do what it was asked to."""

    def __init__(self, *messages: str, status: int = FAILED) -> None:
        super().__init__(*messages)
        self.messages = messages
        self.status = status
