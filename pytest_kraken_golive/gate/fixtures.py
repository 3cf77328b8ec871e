"""The contract's fixtures. They work in ordinary tests too; what is heavy is imported when it is used."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.stash import LEDGER, TAPES

if TYPE_CHECKING:
    from pytest_kraken_golive.bot.settings import LiveSettings
    from pytest_kraken_golive.contract import Evidence
    from pytest_kraken_golive.deployment.core import CoreConfig
    from pytest_kraken_golive.deployment.layout import Deployment
    from pytest_kraken_golive.deployment.paper_report import PaperReport
    from pytest_kraken_golive.deployment.runtime import RuntimeConfig
    from pytest_kraken_golive.deployment.secrets import Credentials
    from pytest_kraken_golive.gate.ledger import Ledger
    from pytest_kraken_golive.gate.proof import Alteration
    from pytest_kraken_golive.gate.tapes import LineTape, Remote
    from pytest_kraken_golive.kraken.client import KrakenClient
    from pytest_kraken_golive.policy import Policy
    from pytest_kraken_golive.recording.witness import Witness
    from pytest_kraken_golive.rehearsal.commands import LiveCommands
    from pytest_kraken_golive.rehearsal.handle import PaperBot, SandboxHandle
    from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands
    from pytest_kraken_golive.rehearsal.live_service import LiveService
    from pytest_kraken_golive.rehearsal.order_bench import OrderBench
    from pytest_kraken_golive.rehearsal.real_exchange import RealExchange
    from pytest_kraken_golive.rehearsal.stage import Rehearsal
    from pytest_kraken_golive.runbook.model import Stage
    from pytest_kraken_golive.telemetry.latency import LatencyMeter


@pytest.fixture(scope="session")
def golive_world(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    """The rehearsal or deployment under judgement; for the proof, a broken copy of it."""
    from pytest_kraken_golive.gate.start import ensure_worlds  # noqa: PLC0415 - heavy, only when used

    worlds = ensure_worlds(request.config)
    wanted: Alteration | Stage = getattr(request, "param", "paper")  # ordinary tests rehearse on paper
    if isinstance(wanted, str):
        world = worlds.of(wanted)
        world.tell = functools.partial(_say, request.config)
        yield world
        return
    broken = worlds.broken(wanted)
    try:
        yield broken
    finally:
        broken.close()


def _say(config: pytest.Config, text: str) -> None:
    """Say it at once, past what pytest captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with contextlib.nullcontext() if capture is None else capture.global_and_fixture_disabled():
        print(text, file=sys.stderr, flush=True)


@pytest.fixture(scope="session")
def deployment(golive_world: Rehearsal) -> Deployment:
    """The deployment under judgement: its paths, `runtime`, `core` and secret store."""
    return golive_world.deployment


@pytest.fixture(scope="session")
def live_settings(golive_world: Rehearsal) -> LiveSettings:
    """What the variables of the deployment say (`.env` below the process's), each value with its place."""
    from pytest_kraken_golive.bot.settings import LiveSettings  # noqa: PLC0415 - heavy, only when used

    if golive_world.is_rehearsal:
        _ = golive_world.addresses  # its host writes the exchange's address into .env before it says that it is ready
    return LiveSettings.of(golive_world.deployment)


@pytest.fixture(scope="session")
def policy(golive_world: Rehearsal) -> Policy:
    """`config/golive.yaml`: what the gate is told to ask for."""
    return golive_world.policy


@pytest.fixture(scope="session")
def runtime_config(deployment: Deployment) -> RuntimeConfig:
    """`config/runtime.yaml`, each value with its file, line and key path."""
    return deployment.runtime


@pytest.fixture(scope="session")
def core_config(deployment: Deployment) -> CoreConfig:
    """`config/core.yaml`, each value with its file, line and key path."""
    return deployment.core


@pytest.fixture(scope="session")
def live_service(golive_world: Rehearsal) -> LiveService:
    """The live service: deployed by the first who asks in a rehearsal, looked at in a real deployment."""
    return golive_world.service


@pytest.fixture(scope="session")
def live_commands(golive_world: Rehearsal) -> LiveCommands | InPlaceCommands:
    """The documents' own commands, each run once: in the copy that plays production, or, armed, in place."""
    return golive_world.commands


@pytest.fixture(scope="session")
def kraken_environment(request: pytest.FixtureRequest, golive_world: Rehearsal) -> dict[str, str]:
    """The variables that tell a Kraken client where to go and how fast; never credentials."""
    if golive_world.permit.real:
        return golive_world.real.environment
    remote = _remote(request)
    return _embedded(golive_world) if remote is None else remote.environment


def _embedded(world: Rehearsal) -> dict[str, str]:
    """The way to the embedded exchange."""
    from pytest_kraken_golive.rehearsal.build import RAISED_LIMITS  # noqa: PLC0415 - heavy, only when used

    return {"KRAKEN_USE_SANDBOX": "true", "KRAKEN_BASE_URL": world.sandbox.url, **RAISED_LIMITS}


@pytest.fixture(scope="session")
def kraken_sandbox(golive_world: Rehearsal) -> SandboxHandle:
    """The embedded exchange: its URL, what it booked, and trouble on demand."""
    return golive_world.sandbox


@pytest.fixture(scope="session")
def kraken_exchange(golive_world: Rehearsal) -> SandboxHandle | RealExchange:
    """The exchange of the deployment under judgement: the embedded one, or with `--kraken=real` its own."""
    return golive_world.exchange


