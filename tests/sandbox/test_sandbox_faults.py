"""Trouble on order: what is hit, when, and what the caller sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sandbox_user import User, account, order, post

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.sandbox import FaultSettings, SandboxServer, SandboxSettings
from pytest_kraken_golive.sandbox.faults import Faults


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def shared(clock: VirtualClock) -> Iterator[SandboxServer]:
    settings = SandboxSettings(seed=7, volatility=0, limits=False, accounts=[account()], doors=["main", "bot"])
    with SandboxServer(settings, clock) as server:
        yield server


@pytest.fixture
def server(shared: SandboxServer) -> Iterator[SandboxServer]:
    yield shared
    shared.exchange.clear_faults()
    shared.exchange.set_clock_skew(0)
    shared.exchange.set_status("online")


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=60) as made:
        yield made


@pytest.fixture(scope="module")
def user(shared: SandboxServer) -> User:
    return User(shared.settings.accounts[0])


def admin(server: SandboxServer, path: str, fields: Any) -> httpx.Response:
    headers = {"X-Sandbox-Token": server.settings.admin_token.get_secret_value()}
    body = fields if isinstance(fields, str) else json.dumps(fields)
    with httpx.Client(trust_env=False, timeout=60) as made:
        return made.post(server.admin_url + path, content=body, headers=headers)


def struck(seed: int, *faults: dict[str, Any], calls: int = 200) -> list[tuple[str, float] | None]:
    """What each of so many calls meets."""
    installed = Faults([FaultSettings.model_validate(fault) for fault in faults], seed)
    hits = [installed.pick("main", "Time") for _ in range(calls)]
    return [None if hit is None else (hit.order.kind, hit.wait_s) for hit in hits]


# --- which, and when --------------------------------------------------------------------------------------------------


def test_a_probability_hits_its_share_and_the_same_ones_each_time() -> None:
    mixed = (
        {"kind": "http", "probability": 0.3, "times": None},
        {"kind": "reset_after", "probability": 0.5, "times": 9},
    )
    hits = struck(7, *mixed)
    assert hits == struck(7, *mixed) != struck(8, *mixed)
    kinds = [hit[0] for hit in hits if hit is not None]
    assert 40 <= kinds.count("http") <= 80
    assert kinds.count("reset_after") == 9


@pytest.mark.parametrize(
    ("spread", "low", "high"), [("uniform", 0.4, 0.6), ("exponential", 0.7, 1.3), ("lognormal", 1, 3)]
)
def test_waits_are_distributed_and_reproducible(spread: str, low: float, high: float) -> None:
    fault = {"kind": "latency", "latency_s": 10, "spread": spread, "spread_s": 1, "times": None}
    waits = [hit[1] - 10 for hit in struck(7, fault, calls=1000) if hit is not None]
    assert [hit[1] - 10 for hit in struck(7, fault, calls=1000) if hit is not None] == waits
    assert min(waits) >= 0
    assert low < sum(waits) / len(waits) < high
    assert len(set(waits)) > 990


def test_other_calls_do_not_change_what_a_fault_draws() -> None:
    fault = FaultSettings(kind="http", endpoint="Time", probability=0.5, times=None)
    alone, among = Faults([fault], 1), Faults([fault], 1)
    for _ in range(100):
        among.pick("main", "Balance")
        assert (alone.pick("main", "Time") is None) == (among.pick("main", "Time") is None)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "latency"}, "latency_s"),
        ({"kind": "latency", "latency_s": 1, "status": 504}, "status"),
        ({"kind": "http", "error": "EService:Unavailable"}, "error"),
        ({"kind": "http", "refuse_s": 2}, "refuse_s"),
        ({"kind": "reset_after", "handled": True}, "handled"),
        ({"kind": "error", "error": "WDatabase:No change"}, "handled"),
        ({"kind": "error", "more_errors": ["oops"]}, "more_errors"),
        ({"kind": "http", "spread": "uniform"}, "spread"),
        ({"kind": "http", "spread_s": 1}, "spread"),
        ({"kind": "http", "probability": 0}, "probability"),
        ({"kind": "http", "probability": 1.1}, "probability"),
        ({"kind": "http", "latency_s": "nan"}, "latency_s"),
        ({"kind": "http", "time": 3}, "time"),
    ],
)
def test_what_makes_no_sense_together_is_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        FaultSettings.model_validate(wrong)


def test_every_fault_survives_the_way_as_json() -> None:
    faults = [
        FaultSettings(kind="refused", refuse_s=3, probability=0.5),
        FaultSettings(kind="latency", latency_s=1, spread="lognormal", spread_s=2),
        FaultSettings(kind="error", error="EOrder:Insufficient funds", more_errors=["WTrade:odd"], handled=True),
    ]
    settings = SandboxSettings(faults=faults, clock_skew_s=-3)
    assert SandboxSettings.from_json(settings.to_json()) == settings


# --- what the caller sees ---------------------------------------------------------------------------------------------


def test_a_chunk_that_ends_in_its_middle(server: SandboxServer, client: httpx.Client) -> None:
    server.exchange.install_fault(FaultSettings(kind="truncated_chunk"))
    with client.stream("GET", server.url() + "/0/public/Assets") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()


def test_an_error_array_of_several_strings(server: SandboxServer, client: httpx.Client) -> None:
    errors = ["EGeneral:Invalid arguments:volume", "EOrder:Insufficient funds"]
    server.exchange.install_fault(FaultSettings(kind="error", error=errors[0], more_errors=errors[1:]))
    assert client.get(server.url() + "/0/public/Time").json()["error"] == errors
    assert set(errors) <= set(server.exchange.observed()["errors"])


def test_a_warning_comes_beside_the_result(server: SandboxServer, client: httpx.Client, user: User) -> None:
    warning = FaultSettings(kind="error", error="WDatabase:No change", handled=True, times=2)
    server.exchange.install_fault(warning)
    answer = post(client, server.url(), user.call("AddOrder", order(price="70000"))).json()
    assert answer["error"] == ["WDatabase:No change"]
    assert answer["result"]["txid"]
    refused = post(client, server.url(), user.call("AddOrder", order(volume="x"))).json()
    assert refused["error"] == ["EGeneral:Invalid arguments:volume"]


def test_throttled_names_a_second_on_the_exchanges_clock(
    server: SandboxServer, client: httpx.Client, clock: VirtualClock
) -> None:
    server.exchange.install_fault(FaultSettings(kind="throttled", throttle_s=20))
    (error,) = client.get(server.url() + "/0/public/Time").json()["error"]
    name, _, second = error.rpartition(" ")
    assert name == "EService: Throttled:"
    assert 19 < int(second) - clock.time() <= 21


def test_a_door_refuses_connections_for_its_time_and_then_serves_again(
    server: SandboxServer, client: httpx.Client, clock: VirtualClock, user: User
) -> None:
    url = server.url()
    server.exchange.install_fault(FaultSettings(kind="refused", endpoint="AddOrder", refuse_s=60))
    assert client.get(url + "/0/public/Time").status_code == 200
    with pytest.raises(httpx.TransportError):
        post(client, url, user.call("AddOrder", order(price="70000", cl_ord_id="refused")))
    for _ in range(3):
        with httpx.Client(trust_env=False) as another, pytest.raises(httpx.ConnectError):
            another.get(url + "/0/public/Time")
    assert client.get(server.url("bot") + "/0/public/Time").status_code == 200
    clock.advance(61)
    assert until_served(url)
    assert server.url() == url
    opened = post(client, url, user.call("OpenOrders", {"cl_ord_id": "refused"})).json()
    assert opened["result"]["open"] == {}


def until_served(url: str) -> bool:
    """Whether the port serves again within a few seconds; its clock is looked at every few milliseconds."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False) as patient:
        return patient.get(url + "/0/public/Time").status_code == 200


