"""The live service: trades until it is asked to stop, says how it is, and leaves nothing behind.

Started by `kraken-golive bot --mode live`; found by its pid file; stopped by a signal, by the stop file, or, where
`KRAKEN_GOLIVE_HOLD=1` ties it to whoever started it, by the end of its standard input. A controlled stop sends no new
order, cancels its own open ones, turns the dead man's switch off, says so in `trading_suspended` and keeps a copy of
events and metrics outside `runtime/`. A killed one is cleaned up after by the exchange's dead man's switch, and by the
next start.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from pytest_kraken_golive.bot.desk import Desk, Fees, own_prefix
from pytest_kraken_golive.bot.ending import Ending
from pytest_kraken_golive.bot.environment import HOLD
from pytest_kraken_golive.bot.execution_paths import LegacyPath, NewPath, cancel, steady, widening
from pytest_kraken_golive.bot.executor import Executor, Paths
from pytest_kraken_golive.bot.live_plan import LivePlan, Refused, plan_live
from pytest_kraken_golive.bot.metrics import ExchangeMetrics
from pytest_kraken_golive.bot.metrics_endpoint import MetricsEndpoint
from pytest_kraken_golive.bot.plan import Findings
from pytest_kraken_golive.bot.recorder import Recorder
from pytest_kraken_golive.bot.recovery import Past, find_unreported, own_open_orders, settle_open_orders
from pytest_kraken_golive.bot.run_report import bot_version
from pytest_kraken_golive.bot.service_files import ServicePid, asked_to_stop, forget
from pytest_kraken_golive.bot.service_log import LOG_FILE, Level, ServiceLog
from pytest_kraken_golive.bot.validation import pair_rules, validate_account
from pytest_kraken_golive.bot.watch import ExchangeWatch
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.events import EventType
from pytest_kraken_golive.telemetry.flags import Component
from pytest_kraken_golive.telemetry.post_mortem import keep_copy
from pytest_kraken_golive.telemetry.rollback import FlagBoard

STOPPED, FAILED, REFUSED = 0, 2, 3
"""Exit statuses: a controlled stop; configuration missing, or a stop that left something; not allowed to start."""

COPIES = "reports/post_mortem"
"""Where dated copies of events and metrics are kept."""

SWITCH_S = 60
"""The exchange cancels everything so long after the service was last heard of."""
_RENEWED_S = 20.0
_WATCHED_S = 0.05
_RESTS = 0.8
"""Part of the time between two orders for which the new path rests."""
_LONGEST_REST_S = 4.0
_LONGEST_PAUSE_S = 30.0
_TRIES = 5


class LiveService:
    """One run of the service.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        entrypoint: name in `trading.entrypoints`.
        environ: the process's variables.
        clock: time.
        ending: asked for by signals.
        say: prints a line for people.
    """

    def __init__(
        self,
        config: Path,
        entrypoint: str,
        *,
        environ: Mapping[str, str],
        clock: Clock,
        ending: Ending,
        say: Callable[[str], None],
    ) -> None:
        self._deployment = Deployment(config.parent.parent, config, environ)
        self._entrypoint = entrypoint
        self._environ = environ
        self._clock = clock
        self._ending = ending
        self._say = say
        self._status = "starting"
        self._halted = threading.Event()
        self._over = threading.Event()
        self._started_s = clock.time()
        self._own = psutil.Process().create_time()
        self._failures = 0
        self._renewed_s = float("-inf")

    def execute(self) -> int:
        """Run until the stop; gives the process's exit status."""
        try:
            plan = plan_live(self._deployment, self._entrypoint, self._environ, self._clock)
            digest = self._deployment.config_sha256
        except Refused as refused:
            return self._refuse(REFUSED, *refused.errors)
        except (NotProven, Fault) as error:
            return self._refuse(FAILED, str(error))
        with ExitStack() as stack:
            try:
                self._open(plan, digest, stack)
            except Refused as refused:
                return self._refuse(REFUSED, *refused.errors)
            except (NotProven, Fault, KrakenError) as error:
                return self._refuse(REFUSED, str(error))
            except OSError as error:
                return self._refuse(FAILED, f"{error.filename}: {error.strerror or error}. Next: make it writable.")
            return self._run()

    # ---- start ----

    def _open(self, plan: LivePlan, digest: str, stack: ExitStack) -> None:
        root = self._deployment.root
        pair = plan.settings.key_pair.credentials
        secrets = [pair.api_key.get_secret_value(), pair.api_secret.get_secret_value()]
        redactor = Redactor(secrets)
        past = Past()
        self._plan, self._digest = plan, digest
        self._events = Recorder(self._deployment.runtime_directory, redactor, self._clock, past.follow)
        stack.callback(self._events.close)
        self._log = ServiceLog(root / LOG_FILE, redactor, self._clock)
        stack.callback(self._log.close)
        metrics = ExchangeMetrics([plan.account.exchange])
        self.watch = ExchangeWatch(plan.account.exchange, metrics)
        self.account = plan.account
        self.client = plan.settings.client(
            arming=plan.arming, clock=self._clock, on_call=self.watch.on_call, timeout_s=5.0
        )
        stack.callback(self.client.close)
        self._prefix = own_prefix(plan.entrypoint)
        self._connect(past)
        self._renew()
        stack.callback(self._over.set)
        host, port, path = plan.endpoint
        endpoint = MetricsEndpoint(metrics.registry, host=host, port=port, path=path, pages={"/health": self.health})
        stack.callback(endpoint.close)
        self._startup(self._unreported)
        self._events.write_metrics()
        self._pid(endpoint).write(root)
        stack.callback(forget, root)
        threading.Thread(target=self._watch_for_stop, name="stop-file", daemon=True).start()
        if self._environ.get(HOLD) == "1":
            self._ending.watch_stdin()

    def _connect(self, past: Past) -> None:
        """Have the exchange confirm key, rights and pairs, and end what a killed predecessor left."""
        findings = Findings()
        if validate_account(self, findings):
            rules = pair_rules(self, findings)
        if findings.errors:
            raise Refused(*findings.errors)
        settle_open_orders(past, self.client, self._events)
        self._unreported = find_unreported(past, self.client)
        for txid in own_open_orders(self.client, self._prefix):
            cancel(self.client, txid)
        fees = Fees(self.client, rules, self._clock)
        self._board = FlagBoard(
            self._plan.flags, self._deployment.runtime_directory / "feature_flags.json", self._events, self._clock
        )
        self._desk = Desk(self.client, rules, self._plan.entrypoint, past.position, self._started_s)
        rest_s = min(_LONGEST_REST_S, _RESTS * self._plan.order_interval_s)
        self._executor = Executor(
            self.account.exchange,
            self.client,
            self._board,
            Paths(
                {"legacy": LegacyPath(self.client), "new": NewPath(self.client, rest_s)},
                {"legacy": steady, "new": widening},
                {"legacy": fees.of_the_start, "new": fees.of_now},
            ),
            events=self._events,
            clock=self._clock,
            halted=self._halted,
        )

    def _startup(self, unreported: list[dict[str, Any]]) -> None:
        flags = self._plan.flags
        self._events.append(
            EventType.STARTUP,
            exchange=self.account.exchange,
            entrypoint=self._plan.entrypoint,
            version=bot_version(),
            config_sha256=self._digest,
            base_url=self.client.base_url,
            mode=self.client.endpoint.mode,
            pid=os.getpid(),
            order_prefix=self._prefix,
            flags={
                "enabled": flags.enabled,
                **{component.value: flags.components[component].mode.value for component in Component},
            },
            unreported_orders=unreported,
        )
        self._log.write("INFO", "SERVICE_STARTED", pid=os.getpid(), version=bot_version(), config_sha256=self._digest)
        for order in unreported:
            self._log.write("WARNING", "ORDER_WITHOUT_EVENT", **order)

    def _pid(self, endpoint: MetricsEndpoint) -> ServicePid:
        return ServicePid(
            pid=os.getpid(),
            create_time=self._own,
            port=endpoint.port,
            health_url=f"{endpoint.origin}/health",
            version=bot_version(),
            config_sha256=self._digest,
            entrypoint=self._plan.entrypoint,
            started_at=self._started_at,
            root=str(self._deployment.root),
        )

    # ---- what it says ----

    @property
    def _started_at(self) -> str:
        return datetime.fromtimestamp(self._started_s, UTC).isoformat()

    def health(self) -> dict[str, Any]:
        """The page `/health`."""
        execution = (
            self._plan.flags.components[Component.EXECUTION].mode.value if self._plan.flags.enabled else "legacy"
        )
        return {
            "status": self._status,
            "version": bot_version(),
            "config_sha256": self._digest,
            "entrypoint": self._plan.entrypoint,
            "exchange": self.account.exchange,
            "base_url": self.client.base_url,
            "mode": self.client.endpoint.mode,
            "execution_mode": execution,
            "execution_path": self._executor.last_path,
            "orders_accepted": self._executor.accepted,
            "orders_open": 0 if self._executor.open_txid is None else 1,
            "last_order_age_s": round(self._clock.monotonic() - self._executor.accepted_s, 3),
            "started_at": self._started_at,
            "pid": os.getpid(),
        }

    def _refuse(self, status: int, *errors: str) -> int:
        for text in errors:
            self._say(f"error: {text}")
        self._say(f"live service: not started ({len(errors)} {'reason' if len(errors) == 1 else 'reasons'})")
        return status

    # ---- at work ----

    def _run(self) -> int:
        """Trade until the stop."""
        failed = False
        self._status = "ok"
        try:
            while self._ending.reason is None:
                due_s = self._clock.monotonic() + self._plan.order_interval_s
                self._round()
                backoff_s = min(self._plan.order_interval_s * 2**self._failures, _LONGEST_PAUSE_S)
                due_s += backoff_s if self._failures else 0.0
                self._ending.wait(max(0.0, due_s - self._clock.monotonic()))
        except Exception as error:
            # A bug of ours, or a full disk: nobody else can be told, and open orders must not stay.
            traceback.print_exc()
            self._ending.ask(f"the service has a fault: {type(error).__name__}: {error}")
            failed = True
        return self._stop(failed)

    def _round(self) -> None:
        try:
            self._renew()
            intent = self._desk.next()
            info = self._executor.execute(intent)
            if info is not None:
                self._desk.note(intent, info)
        except KrakenError as error:
            self._failures = min(self._failures + 1, _TRIES)
            self._status = "degraded"
            self._log.write("WARNING", "EXCHANGE_TROUBLE", message=error)
        else:
            self._failures = 0
            self._status = "ok"
            if info is None and not self._halted.is_set():
                self._log.write("WARNING", "ORDER_NOT_EXECUTED", cl_ord_id=intent.cl_ord_id)
        self._events.write_metrics()

    def _renew(self) -> None:
        """Have the exchange cancel everything unless it hears from this service again."""
        now_s = self._clock.monotonic()
        if now_s - self._renewed_s >= _RENEWED_S:
            self.client.cancel_all_orders_after(SWITCH_S)
            self._renewed_s = now_s

    def _watch_for_stop(self) -> None:
        """Suspend trading the moment that anybody asks for the end."""
        while not self._over.wait(_WATCHED_S):
            by = asked_to_stop(self._deployment.root, self._own)
            if by is not None:
                self._ending.ask(by)
            if self._ending.reason is not None:
                self._status = "stopping"
                self._halted.set()
                return

    # ---- stop ----

    def _stop(self, failed: bool) -> int:
        """The controlled stop; its exit status."""
        self._halted.set()
        self._status = "stopping"
        reason = self._ending.reason or "unknown"
        cancelled, problem = self._leave_nothing()
        self._events.append(
            EventType.TRADING_SUSPENDED,
            exchange=self.account.exchange,
            reason=reason,
            orders_cancelled=cancelled + self._executor.given_up,
            orders_left=None if problem else 0,
            orders_unknown=self._executor.unknown,
            dead_mans_switch="on" if problem else "off",
        )
        self._events.write_metrics()
        keep_copy(self._deployment.runtime_directory, self._deployment.root / COPIES, self._clock)
        clean = problem is None and not self._executor.unknown
        level: Level = "INFO" if clean and not failed else "ERROR"
        self._log.write(level, "SERVICE_STOPPED", reason=reason, problem=problem or "none")
        if problem is not None:
            self._say(f"error: {problem}")
        return STOPPED if clean and not failed else FAILED

    def _leave_nothing(self) -> tuple[int, str | None]:
        """Cancel the own open orders and turn the dead man's switch off, in this order; how many, and what failed.

        Where that fails, the switch stays on: it is what is left to cancel them.
        """
        cancelled, problem = 0, "unknown"
        for tries in range(_TRIES):
            try:
                left = own_open_orders(self.client, self._prefix)
                if not left:
                    self.client.cancel_all_orders_after(0)
                    return cancelled, None
                problem = f"open orders are left: {', '.join(left)}"
                for txid in left:
                    cancelled += cancel(self.client, txid)
            except KrakenError as error:
                problem = str(error)
                self._clock.sleep(0.2 * 2**tries)
        return cancelled, problem