def _remote(request: pytest.FixtureRequest) -> Remote | None:
    """The sandbox that is recorded instead of the embedded exchange."""
    tapes = request.config.stash.get(TAPES, None)
    return None if tapes is None else tapes.remote


def _tape(request: pytest.FixtureRequest) -> LineTape | None:
    """The tape that runs while this line does."""
    tape: LineTape | None = getattr(request.node, "tape", None)
    return tape


@pytest.fixture
def kraken_order_ids(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives client ids to orders; where recordings are made or played, the same in every run."""
    from pytest_kraken_golive.kraken.orders import new_cl_ord_id  # noqa: PLC0415 - heavy, only when used

    line = _tape(request)
    return new_cl_ord_id if line is None else line.tape.order_id


@pytest.fixture
def kraken_witness(request: pytest.FixtureRequest, golive_world: Rehearsal) -> Witness:
    """Tells what `kraken_client` really asked: the exchange's books, or the recording in its place."""
    from pytest_kraken_golive.recording.witness import BookWitness, TapeWitness  # noqa: PLC0415 - only when used

    if golive_world.permit.real:
        return golive_world.real
    line = _tape(request)
    return BookWitness(golive_world.sandbox.books) if line is None else TapeWitness(line.tape)


@pytest.fixture
def kraken_client(
    request: pytest.FixtureRequest,
    golive_world: Rehearsal,
    kraken_environment: dict[str, str],
    kraken_order_ids: Callable[[], str],
    policy: Policy,
) -> Iterator[KrakenClient]:
    """A client with the account's credentials; override it to judge a client of your own (`ExchangeClient`)."""
    from pytest_kraken_golive.kraken.client import KrakenClient  # noqa: PLC0415 - heavy, only when used

    if golive_world.permit.real:
        planned = getattr(request.node, "planned", None)
        check = None if planned is None else planned.check
        places = golive_world.is_real and check is not None and check.touches == "orders"
        with golive_world.real.client(places=places, account=golive_world.account) as real_client:
            yield real_client
        return
    remote = _remote(request)
    environ = kraken_environment
    if remote is not None and _tape(request) is None:  # this line is not recorded, and needs the exchange live
        remote, environ = None, _embedded(golive_world)
    credentials = golive_world.account if remote is None else remote.account
    with KrakenClient(
        credentials.api_key,
        credentials.api_secret,
        environ=environ,
        sandbox_hosts=policy.kraken.sandbox_hosts,
        order_ids=kraken_order_ids,
    ) as client:
        yield client


@pytest.fixture(scope="session")
def paper_bot(golive_world: Rehearsal) -> PaperBot:
    """The bot's run; `run()` starts it, once for the session, and waits for its report."""
    from pytest_kraken_golive.contract import NotProven  # noqa: PLC0415 - one name

    if not golive_world.has_bot:
        raise NotProven(
            "config/golive.yaml commands.bot: no bot command, and the reference bot is no proof for a real deployment. "
            "Next: name the command that starts your bot."
        )
    return golive_world.bot


@pytest.fixture(scope="session")
def paper_report(paper_bot: PaperBot) -> PaperReport:
    """The report of the bot's run."""
    from pytest_kraken_golive.deployment.paper_report import PaperReport  # noqa: PLC0415 - heavy, only when used

    return PaperReport.load(paper_bot.report_path(), paper_bot.root)


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Takes what a check saw; not to be overridden."""
    from pytest_kraken_golive.contract import Evidence  # noqa: PLC0415 - only when used

    own = getattr(request.node, "evidence", None)
    return own if isinstance(own, Evidence) else Evidence()


@pytest.fixture
def latency(request: pytest.FixtureRequest) -> LatencyMeter:
    """Measures calls when nothing else runs: lines that use it come last, alone, in one process."""
    from pytest_kraken_golive.gate.latency import Meter  # noqa: PLC0415 - heavy, only when used

    return Meter(request)


@pytest.fixture
def order_bench(golive_world: Rehearsal) -> Iterator[OrderBench]:
    """Orders of the gate's own, on an account without limits at the embedded exchange; none is left open.

    At a real exchange they are validated and not placed, unless orders are armed.
    """
    from pytest_kraken_golive.rehearsal.order_bench import open_bench  # noqa: PLC0415 - heavy, only when used

    with open_bench(golive_world.exchange) as bench:
        yield bench


@pytest.fixture(scope="session")
def golive_project(golive_world: Rehearsal) -> Path:
    """The project whose own tests the runbook names; for the proof, a copy with a sabotage in it."""
    return golive_world.project


@pytest.fixture(scope="session")
def golive_written(golive_world: Rehearsal) -> list[Path]:
    """What a rehearsal wrote beside its deployment: the output of bot, commands and exchange."""
    return golive_world.written


@pytest.fixture(scope="session")
def golive_made_up(golive_world: Rehearsal) -> list[Credentials]:
    """Credentials of a rehearsal that stand nowhere in its deployment."""
    return golive_world.made_up


@pytest.fixture
def golive_overridden(request: pytest.FixtureRequest) -> dict[str, str]:
    """Contract fixtures that a project has overridden, as its lines see them, with the file that does."""
    from pytest_kraken_golive.gate.scope import PACKAGE, overridden_for  # noqa: PLC0415 - only when used

    return overridden_for(request.node, PACKAGE)


@pytest.fixture(scope="session")
def golive_ledger(request: pytest.FixtureRequest) -> Ledger | None:
    """What this process has seen of the run's lines so far."""
    return request.config.stash.get(LEDGER, None)
