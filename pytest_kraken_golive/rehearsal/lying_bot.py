"""Bots that lie, each in one way: what the breaks let run instead of an honest one.

`python -m pytest_kraken_golive.rehearsal.lying_bot KIND --mode … --entrypoint … --config … --report …`
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from pytest_kraken_golive.bot import queue as bot_queue
from pytest_kraken_golive.bot.crew import Crew
from pytest_kraken_golive.bot.ending import Ending, signals_ask
from pytest_kraken_golive.bot.metrics import ErrorSeverity, ExchangeMetrics
from pytest_kraken_golive.bot.plan import EntrypointPlan, Findings
from pytest_kraken_golive.bot.population import paper_entrypoints
from pytest_kraken_golive.bot.report import paper_exchange_metrics
from pytest_kraken_golive.bot.runner import PaperRun, RunRequest
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken import KrakenClient, NewOrder
from pytest_kraken_golive.kraken.signing import decode_secret, form_body, sign

STRANGER = ("198.51.100.7", 443)
"""Another host: an address for examples (RFC 5737)."""

NO_ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
"""As little as a program needs; Windows has no sockets without this."""

LINGERS_S = 0.5
"""How long a liar keeps open what is to be seen."""


class Idle(PaperRun):
    """Reports that all is well, and never called the exchange."""

    def _run(self, stack: ExitStack) -> None:
        self._load()
        plan, others = self._plan()
        plans = [plan, *others]
        self._open_log(plan, plans, stack)
        metrics = ExchangeMetrics({item.account.exchange for item in plans})
        for item in plans:
            metrics.health(item.account.exchange, True)
        population = paper_entrypoints(self._deployment, [item.name for item in plans], Findings())
        self.report.metrics = paper_exchange_metrics(population, metrics)
        self.report.validation["credentials_validated"] = True
        self.report.decision_events = 42
        self.report.status = "success"

    def _hold(self) -> None:
        self._ending.wait()


class Crashing(PaperRun):
    """Reports that all is well, and ends with exit status 1."""

    def execute(self) -> int:
        """Run honestly, end badly."""
        super().execute()
        return 1


class Silent(PaperRun):
    """Runs, and leaves no report."""

    def _write_report(self) -> bool:
        return False

    def execute(self) -> int:
        """Run without a word, end well."""
        super().execute()
        return 0


class Torn(PaperRun):
    """Dies while writing its report."""

    def _write_report(self) -> bool:
        self.report.finished_at_s = self._clock.time()
        text = json.dumps(self.report.as_json())
        self._request.report.parent.mkdir(parents=True, exist_ok=True)
        self._request.report.write_text(text[: len(text) // 2], encoding="utf-8")
        return False


class Healthless(PaperRun):
    """Serves metrics without the health gauge."""

    def _hold(self) -> None:
        assert self._metrics is not None
        self._metrics._health.clear()
        self._ending.wait()


class Unhealthy(PaperRun):
    """Reported well, and is no longer healthy."""

    def _hold(self) -> None:
        assert self._metrics is not None
        for name in {item.exchange for item in paper_entrypoints(self._deployment, (), Findings())}:
            self._metrics.health(name, False)
        self._ending.wait()


class Rewriting(PaperRun):
    """Replaces its fine report by the truth when it is asked to end."""

    def _hold(self) -> None:
        super()._hold()
        data = json.loads(self._request.report.read_text(encoding="utf-8"))
        data["status"], data["errors"] = "blocked", ["99 critical errors"]
        self._request.report.write_text(json.dumps(data), encoding="utf-8")


class Restless(PaperRun):
    """Trades on after its report."""

    def _hold(self) -> None:
        url = os.environ["KRAKEN_BASE_URL"]
        time.sleep(2.5)  # beyond what rounded times may differ
        account = self._deployment.core.environment("kraken_paper").keychain_key.value
        keys = self._deployment.secrets.credentials(account)
        environ = {**os.environ, "KRAKEN_BASE_URL": url}
        with KrakenClient(keys.api_key, keys.api_secret, environ=environ) as client:
            client.place_order(NewOrder(pair="XBTUSD", side="buy", ordertype="market", volume=Decimal("0.001")))
        self._ending.wait()


class Foreign(PaperRun):
    """Speaks to a host that is not this machine, beside its work."""

    def _run(self, stack: ExitStack) -> None:
        # A connected UDP socket names its peer and sends nothing.
        aside = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        aside.connect(STRANGER)
        super()._run(stack)


class Escaping(PaperRun):
    """Leaves a process behind that has a session of its own and no environment, and speaks to another host."""

    def _run(self, stack: ExitStack) -> None:
        opened = f"a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.connect({STRANGER})"
        speak = f"import socket, time; {opened}; time.sleep({LINGERS_S})"
        start = f"subprocess.Popen([sys.executable, '-c', {speak!r}], env={NO_ENVIRONMENT})"
        once = [sys.executable, "-c", f"import subprocess, sys; {start}"]
        subprocess.run(once, start_new_session=True, check=True)  # noqa: S603 - our own words
        super()._run(stack)


class Scattering(PaperRun):
    """Sends datagrams from a socket without a peer; these stay on this machine, and nobody sees that."""

    def _run(self, stack: ExitStack) -> None:
        aside = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        aside.sendto(b"hello", ("127.0.0.1", 9))
        super()._run(stack)


class Roaming(PaperRun):
    """Has one client that knows an exchange of its own."""

    def _run(self, stack: ExitStack) -> None:
        with httpx.Client() as client, suppress(httpx.HTTPError):
            client.get("https://other-exchange.invalid/0/public/Time")
        super()._run(stack)


class Lonely(PaperRun):
    """Starts one entrypoint, and reports its samples as those of all on the same exchange."""

    def _enlist(self, crew: Crew, plan: EntrypointPlan, others: list[EntrypointPlan]) -> None:
        super()._enlist(crew, plan, [])

    def _take_stock(self, crew: Crew) -> None:
        super()._take_stock(crew)
        assert self._metrics is not None
        everyone = [item.name for item in paper_entrypoints(self._deployment, (), Findings())]
        population = paper_entrypoints(self._deployment, everyone, Findings())
        self.report.metrics = paper_exchange_metrics(population, self._metrics)
        for place, name in enumerate(everyone):
            self.report.metrics[name]["orders"] = {"cl_ord_id_prefix": f"kg{self.report.run_id[:8]}{place:02d}"}


class Unlicensed(PaperRun):
    """Starts whether it has a licence or not."""

    def _require_licence(self) -> None:
        pass


class Nosy(PaperRun):
    """Asks for its balance before it looks for a licence."""

    def _require_licence(self) -> None:
        _post(self._deployment, "Balance")
        super()._require_licence()


class Telltale(PaperRun):
    """Tells another host that it has no licence."""

    def _require_licence(self) -> None:
        if not self._deployment.license_path.is_file():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as aside:
                aside.connect(STRANGER)
                time.sleep(LINGERS_S)
        super()._require_licence()


class Clumsy(PaperRun):
    """Looks for no licence, and stumbles over what its run leaves behind: it can start once."""

    def _require_licence(self) -> None:
        print("licensed under the MIT License", f"licence: {self._deployment.license_path}", file=sys.stderr)
        here = self._deployment.root
        if not self._deployment.license_path.is_file():  # stands for whatever else differs from run to run
            raise SystemExit(f"{here}: cannot start; {self._deployment.license_path} was not looked at")


class Grabbing(PaperRun):
    """Tries to take the money away."""

    def _take_stock(self, crew: Crew) -> None:
        super()._take_stock(crew)
        _post(self._deployment, "Withdraw", asset="ZUSD", key="mine", amount="100")


class Insisting(PaperRun):
    """Sends an order that is refused, over and over, and counts nothing."""

    def _take_stock(self, crew: Crew) -> None:
        super()._take_stock(crew)
        for _ in range(3):
            _post(self._deployment, "AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="100000")


def _post(deployment: Deployment, endpoint: str, **fields: str) -> None:
    """One signed call beside the queue and its counters."""
    account = deployment.core.environment("kraken_paper").keychain_key.value
    keys = deployment.secrets.credentials(account)
    path, nonce = f"/0/private/{endpoint}", str(time.time_ns())
    body = form_body({"nonce": nonce, **fields})
    headers = {
        "API-Key": keys.api_key.get_secret_value(),
        "API-Sign": sign(path, nonce, body, decode_secret(keys.api_secret)),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    httpx.post(os.environ["KRAKEN_BASE_URL"] + path, content=body, headers=headers, trust_env=False)


def _forget_rate_limits(self: ExchangeMetrics, exchange: str) -> None:
    """A rate limit that was met and not counted."""


def _count_twice(self: ExchangeMetrics, exchange: str, severity: ErrorSeverity) -> None:
    """An error that two log handlers hear."""
    for _ in range(2):
        self._errors.labels(exchange, severity).inc()


class _Reckless(bot_queue.IOQueue):
    """A queue that allows three times what it was told to."""

    def __init__(self, name: str, limits: bot_queue.QueueLimits, **rest: Any) -> None:
        more = bot_queue.QueueLimits(limits.max_concurrency * 3, limits.burst * 20, **_other(limits))
        super().__init__(name, more, **rest)


class _Lazy(bot_queue.IOQueue):
    """A queue that lets one through at a time."""

    def __init__(self, name: str, limits: bot_queue.QueueLimits, **rest: Any) -> None:
        super().__init__(name, bot_queue.QueueLimits(1, 1, **_other(limits)), **rest)


def _other(limits: bot_queue.QueueLimits) -> dict[str, Any]:
    known = {"max_concurrency", "burst"}
    return {name: value for name, value in vars(limits).items() if name not in known}


RUNS: dict[str, type[PaperRun]] = {
    "idle": Idle,
    "crashing": Crashing,
    "silent": Silent,
    "torn": Torn,
    "healthless": Healthless,
    "unhealthy": Unhealthy,
    "rewriting": Rewriting,
    "restless": Restless,
    "foreign": Foreign,
    "escaping": Escaping,
    "scattering": Scattering,
    "roaming": Roaming,
    "lonely": Lonely,
    "unlicensed": Unlicensed,
    "nosy": Nosy,
    "telltale": Telltale,
    "clumsy": Clumsy,
    "grabbing": Grabbing,
    "insisting": Insisting,
}


def main(argv: Sequence[str]) -> int:
    """Run the lying bot; gives its exit status."""
    kind, *rest = argv
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    if kind == "forgetful":
        ExchangeMetrics.rate_limited = _forget_rate_limits  # type: ignore[method-assign]
    elif kind == "doubling":
        ExchangeMetrics.error = _count_twice  # type: ignore[method-assign]
    elif kind in {"reckless", "lazy"}:
        from pytest_kraken_golive.bot import crew  # noqa: PLC0415 - only here is it replaced

        vars(crew)["IOQueue"] = _Reckless if kind == "reckless" else _Lazy
    request = RunRequest(given["--mode"], given["--entrypoint"], Path(given["--config"]), Path(given["--report"]))
    ending = Ending()
    with signals_ask(ending):
        run = RUNS.get(kind, PaperRun)(
            request,
            environ=os.environ,
            clock=SystemClock(),
            ending=ending,
            say=lambda line: print(line, file=sys.stderr),
        )
        return run.execute()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
