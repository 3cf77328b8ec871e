"""A paper run from its configuration to its report."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pytest_kraken_golive.bot.crew import Crew
from pytest_kraken_golive.bot.ending import Ending
from pytest_kraken_golive.bot.environment import RunSettings, run_settings
from pytest_kraken_golive.bot.guardrail import GuardrailLog
from pytest_kraken_golive.bot.licence import require_licence
from pytest_kraken_golive.bot.metrics import ExchangeMetrics
from pytest_kraken_golive.bot.metrics_endpoint import MetricsEndpoint
from pytest_kraken_golive.bot.plan import EntrypointPlan, Findings, contradictions, plan_entrypoint, run_tags
from pytest_kraken_golive.bot.population import bootstrap_names, paper_entrypoints
from pytest_kraken_golive.bot.report import paper_exchange_metrics, write_report
from pytest_kraken_golive.bot.run_report import EXIT_CODES, RunReport, Status
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.bot.validation import validation_section
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment

_LONGER = 3
"""So many times the trading time may be added while a first fill is still to come."""
_LOOK_S = 0.1


@dataclass(frozen=True)
class RunRequest:
    """What the command line asks for."""

    mode: str
    """`paper`."""
    entrypoint: str
    """Name in `trading.entrypoints`."""
    config: Path
    """runtime.yaml; the folder above its own is the deployment's root."""
    report: Path
    """Where the report goes."""