def test_refusal_by_the_admin_port_leaves_other_doors_alone(
    server: SandboxServer, client: httpx.Client, clock: VirtualClock
) -> None:
    assert admin(server, "/refuse", {"door": "bot", "seconds": 5}).status_code == 200
    with httpx.Client(trust_env=False) as another, pytest.raises(httpx.ConnectError):
        another.get(server.url("bot") + "/0/public/Time")
    assert client.get(server.url() + "/0/public/Time").status_code == 200
    clock.advance(6)
    assert until_served(server.url("bot"))


def test_a_refusing_server_stops_at_once() -> None:
    with SandboxServer(SandboxSettings(), VirtualClock()) as server:
        server.refuse(3600)
    assert server.thread is not None
    assert not server.thread.is_alive()


def test_a_wrong_clock_shows_and_shifts_deadlines(
    server: SandboxServer, client: httpx.Client, clock: VirtualClock, user: User
) -> None:
    assert admin(server, "/clock", {"skew_s": 120.5}).json()["skew_s"] == 120.5
    shown = client.get(server.url() + "/0/public/Time").json()["result"]["unixtime"]
    assert shown == int(clock.time() + 120.5)
    soon = httpx.QueryParams(order(price="70000", deadline="2026-09-21T14:14:00Z"))
    assert post(client, server.url(), user.call("AddOrder", dict(soon))).json()["error"] == [
        "EService:Deadline elapsed"
    ]
    assert admin(server, "/clock", {"skew_s": -86_401}).status_code == 400


@pytest.mark.parametrize("mode", ["maintenance", "cancel_only", "post_only", "limit_only", "online"])
def test_modes_by_the_admin_port(server: SandboxServer, client: httpx.Client, mode: str) -> None:
    assert admin(server, "/status", {"status": mode}).json()["status"] == mode
    shown = client.get(server.url() + "/0/public/SystemStatus").json()["result"]["status"]
    assert shown == ("online" if mode == "limit_only" else mode)


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/refuse", {"door": "side", "seconds": 1}, 404),
        ("/refuse", {"door": "admin", "seconds": 1}, 404),
        ("/refuse", {"seconds": 0}, 400),
        ("/refuse", {"seconds": 1, "for": "ever"}, 400),
        ("/clock", {}, 400),
        ("/clock", '{"skew_s": NaN}', 400),
        ("/faults", {"kind": "http", "door": "side"}, 404),
        ("/faults", '{"kind": "http", "kind": "error"}', 400),
        ("/status", "not json", 400),
        ("/status", "[" * 100_000, 400),
        ("/status", {"status": "online", "now": True}, 400),
    ],
)
def test_the_admin_port_refuses_what_it_does_not_know(
    server: SandboxServer, path: str, fields: Any, status: int
) -> None:
    answer = admin(server, path, fields)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert server.exchange.faults.listing() == []


def test_the_admin_port_opens_an_account_without_limits(server: SandboxServer) -> None:
    opened = admin(server, "/accounts", {"name": "bench", "limits": False}).json()
    account = server.exchange.account("bench")
    assert (opened["api_key"], account.limited) == (account.api_key, False)
    assert admin(server, "/accounts", {"name": "bench"}).status_code == 400
    assert admin(server, "/accounts", {"name": ""}).status_code == 400
