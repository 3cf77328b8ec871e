"""What a line's client really asked the exchange, and what it was answered: evidence that no check has to record.

Where recordings are made or played the tape has it. The embedded exchange takes it down itself, while the line runs: so
it costs the client nothing, and holds whatever library it sends with. A real exchange does not; there the connections
of this run's own clients do, whoever of the line's fixtures makes them. Lines that measure are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_kraken_golive.contract import EvidenceRecord
from pytest_kraken_golive.gate.tapes import LineTape
from pytest_kraken_golive.recording.excerpt import taken_down, taped, unknown
from pytest_kraken_golive.recording.tape import Player
from pytest_kraken_golive.rehearsal.handle import HostError
from pytest_kraken_golive.stash import WORLDS

if TYPE_CHECKING:
    from pytest_kraken_golive.rehearsal.real_exchange import RealExchange
    from pytest_kraken_golive.rehearsal.stage import Rehearsal

CLIENT = "kraken_client"
"""Whose calls are wanted at the embedded exchange, whoever has overridden it."""
EXCHANGE, THIS_RUN = "the exchange", "this run's client"


class Ear:
    """Listens while a line runs.

    Args:
        by: who takes down what is heard.
        end: ends it, and gives what was taken down.
        problem: why nobody could listen.
    """

    def __init__(self, by: str, end: Callable[[], dict[str, Any] | None], problem: str | None = None) -> None:
        self._by = by
        self._end = end
        self._problem = problem

    @classmethod
    def at(cls, item: Any, tape: LineTape | None) -> Ear | None:
        """Begin, before the line's fixtures are made; None where nothing is to be heard or the tape has it all."""
        if item.planned.is_quiet or tape is not None:
            return None
        try:
            world: Rehearsal | None = None
            if item.config.option.kraken == "real" or CLIENT in item.fixturenames:
                world = item.config.stash[WORLDS].of(item.planned.runbook.stage)
            if world is None:
                return None
            if world.permit.real and (world.is_real or CLIENT in item.fixturenames):
                return cls._at_real(world.real)
            if CLIENT not in item.fixturenames:
                return None
            exchange = world.sandbox
            exchange.take_down()
        except (HostError, OSError) as error:  # its fixtures say what is the matter
            return cls(EXCHANGE, lambda: None, str(error))
        return cls(EXCHANGE, exchange.taken_down)

    @classmethod
    def _at_real(cls, exchange: RealExchange) -> Ear:
        exchange.notes.begin()
        return cls(THIS_RUN, exchange.notes.end)

    def heard(self, item: Any) -> list[EvidenceRecord]:
        """End, and give what was heard."""
        if self._problem is not None:
            return [unknown(self._problem)]
        try:
            taken = self._end()
        except HostError as error:
            return [unknown(str(error))]
        if taken is None:
            return [unknown("somebody else ended what was taken down")]
        return list(taken_down(taken, item.config.stash[WORLDS].redactor, by=self._by))


def on_tape(item: Any, tape: LineTape | None) -> list[EvidenceRecord]:
    """What a tape has."""
    if tape is None:
        return []
    redactor = item.config.stash[WORLDS].redactor
    return list(taped(tape.tape.exchanged, redactor, played=isinstance(tape.tape, Player)))