class _RunEnded(Exception):
    """The run ends here, with this status and these errors."""

    def __init__(self, status: Status, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = errors


class PaperRun:
    """One paper run.

    Args:
        request: what to run.
        environ: the process's variables.
        clock: time.
        ending: asked for by signals and by whoever started the run.
        say: prints a line for people, on standard error.
    """

    def __init__(
        self,
        request: RunRequest,
        *,
        environ: Mapping[str, str],
        clock: Clock,
        ending: Ending,
        say: Callable[[str], None],
    ) -> None:
        self._request = request
        self._process_environ = environ
        self._clock = clock
        self._ending = ending
        self._say = say
        self._deployment = Deployment(request.config.parent.parent, request.config, environ)
        self._settings: RunSettings | None = None
        self._crew: Crew | None = None
        self._log: GuardrailLog | None = None
        self._metrics: ExchangeMetrics | None = None
        self.report = RunReport(
            mode=request.mode,
            entrypoint=request.entrypoint,
            config_path=self._deployment.shown(self._deployment.runtime_path),
            run_id=uuid.uuid4().hex,
            started_at_s=clock.time(),
            validation=validation_section(request.mode, None),
        )

    def execute(self) -> int:
        """Run, write the report, hold if that is asked for; gives the process's exit status."""
        with ExitStack() as stack:
            try:
                self._run(stack)
            except _RunEnded as end:
                self._end(end.status, *end.errors)
            except Exception as error:
                # A bug of ours: the report has to say so, whoever started us must not wait for one for ever.
                traceback.print_exc()
                self._end("error", f"the bot has a fault: {type(error).__name__}: {error}")
            written = self._write_report()
            for text in self.report.errors:
                self._say(f"error: {text}")
            self._say(f"paper run: {self.report.status}; report: {self._deployment.shown(self._request.report)}")
            code = EXIT_CODES[self.report.status] if written else EXIT_CODES["error"]
            if written and self._holds():
                self._hold()
        return code

    def _run(self, stack: ExitStack) -> None:
        settings = self._load()
        plan, others = self._plan()
        plans = [plan, *others]
        log = self._open_log(plan, plans, stack)
        metrics = self._metrics = ExchangeMetrics({item.account.exchange for item in plans})
        crew = self._crew = stack.enter_context(
            Crew(self._deployment, settings, metrics=metrics, log=log, clock=self._clock, run_id=self.report.run_id)
        )
        self._serve(metrics, crew, stack)
        self._enlist(crew, plan, others)
        self._work(crew)
        self._judge(crew)

    def _load(self) -> LiveSettings:
        """Read both files of the configuration and the environment; without them nothing can be run or said."""
        try:
            _ = self._deployment.runtime, self._deployment.core
            self.report.config_sha256 = self._deployment.config_sha256
            settings = LiveSettings.of(self._deployment)
            self._settings = run_settings(settings.variables)
        except (NotProven, Fault) as error:
            raise _RunEnded("error", str(error)) from None
        self._require_licence()
        if self._settings.hold:
            self._ending.watch_stdin()
        return settings

    def _require_licence(self) -> None:
        try:
            require_licence(self._deployment, self._process_environ, self._clock)
        except (NotProven, Fault) as error:
            raise _RunEnded("validation_failed", f"no valid licence: {error}") from None

    def _plan(self) -> tuple[EntrypointPlan, list[EntrypointPlan]]:
        """The entrypoint that was asked for, and the paper entrypoints that start with the bot."""
        findings = Findings()
        plan = plan_entrypoint(self._deployment, self._request.entrypoint, findings)
        self.report.validation = validation_section(self._request.mode, plan)
        self._survey()
        if plan is None:
            raise _RunEnded("validation_failed", *findings.errors)
        self.report.notes += contradictions(self._deployment, plan)
        return plan, self._plan_others(plan)

    def _plan_others(self, plan: EntrypointPlan) -> list[EntrypointPlan]:
        unread = Findings()  # told by `_survey`
        population = paper_entrypoints(self._deployment, (), unread)
        others = []
        for name in bootstrap_names(self._deployment, population, unread):
            findings = Findings()
            other = None if name == plan.name else plan_entrypoint(self._deployment, name, findings)
            if other is not None:
                others.append(other)
            self._not_started(name, findings)
        return others

    def _not_started(self, name: str, findings: Findings) -> None:
        self.report.notes += [f"the entrypoint {name} is not started: {error}" for error in findings.errors]

    def _survey(self) -> None:
        """Note what the configuration leaves unsaid about the paper entrypoints, and give each its entry."""
        findings = Findings()
        population = paper_entrypoints(self._deployment, (), findings)
        bootstrap_names(self._deployment, population, findings)
        self.report.notes += findings.errors
        self.report.metrics = paper_exchange_metrics(population, ExchangeMetrics(()))

    def _open_log(self, plan: EntrypointPlan, plans: list[EntrypointPlan], stack: ExitStack) -> GuardrailLog:
        findings = Findings()
        tags = findings.read(lambda: run_tags(self._deployment, plan.name))
        directory = findings.read(lambda: self._deployment.guardrail_directory)
        if tags is None or directory is None:
            raise _RunEnded("validation_failed", *findings.errors)
        try:
            log = GuardrailLog(
                directory,
                run_id=self.report.run_id,
                tags=tags,
                environment=plan.account.environment,
                queues=sorted({item.queue for item in plans}),
                clock=self._clock,
            )
        except OSError as error:
            raise _RunEnded(
                "error",
                f"{self._deployment.shown(directory)} (io_queue.log_directory): expected a folder that can be written "
                f"to, found: {error.strerror}. Next: make it writable, or name another.",
            ) from None
        stack.callback(log.close)
        self._log = log
        log.start()
        return log

    def _serve(self, metrics: ExchangeMetrics, crew: Crew, stack: ExitStack) -> None:
        """Open the metrics endpoint where the configuration asks for one."""
        findings = Findings()
        prometheus = findings.read(lambda: self._deployment.runtime.prometheus)
        values = (
            None
            if prometheus is None
            else findings.read(lambda: (prometheus.enabled, prometheus.host, prometheus.port, prometheus.path))
        )
        if values is None:
            raise _RunEnded("validation_failed", *findings.errors)
        enabled, host, port, path = values
        if not enabled.value:
            self.report.notes.append(f"{enabled.where} is false: the metrics cannot be read from the running bot")
            return
        try:
            endpoint = MetricsEndpoint(
                metrics.registry, host=host.value, port=port.value, path=path.value, before_scrape=crew.look_again
            )
        except OSError as error:
            raise _RunEnded(
                "error",
                f"{port.where}: expected a free port on {host.value}, found {port.value}: {error.strerror or error}. "
                "Next: stop the program that listens there, or write 0 for a free port.",
            ) from None
        stack.callback(endpoint.close)
        self.report.metrics_endpoint = endpoint.url
        self._phase("serving")

    def _enlist(self, crew: Crew, plan: EntrypointPlan, others: list[EntrypointPlan]) -> None:
        """Validate at the exchange: the entrypoint that was asked for has to pass, others may stay behind."""
        findings = Findings()
        crew.enlist(plan, findings)
        self.report.validation["credentials_validated"] = crew.accepted(plan)
        if findings.errors:
            raise _RunEnded("validation_failed", *findings.errors)
        for other in others:
            findings = Findings()
            crew.enlist(other, findings)
            self._not_started(other.name, findings)
        self._phase("validated")

    def _work(self, crew: Crew) -> None:
        assert self._settings is not None, "read by _load"
        crew.start()
        self._phase("warm_up")
        if not self._ending.wait(self._settings.warm_up_s):
            self._phase("trading")
            crew.trade()
            ended = self._ending.wait(self._settings.run_s)
            until_s = self._clock.monotonic() + _LONGER * self._settings.run_s
            while not ended and crew.expects_a_fill() and self._clock.monotonic() < until_s:
                ended = self._ending.wait(_LOOK_S)
        crew.stop()
        if self._ending.reason is None:
            self._phase("stopped")

    def _judge(self, crew: Crew) -> None:
        """What the run came to: cut short, not settled, beyond its thresholds, or a success."""
        self._take_stock(crew)
        if self._ending.reason is not None:
            raise _RunEnded("error", f"the run was cut short: {self._ending.reason}", *crew.errors())
        if crew.errors():
            raise _RunEnded("error", *crew.errors())
        status = self.report.metrics["summary"]["status"]
        if status != "ok":
            raise _RunEnded("blocked", f"paper_exchange_metrics.summary.status: expected ok, found {status}")
        self.report.status = "success"

    def _take_stock(self, crew: Crew) -> None:
        assert self._metrics is not None, "made before the crew"
        population = paper_entrypoints(self._deployment, crew.names(), Findings())
        self.report.metrics = paper_exchange_metrics(population, self._metrics)
        for name, prefix in crew.order_prefixes().items():
            self.report.metrics[name]["orders"] = {"cl_ord_id_prefix": prefix}
        self.report.decision_events = crew.decisions()
        self.report.checkpoint |= crew.order_counts()
        self.report.notes += crew.notes()

    def _phase(self, name: str) -> None:
        self.report.checkpoint["phase"] = name

    def _end(self, status: Status, *errors: str) -> None:
        self.report.status = status
        self.report.errors += errors

    def _write_report(self) -> bool:
        if self._crew is not None:
            self.report.io_queue = self._crew.queue_figures()
        if self._log is not None:
            self._log.stop()
            shown = self._deployment.shown(self._log.directory)
            self.report.guardrails = {"log_directory": shown, "summary": self._log.summary()}
        self.report.finished_at_s = self._clock.time()
        try:
            write_report(self._request.report, self.report.as_json())
        except OSError as error:
            self._say(
                f"error: {self._request.report}: the report cannot be written: {error.strerror}. "
                "Next: make its folder writable, or name another file with --report."
            )
            return False
        return True

    def _holds(self) -> bool:
        """Only a run that came to its end has metrics that somebody may want to read."""
        ended = self.report.status in {"success", "blocked"}
        return ended and self._settings is not None and self._settings.hold

    def _hold(self) -> None:
        assert self._crew is not None, "the run came to its end"
        self._crew.rest()
        self._ending.wait()
