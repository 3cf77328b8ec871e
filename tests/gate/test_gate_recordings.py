"""`--kraken=record` and `--kraken=replay` from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.gate.tapes import Remote
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings
from pytest_kraken_golive.sandbox.settings import PERMISSIONS

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

CHECKS = """
from decimal import Decimal
from pathlib import Path

from pytest_kraken_golive.kraken import NewOrder


@check("trades")
def trades(kraken_client, evidence, *, pair: str):
    side = Path(__file__).with_name(f"{pair}.txt").read_text()
    price = Decimal("1000") if side == "buy" else Decimal("900000")
    placed = kraken_client.place_order(
        NewOrder(pair=pair, side=side, ordertype="limit", volume=Decimal("0.5"), price=price)
    )
    evidence.record("exchange", placed.order)
    kraken_client.cancel_order(placed.txid)


@check("looks")
def looks(kraken_sandbox, evidence):
    evidence.record("exchange", kraken_sandbox.books()["requests"]["total"])


@check("leaves")
def leaves(evidence):
    import socket

    evidence.record("test", "try")
    socket.getaddrinfo("sandbox.example", 443)
"""


@pytest.fixture
def trading(project: Project) -> Project:
    project.deployment()
    project.conftest(CHECKS)
    project.runbook("btc trades pair=XBTUSD", "eth trades pair=ETHUSD", "books looks", name="paper")
    for pair in ("XBTUSD", "ETHUSD"):
        project.write(f"{pair}.txt", "buy")
    return project


def test_a_line_replays_its_own_orders_and_no_other(trading: Project) -> None:
    recorded = trading.gate("--kraken=record", "-n", "2")
    assert recorded.last.startswith("✔ GO (rehearsal, record): all 3 lines"), recorded.said
    cassettes = sorted(path.name for path in (trading.root / "cassettes" / "paper").iterdir())
    assert cassettes == ["btc.yaml", "eth.yaml"]  # and nothing of a line that asked nothing, nor a half-written file

    replayed = trading.gate("--kraken=replay")
    assert replayed.last.startswith("✔ GO (rehearsal, replay): all 3 lines"), replayed.said
    assert replayed.verdict["production_signoff"] is False
    known = replayed.verdict["scope"]["recordings"]
    assert {line: (one["origin"], one["interactions"], one["stale"]) for line, one in known.items()} == {
        "btc": ("embedded", 2, None),
        "eth": ("embedded", 2, None),
    }
    for run in (recorded, replayed):
        calls = [one for one in run.lines["btc"]["evidence"] if str(one.get("key")).startswith("POST ")]
        assert [one["key"] for one in calls] == ["POST /0/private/AddOrder", "POST /0/private/CancelOrder"]
        assert calls[0]["value"]["asked"]["fields"]["pair"] == "XBTUSD"
        assert calls[0]["value"]["answered"]["error"] == []
    (asked, live) = replayed.lines["books"]["evidence"]
    assert asked["value"] == 0, "the exchange was asked"
    assert live["value"] == "live exchange (embedded) in replay"

    trading.write("ETHUSD.txt", "sell")
    trading.runbook(
        "btc trades pair=XBTUSD", "eth trades pair=ETHUSD", "new trades pair=XBTUSD", "out leaves", name="paper"
    )
    broken = trading.gate("--kraken=replay")
    assert broken.outcomes == {"btc": "passed", "eth": "failed", "new": "not_proven", "out": "failed"}
    assert "cassettes/paper/eth.yaml" in broken.message("eth")
    assert "type: expected 'buy', found 'sell'" in broken.message("eth")
    assert "Next: record it: pytest --golive --kraken=record config/runbooks/paper.md::new" in broken.message("new")
    assert "sandbox.example: a connection that leaves this machine" in broken.message("out")


def test_a_sandbox_elsewhere_is_recorded_with_its_own_key(trading: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    account = AccountSettings(name="elsewhere", permissions=list(PERMISSIONS))
    key, secret = account.api_key.get_secret_value(), account.api_secret.get_secret_value()
    with SandboxServer(SandboxSettings(accounts=[account])) as server:
        monkeypatch.setenv("KRAKEN_BASE_URL", server.url())
        monkeypatch.setenv("KRAKEN_API_KEY", key)
        monkeypatch.setenv("KRAKEN_API_SECRET", secret)
        recorded = trading.gate("--kraken=record")
        assert recorded.last.startswith("✔ GO (rehearsal, record)"), recorded.said
        assert recorded.verdict["scope"]["recordings"]["btc"]["origin"] == server.url()
        assert server.exchange.observed()["by_endpoint"]["AddOrder"] == 2
    text = (trading.root / "cassettes" / "paper" / "btc.yaml").read_text(encoding="utf-8")
    assert f"origin: {server.url()}" in text
    for place in (text, recorded.said, (trading.root / "reports" / "verdict.json").read_text(encoding="utf-8")):
        assert key not in place
        assert secret not in place


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--golive", "--kraken=record", "--golive-prove"), "--kraken=record with --golive-prove"),
        (("--kraken=replay",), "--kraken=replay needs --golive"),
    ],
)
def test_what_makes_no_sense_is_refused(trading: Project, arguments: tuple[str, ...], says: str) -> None:
    refused = trading.pytest(*arguments)
    assert refused.exit_status == 4
    assert says in refused.err
    assert not (trading.root / "cassettes").exists()


@pytest.mark.parametrize(
    ("environ", "hosts", "says"),
    [
        ({"KRAKEN_BASE_URL": "https://api.kraken.com"}, [], "expects loopback or a listed sandbox host"),
        ({"KRAKEN_BASE_URL": "https://api.kraken.com"}, ["api.kraken.com"], "expects loopback or a listed sandbox"),
        ({"KRAKEN_BASE_URL": "https://sandbox.example"}, [], "kraken.sandbox_hosts"),
        ({"KRAKEN_BASE_URL": "https://sandbox.example"}, ["sandbox.example"], "KRAKEN_API_KEY and KRAKEN_API_SECRET"),
        ({"KRAKEN_BASE_URL": "http://127.0.0.1:9", "KRAKEN_API_KEY": "x"}, [], "KRAKEN_API_SECRET not set"),
    ],
)
def test_only_a_sandbox_with_a_key_is_recorded(environ: dict[str, str], hosts: list[str], says: str) -> None:
    policy = Policy.model_validate({"kraken": {"sandbox_hosts": hosts}})
    with pytest.raises(pytest.UsageError, match=says):
        Remote.of(environ, policy)


def test_by_default_the_embedded_exchange_is_recorded() -> None:
    assert Remote.of({"KRAKEN_API_KEY": "of the environment"}, Policy()) is None
