"""What a line's client really asked the exchange, and what it was answered: evidence that no check has to record.

Where recordings are made or played the tape has it. Everywhere else the embedded exchange takes it down itself, while
the line runs: so it costs the client nothing, and holds whatever library it sends with. Lines that measure are left
alone.
"""

from __future__ import annotations

from typing import Any

from pytest_kraken_golive.contract import EvidenceRecord
from pytest_kraken_golive.gate.tapes import LineTape
from pytest_kraken_golive.recording.excerpt import taken_down, taped, unknown
from pytest_kraken_golive.recording.tape import Player
from pytest_kraken_golive.rehearsal.handle import HostError, SandboxHandle
from pytest_kraken_golive.stash import WORLDS

CLIENT = "kraken_client"
"""Whose calls are wanted, whoever has overridden it."""


class Ear:
    """Listens at the exchange while a line runs."""

    def __init__(self, exchange: SandboxHandle | None, problem: str | None = None) -> None:
        self._exchange = exchange
        self._problem = problem

    @classmethod
    def at(cls, item: Any, tape: LineTape | None) -> Ear | None:
        """Begin, before the line's fixtures are made; None where nothing is to be heard or the tape has it all."""
        if CLIENT not in item.fixturenames or item.planned.is_quiet or tape is not None:
            return None
        try:
            world = item.config.stash[WORLDS].of(item.planned.runbook.stage)
            if world.is_real:  # it keeps no books for us
                return None
            exchange = world.sandbox
            exchange.take_down()
        except (HostError, OSError) as error:  # its fixtures say what is the matter
            return cls(None, str(error))
        return cls(exchange)

    def heard(self, item: Any) -> list[EvidenceRecord]:
        """End, and give what was heard."""
        if self._exchange is None:
            return [unknown(str(self._problem))]
        try:
            taken = self._exchange.taken_down()
        except HostError as error:
            return [unknown(str(error))]
        if taken is None:
            return [unknown("somebody else ended what was taken down")]
        return list(taken_down(taken, item.config.stash[WORLDS].redactor))


def on_tape(item: Any, tape: LineTape | None) -> list[EvidenceRecord]:
    """What a tape has."""
    if tape is None:
        return []
    redactor = item.config.stash[WORLDS].redactor
    return list(taped(tape.tape.exchanged, redactor, played=isinstance(tape.tape, Player)))
