"""What this run asks a real exchange is taken down at its own connections: whole, bounded, and nothing secret."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from decimal import Decimal

import pytest

from pytest_kraken_golive.kraken import KrakenClient, Unlimited
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.orders import NewOrder
from pytest_kraken_golive.kraken.retry import NO_RETRY
from pytest_kraken_golive.recording.excerpt import taken_down
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.rehearsal.listening import LONGEST_BODY, ListeningConnections, Notes, answer
from pytest_kraken_golive.sandbox import AccountSettings, FaultSettings, SandboxServer, SandboxSettings

ACCOUNT = AccountSettings()


def client(url: str, notes: Notes) -> KrakenClient:
    return KrakenClient(
        ACCOUNT.api_key,
        ACCOUNT.api_secret,
        base_url=url,
        use_sandbox=True,
        environ={},
        limits=Unlimited(),
        retry=NO_RETRY,
        transport=ListeningConnections(url, notes),
    )


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(accounts=[ACCOUNT], limits=False)) as server:
        yield server


def test_a_call_is_taken_down_with_its_answer_and_without_what_is_secret(server: SandboxServer) -> None:
    notes = Notes()
    order = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.001"), price=Decimal(1000))
    with client(server.url(), notes) as asks:
        asks.server_time()  # nobody listens yet
        notes.begin()
        asks.depth("XBTUSD", 1)
        asks.get_account_balance()
        asks.place_order(order, validate=True)
    taken = notes.end()
    assert taken is not None
    assert notes.end() is None, "it has ended"
    secrets = [ACCOUNT.api_key.get_secret_value(), ACCOUNT.api_secret.get_secret_value()]
    assert not any(secret in str(taken) for secret in secrets)
    depth, balance, placed = (one.value for one in taken_down(taken, Redactor(secrets), by="this run's client"))
    assert (depth["asked"]["path"], depth["asked"]["fields"]) == ("/0/public/Depth", {"pair": "XBTUSD", "count": "1"})
    assert set(depth["answered"]["result"]) == {"XXBTZUSD"}, "packed as it came, and unpacked here"
    assert set(balance["answered"]["result"].values()) == {"***"}
    assert "nonce" not in balance["asked"]["fields"]
    assert placed["asked"]["fields"]["validate"] == "true"
    assert placed["answered"]["status"] == 200
    assert all(one["answered"] and one["duration_s"] > 0 for one in (depth, balance, placed))


def test_of_many_calls_the_first_and_the_last_are_kept(server: SandboxServer) -> None:
    notes = Notes()
    notes.begin()
    with client(server.url(), notes) as asks:
        asks.system_status()
        for _ in range(20):
            asks.server_time()
        asks.depth("XBTUSD", 1)
    taken = notes.end()
    assert taken is not None
    assert (taken["total"], taken["left_out"], len(taken["first"]), len(taken["last"])) == (22, 12, 5, 5)
    assert taken["first"][0]["target"] == "/0/public/SystemStatus"
    assert taken["last"][-1]["target"].startswith("/0/public/Depth")


def test_a_call_whose_answer_never_came_is_taken_down_too(server: SandboxServer) -> None:
    notes = Notes()
    notes.begin()
    server.exchange.install_fault(FaultSettings(kind="reset_after", endpoint="Time"))
    with client(server.url(), notes) as asks, pytest.raises(KrakenError):
        asks.server_time()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with client(f"http://127.0.0.1:{nobody.getsockname()[1]}", notes) as asks, pytest.raises(KrakenError):
            asks.server_time()
    taken = notes.end()
    assert taken is not None
    assert [(one["target"], one["status"], one["duration_s"]) for one in taken["first"]] == [
        ("/0/public/Time", 0, None),
        ("/0/public/Time", 0, None),
    ]
    assert [one.value["answered"] for one in taken_down(taken, Redactor(), by="this run's client")] == [None, None]


def test_of_a_body_that_is_too_long_only_its_length_is_kept() -> None:
    notes = Notes()
    notes.begin()
    call = notes.ask("POST", "/0/private/AddOrder", b"x" * (LONGEST_BODY + 1))
    answer(call, 200, b"y" * (LONGEST_BODY + 2), 0.1)
    taken = notes.end()
    assert taken is not None
    (kept,) = taken["first"]
    assert (kept["body"], kept["body_size"], kept["answer"], kept["answer_size"]) == (
        None,
        LONGEST_BODY + 1,
        None,
        LONGEST_BODY + 2,
    )
    (record,) = taken_down(taken, Redactor(), by="this run's client")
    assert "not shown" in str(record.value)
