"""The live service as the process that it is, on an exchange that plays production, whose books are the oracle."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_kraken_golive.bot.ending import Ending
from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.bot.names import LARGEST_ORDER
from pytest_kraken_golive.bot.service_files import read_pid
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.operations.deploy import deploy
from pytest_kraken_golive.operations.failure import CommandError
from pytest_kraken_golive.operations.health import wait_for_resting_order
from pytest_kraken_golive.operations.records import drills, read_deploy_record
from pytest_kraken_golive.operations.rollback import rollback
from pytest_kraken_golive.operations.stop import DRILL, stop
from pytest_kraken_golive.sandbox.settings import FaultSettings
from pytest_kraken_golive.telemetry.derivation import derive, differences
from pytest_kraken_golive.telemetry.post_mortem import newest_copy

if TYPE_CHECKING:
    from live_folder import LiveFolder

pytest_plugins = ["live_folder"]


def _own(folder: LiveFolder) -> list[dict[str, Any]]:
    return [order for order in folder.books()["orders"] if str(order["cl_ord_id"]).startswith("kl")]


def _pid(folder: LiveFolder) -> int:
    return int(json.loads((folder.root / "runtime/service.pid").read_text())["pid"])


def test_deploy_trade_roll_back_and_stop(live_folder: LiveFolder) -> None:
    folder = live_folder
    before = (folder.root / ".env").read_bytes()
    try:
        deployed = folder.command("deploy", "--json")
        assert deployed.returncode == 0, deployed.stderr
        record = read_deploy_record(folder.root)
        health = httpx.get(json.loads(deployed.stdout)["health_url"], trust_env=False).json()
        assert health["config_sha256"] == record.config_sha256
        assert (health["version"], health["entrypoint"], health["exchange"], health["mode"]) == (
            record.version,
            "kraken_desktop_live",
            "kraken",
            "production",
        )
        folder.wait(lambda: folder.events("order_fill"))
        first = _pid(folder)

        config, environ = folder.root / "config/runtime.yaml", folder.environ()
        assert rollback(config, environ).order["path"] == "legacy"
        assert _pid(folder) != first, "the mode has survived a restart"
        assert b"FF_EXECUTION_MODE=legacy\n" in (folder.root / ".env").read_bytes()
        assert rollback(config, environ, undo=True).mode == "new"
        assert (folder.root / ".env").read_bytes() == before
        if os.name == "posix":
            assert (folder.root / ".env").stat().st_mode & 0o777 == 0o600

        count = len(_own(folder))
        folder.wait(lambda: any(order["closed_s"] is None for order in _own(folder)))  # the new path rests first
        stopped = folder.command("stop", "--json")
        assert stopped.returncode == 0, stopped.stderr
    finally:
        again = stop(folder.root / "config/runtime.yaml", folder.environ(), entrypoint="kraken_desktop_live")
    assert not again.was_running, "stopping what is stopped already is no failure"

    orders = _own(folder)
    assert len(orders) >= count
    assert all(order["closed_s"] for order in orders), "none is left open"
    assert {order["txid"] for order in orders} == {event.payload["txid"] for event in folder.events("order_submitted")}
    assert {event.payload["path"] for event in folder.events("order_submitted")} == {"legacy", "new"}
    amended = {order["cl_ord_id"] for order in orders if len(order["amends"]) > 1}
    by_path = {event.payload["cl_ord_id"]: event.payload["path"] for event in folder.events("order_submitted")}
    assert amended and {by_path[name] for name in amended} == {"new"}  # noqa: PT018 - two code paths indeed
    assert folder.books()["by_endpoint"]["CancelAllOrdersAfter"] == 2 * len(folder.events("startup"))
    assert folder.events()[-1].type == "trading_suspended"
    metrics = json.loads((folder.root / "runtime/metrics_trading.json").read_text())
    assert differences(metrics, derive(folder.events())) == []
    assert metrics["by_exchange"]["kraken"]["fee_accuracy"]["mean_abs_pct"] < 0.05
    assert newest_copy(folder.root / "reports/post_mortem").files
    assert [record.kind for record in drills(folder.root)] == ["rollback", "undo", "stop"]
    said = (folder.root / "logs/service.log").read_text() + (folder.root / "logs/service.out.log").read_text()
    assert "ERROR" not in said and "Traceback" not in said  # noqa: PT018 - one question


@pytest.mark.parametrize(("mode", "rests"), [("new", True), ("legacy", False)])
def test_a_drill_of_the_stop_waits_for_an_order_that_rests(
    live_folder: LiveFolder, monkeypatch: pytest.MonkeyPatch, mode: str, rests: bool
) -> None:
    folder = live_folder
    folder.replace("config/runtime.yaml", "order_interval_s: 0.4", "order_interval_s: 1.5")
    folder.replace(".env", "FF_EXECUTION_MODE=new", f"FF_EXECUTION_MODE={mode}")
    monkeypatch.setattr(wait_for_resting_order, "__defaults__", (10.0 if rests else 1.0,))
    config, environ = folder.root / "config/runtime.yaml", folder.environ(**{DRILL: "1"})
    try:
        deploy(config, environ)
    finally:
        done = stop(config, environ)
    assert done.was_running
    assert done.order_rested is rests
    (drill,) = drills(folder.root)
    assert drill.fact("order_rested") is rests
    assert drill.fact("took_s") < drill.ended_s - drill.began_s
    cancelled = [order for order in _own(folder) if order["status"] == "canceled"]
    assert done.orders_cancelled == len(cancelled) == rests
    given_up = [event.payload["cl_ord_id"] for event in folder.events("order_given_up")]
    assert given_up == [order["cl_ord_id"] for order in cancelled]
    metrics = json.loads((folder.root / "runtime/metrics_trading.json").read_text())["by_exchange"].get("kraken", {})
    assert metrics.get("failure", 0) == 0, "a stop is no failure of the bot's"
    assert (
        differences(json.loads((folder.root / "runtime/metrics_trading.json").read_text()), derive(folder.events()))
        == []
    )


def test_a_killed_service_is_cleaned_up_after_by_the_next(live_folder: LiveFolder) -> None:
    folder = live_folder
    foreign = folder.foreign_order()
    first = folder.start()
    folder.wait(lambda: any(order["closed_s"] is None for order in _own(folder)))
    first.kill()
    first.communicate()
    left = [order["cl_ord_id"] for order in _own(folder) if order["closed_s"] is None]
    second = folder.start()
    try:
        folder.wait(lambda: len(folder.events("startup")) > 1 or second.poll() is not None)
        assert second.poll() is None, second.communicate()[0]
        assert not [order for order in _own(folder) if order["cl_ord_id"] in left and order["closed_s"] is None]
    finally:
        assert second.stdin is not None
        second.send_signal(signal.SIGTERM) if sys.platform != "win32" else second.stdin.close()
        output = second.communicate(timeout=60)[0]
    assert second.returncode == 0, output
    ended = {
        event.payload["cl_ord_id"] for event in folder.events() if event.type in ("order_fill", "order_fill_timeout")
    }
    unreported = [
        order["cl_ord_id"] for event in folder.events("startup") for order in event.payload["unreported_orders"]
    ]
    assert set(left) <= ended | set(unreported), "each order that was left has an end"
    metrics = json.loads((folder.root / "runtime/metrics_trading.json").read_text())
    assert differences(metrics, derive(folder.events())) == []
    assert foreign in {order["txid"] for order in folder.books()["orders"] if order["closed_s"] is None}, "not its own"


def test_the_flags_roll_back_when_the_new_path_fails(live_folder: LiveFolder) -> None:
    live_folder.server.exchange.install_fault(
        FaultSettings(kind="error", endpoint="AmendOrder", error="EOrder:Invalid order", times=None)
    )
    with live_folder.running():
        live_folder.wait(lambda: len(live_folder.events("ff_rollback")) > 0)
        live_folder.wait(lambda: live_folder.events("order_submitted")[-1].payload["path"] == "legacy")
    assert live_folder.events("ff_rollback")[0].payload["state"] == "rolled_back"
    assert all(order["closed_s"] for order in _own(live_folder))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("config/runtime.yaml", "    enabled: true\n    order", "    enabled: false\n    order"),
            "execution.live.enabled",
        ),
        ((".env", "KRAKEN_USE_SANDBOX=false", "KRAKEN_USE_SANDBOX=true"), "expected production for --mode live"),
        ((".env", f"{LARGEST_ORDER}=50\n", ""), "not armed"),
        ((".env", "FF_EXECUTION_MODE=new", "FF_EXECUTION_MODE=legacyy"), "found 'legacyy'"),
        ((".env", "FF_EXECUTION_MODE=new", "FF_EXECUTION_MOD=new"), "FF_EXECUTION_MODE"),
        ((".env", "KRAKEN_RL_ORDER_CAP=1000", "KRAKEN_RL_ORDER_CAP=0"), "KRAKEN_RL_ORDER_CAP"),
        (("var/licenses/active/license.json", "signature", "signatur"), "no valid licence"),
    ],
)
def test_what_is_wrong_keeps_it_from_starting(live_folder: LiveFolder, change: tuple[str, str, str], said: str) -> None:
    live_folder.replace(*change)
    lines: list[str] = []
    assert live_folder.here(Ending(), lines).execute() == 3
    assert said in "\n".join(lines)
    assert live_folder.books()["requests"]["private"] == 0
    assert not (live_folder.root / "runtime/service.pid").exists()


def test_a_deploy_that_would_be_refused_leaves_the_running_service_alone(live_folder: LiveFolder) -> None:
    with live_folder.running():
        live_folder.replace(".env", "FF_EXECUTION_MODE=new", "FF_EXECUTION_MODE=canary")
        with pytest.raises(CommandError, match="found 'canary'") as refused:
            deploy(live_folder.root / "config/runtime.yaml", {ISSUER_KEYS: json.dumps(live_folder.issuer)})
        assert refused.value.status == 2
        assert read_pid(live_folder.root).alive()


def test_a_copied_pid_file_stops_nobody(live_folder: LiveFolder, tmp_path: Path) -> None:
    with live_folder.running():
        copy = tmp_path / "copy"
        (copy / "runtime").mkdir(parents=True)
        shutil.copy(live_folder.root / "runtime/service.pid", copy / "runtime")
        with pytest.raises(Fault, match="copied along with another deployment"):
            read_pid(copy)


def test_the_smallest_orders_are_bought_and_sold_in_turns(live_folder: LiveFolder) -> None:
    live_folder.replace(".env", "FF_EXECUTION_MODE=new", "FF_EXECUTION_MODE=legacy")
    live_folder.replace("config/runtime.yaml", "order_interval_s: 0.4", "order_interval_s: 0.05")
    with live_folder.running():
        live_folder.wait(lambda: len(live_folder.events("order_fill")) >= 8)
    held: dict[str, Decimal] = {}
    for event in live_folder.events("order_fill"):
        pair, volume = event.payload["pair"], Decimal(event.payload["volume"])
        held[pair] = held.get(pair, Decimal(0)) + (volume if event.payload["side"] == "buy" else -volume)
        assert Decimal(0) <= held[pair] <= volume
    assert {event.payload["side"] for event in live_folder.events("order_fill")} == {"buy", "sell"}
