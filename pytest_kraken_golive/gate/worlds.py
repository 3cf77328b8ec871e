"""The worlds that fixtures show: the rehearsal or deployment under judgement, and broken copies of it for the proof."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_kraken_golive.gate.guards import ClockGuard
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.redact import Redactor, may_be_chance, secrets_of
from pytest_kraken_golive.rehearsal.order import DEFAULT_ENTRYPOINTS
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL, Permit
from pytest_kraken_golive.runbook.model import Stage

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.proof import Alteration
    from pytest_kraken_golive.rehearsal.altered import FinishedCopy
    from pytest_kraken_golive.rehearsal.stage import Rehearsal

LARGEST_KEPT = 5_000_000
"""Bytes of a file that is copied to the reports' folder."""


class Worlds:
    """Opens worlds when they are asked for, and closes them at the end. One for each process."""

    def __init__(
        self,
        rootdir: Path,
        policy: Policy,
        *,
        entrypoints: Mapping[Stage, str] | None = None,
        deployment: Path | None = None,
        tickets: Mapping[Stage, dict[str, Any]] | None = None,
        for_tests: bool = False,
        permit: Permit = NOTHING_REAL,
    ) -> None:
        self.rootdir = rootdir
        self.policy = policy
        self.clock = ClockGuard()
        self.redactor = Redactor()
        self.redactor.learn_environment(os.environ)
        self.credentials = Redactor()
        """Knows the secrets that are found nowhere by chance: where one stands at the end, the run has leaked it."""
        for secret in secrets_of(os.environ):
            if not may_be_chance(secret):
                self.credentials.learn(secret)
        self._entrypoints = {**DEFAULT_ENTRYPOINTS, **(entrypoints or {})}
        self._deployment = deployment
        self._tickets = tickets
        self._for_tests = for_tests
        self._permit = permit
        self._controls: dict[Stage, Rehearsal] = {}
        self._prepared: dict[Alteration, Rehearsal] = {}

    def of(self, stage: Stage) -> Rehearsal:
        """The unaltered world of a stage; started by the first who asks, unless a controller holds it up."""
        if stage not in self._controls:
            from pytest_kraken_golive.rehearsal.stage import Rehearsal  # noqa: PLC0415 - heavy, only when used

            if self._tickets is not None and stage in self._tickets:
                self._controls[stage] = Rehearsal.join(self._tickets[stage], self.policy)
            else:
                self._controls[stage] = Rehearsal.start(
                    self.rootdir,
                    self.policy,
                    entrypoint=self._entrypoints[stage],
                    stage=stage,
                    deployment=self._deployment,
                    for_tests=self._for_tests,
                    permit=self._permit,
                )
            self._learn(self._controls[stage])
        return self._controls[stage]

    def _learn(self, rehearsal: Rehearsal) -> None:
        """Mask this world's credentials in all that is printed or written."""
        from pytest_kraken_golive.contract import Fault, NotProven  # noqa: PLC0415 - two names
        from pytest_kraken_golive.deployment.variables import texts_to_mask  # noqa: PLC0415 - heavy, only when used

        self.redactor.learn_environment(texts_to_mask(rehearsal.judged / ".env"))
        known = rehearsal.made_up
        with contextlib.suppress(Fault, NotProven):  # nothing to mask; the line about the credentials says so
            known.append(rehearsal.account)
        for secret in (secret for account in known for secret in (account.api_key, account.api_secret)):
            self.redactor.learn(secret.get_secret_value())
            self.credentials.learn(secret.get_secret_value())

    def broken(self, alteration: Alteration) -> Rehearsal:
        """A world in which a break has acted; the caller closes it."""
        sabotage = alteration.sabotage
        if sabotage.before_run:
            rehearsal = self._prepared.pop(alteration, None) or self._start_broken(alteration)
        else:
            control = self.of(alteration.stage)
            if alteration.needs_run and control.has_bot and not sabotage.of_recording:
                control.bot.run()
            rehearsal = control.altered(lambda copy: self._break(copy, alteration))
        self._learn(rehearsal)
        return rehearsal

    def _break(self, copy: FinishedCopy, alteration: Alteration) -> None:
        if alteration.sabotage.of_recording:
            copy.write(alteration.cassette, (self.rootdir / alteration.cassette).read_bytes())
        alteration.sabotage.apply(copy, alteration.params)

    def prepare(self, alteration: Alteration) -> None:
        """Let exchange, bot and commands of a break start while another is judged: a run is mostly waiting."""
        if alteration.sabotage.before_run and alteration not in self._prepared:
            rehearsal = self._prepared[alteration] = self._start_broken(alteration)
            if alteration.needs_run:
                rehearsal.start_bot_soon()
            if alteration.begins:
                rehearsal.begin(alteration.begins)

    def _start_broken(self, alteration: Alteration) -> Rehearsal:
        from pytest_kraken_golive.rehearsal.stage import Rehearsal  # noqa: PLC0415 - heavy, only when used

        return Rehearsal.start(
            self.rootdir,
            self.policy,
            entrypoint=self._entrypoints[alteration.stage],
            stage=alteration.stage,
            sabotage=lambda copy: alteration.sabotage.apply(copy, alteration.params),
        )

    def observed_bot(self) -> dict[str, Any] | None:
        """Which bot ran, and how it ended; None if none was asked for."""
        control = self._controls.get("paper")
        if control is None or not control.has_bot:
            return None
        from pytest_kraken_golive.gate.scope import spoken_to  # noqa: PLC0415 - only at the end of a run
        from pytest_kraken_golive.rehearsal.handle import HostError  # noqa: PLC0415 - heavy, only when used

        try:
            state = control.bot.state()
            without = control.bot.so_far_without_licence()
        except (HostError, OSError):
            return {"problem": "the rehearsal did not answer at the end of the run"}
        if state.started_at is None:
            return None
        kind = "own bot" if control.own_bot else "reference bot"
        return {
            "kind": kind,
            "command": state.command,
            "started_at": state.started_at,
            "exit_status": state.exit_status,
            "left_out_of_its_copy": control.ticket["left_out"],
            **spoken_to(state.network),
            "without_licence": None if without is None else spoken_to(without.state.network),
        }

    def real_calls(self) -> dict[str, dict[str, int]]:
        """What real exchanges answered this process with a result: URL to how often, by endpoint."""
        found: dict[str, Counter[str]] = {}
        for control in self._controls.values():
            if control.permit.real and control.real.accepted:
                found.setdefault(control.real.url, Counter()).update(control.real.accepted)
        return {url: dict(calls) for url, calls in found.items()}

    def keep_run(self, directory: Path) -> None:
        """Copy what the bot left to the reports' folder, masked: messages name these files, and a person opens them."""
        control = self._controls.get("paper")
        if control is None:
            return
        kept = {"bot.log": control.root.parent / "bot.log", "paper_report.json": self._report(control)}
        logs = control.root / "logs"
        kept |= {str(path.relative_to(logs.parent)): path for path in logs.rglob("*.log")} if logs.is_dir() else {}
        for name, path in kept.items():
            place = directory / name
            place.unlink(missing_ok=True)  # of an earlier run
            if path.is_file() and path.stat().st_size <= LARGEST_KEPT:
                place.parent.mkdir(parents=True, exist_ok=True)
                text = path.read_text(encoding="utf-8", errors="backslashreplace")
                place.write_text(self.redactor.text(text), encoding="utf-8")

    def _report(self, control: Rehearsal) -> Path:
        """Where the bot left its report, if it did; else where it was expected."""
        from pytest_kraken_golive.rehearsal.handle import HostError  # noqa: PLC0415 - heavy, only when used

        try:
            found = control.bot.state().report if control.has_bot else None
        except HostError:
            found = None
        return Path(found) if found else control.report

    def settle(self) -> None:
        """Wait until nothing that was begun for a line is under way."""
        for control in self._controls.values():
            control.settle()

    def tickets(self) -> dict[Stage, dict[str, Any]]:
        """What another process needs to join the worlds that are up."""
        return {stage: control.ticket for stage, control in self._controls.items()}

    def close(self) -> None:
        """Close the unaltered worlds, whose owner ends them, and the broken ones that nobody came for."""
        while self._prepared:
            self._prepared.popitem()[1].close()
        while self._controls:
            self._controls.popitem()[1].close()
