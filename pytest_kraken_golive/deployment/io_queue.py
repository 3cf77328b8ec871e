"""The limits of the queues that all calls to an exchange go through: `io_queue` of runtime.yaml."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..contract import Fault, Found, NotProven
from .section import Section, not_below

WHOLE_LIMITS = ("max_concurrency", "burst")
"""Calls under way at once, and calls started in quick succession; at least 1."""

SECONDS = ("rate_limit_warning_seconds", "timeout_warning_seconds")
"""How long a call may wait or take until the log says so."""


@dataclass(frozen=True)
class Inherited(Found):
    """A limit that a queue leaves out, at the place of the global one that holds in its stead."""

    because: str
    """Why it holds, with the queue's own place."""

    def unlike(self, expected: object, do: str | None = None) -> str:
        """As with `Found`, with both places."""
        key = str(self.where.key).rpartition(".")[2]
        step = do or f"write {key}: {expected} below the queue, or change the line if the runbook is wrong"
        said = super().unlike(expected, step)
        place, _, rest = said.partition(". Next: ")
        return f"{place} ({self.because}). Next: {rest}"


class IOQueue(Section):
    """The limits of one queue: `io_queue.exchanges.<name>`; what it leaves out is `Inherited` from `io_queue`."""

    @property
    def max_concurrency(self) -> Found:
        """Calls under way at once; at least 1."""
        return self.limit("max_concurrency")

    @property
    def burst(self) -> Found:
        """Calls started in quick succession; at least 1."""
        return self.limit("burst")

    @property
    def rate_limit_warning_seconds(self) -> Found:
        """A call that waited longer is logged as RATE_LIMIT."""
        return self.limit("rate_limit_warning_seconds")

    @property
    def timeout_warning_seconds(self) -> Found:
        """A timed-out call that took longer is logged as an error."""
        return self.limit("timeout_warning_seconds")

    def limits(self) -> list[Found]:
        """`WHOLE_LIMITS`, which all must have, and those of `SECONDS` that are there; errors as with `limit`."""
        above = Section(self._document, "io_queue")
        return [
            self.limit(key) for key in (*WHOLE_LIMITS, *(key for key in SECONDS if self.has(key) or above.has(key)))
        ]

    def limit(self, key: str) -> Found:
        """One of `WHOLE_LIMITS` or `SECONDS`: the queue's own, or `Inherited`.

        Raises:
            NotProven: neither the queue nor `io_queue` has it.
            Fault: it has a wrong type or is too small; or a key of the queue is a misspelling of a limit.
        """
        own = self.closed(known=(*WHOLE_LIMITS, *SECONDS))
        if key in own.value:
            return _limit(self, key)
        because = f"inherited from io_queue, because {own.where} has no {key}"
        inherited = _explained(lambda: global_limit(Section(self._document, "io_queue"), key), because)
        return Inherited(inherited.value, inherited.where, because)


def global_limit(section: Section, key: str) -> Found:
    """A limit of the section `io_queue` itself, for queues that have none of their own.

    Raises:
        NotProven: absent.
        Fault: it has a wrong type or is too small; or a key of the section is a misspelling of it.
    """
    section.given(key)
    return _limit(section, key)


def _limit(section: Section, key: str) -> Found:
    return not_below(section.whole(key), 1) if key in WHOLE_LIMITS else section.at_least(0, key)


def _explained(read: Callable[[], Found], because: str) -> Found:
    try:
        return read()
    except (Fault, NotProven) as error:
        said, _, step = str(error).partition(" Next: ")
        raise type(error)(f"{said.rstrip('.')} ({because}). Next: {step}") from error
