"""Doors, faults and administration over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sandbox_user import User, account, order, post

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.sandbox import Exchange, FaultSettings, SandboxServer, SandboxSettings, build_servers
from pytest_kraken_golive.sandbox.accounts import fingerprint
from pytest_kraken_golive.sandbox.wire import Call


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxServer]:
    accounts = [account(), account("other")]
    settings = SandboxSettings(seed=7, volatility=0, limits=False, accounts=accounts, doors=["main", "bot"])
    with SandboxServer(settings) as server:
        yield server


@pytest.fixture
def server(shared: SandboxServer) -> Iterator[SandboxServer]:
    """The shared server with fresh state behind its ports: each test looks at differences only."""
    yield shared
    shared.exchange.clear_faults()
    shared.exchange.set_status("online")
    for held in shared.exchange.accounts:
        shared.exchange.desk.cancel_all(held, shared.exchange.clock.time())


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=60) as made:
        yield made


def nonce() -> int:
    return time.time_ns()


def call(server: SandboxServer, name: str, params: dict[str, Any] | None = None, user: str = "trader") -> Call:
    return User(server.settings.account(user), nonce()).call(name, params)


def admin(server: SandboxServer, verb: str, path: str, **parts: Any) -> httpx.Response:
    headers = {"X-Sandbox-Token": server.settings.admin_token.get_secret_value()}
    with httpx.Client(trust_env=False, headers=headers) as made:
        return made.request(verb, server.admin_url + path, **parts)


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_answers_are_json_with_status_200_even_when_refused(server: SandboxServer, client: httpx.Client) -> None:
    good = client.get(server.url() + "/0/public/Time", params={"x": "ignored"})
    bad = post(client, server.url(), Call("POST", "/0/private/Balance"))
    assert good.status_code == bad.status_code == 200
    assert good.headers["content-type"].startswith("application/json")
    assert good.json()["error"] == []
    assert bad.json() == {"error": ["EAPI:Invalid key"]}
    assert client.get(server.url() + "/").json()["error"] == ["EGeneral:Unknown method"]


def test_a_signed_order_travels(server: SandboxServer, client: httpx.Client) -> None:
    placed = post(client, server.url(), call(server, "AddOrder", order(price="70000"))).json()
    assert placed["error"] == []
    (txid,) = placed["result"]["txid"]
    shown = post(client, server.url("bot"), call(server, "OpenOrders")).json()["result"]["open"]
    assert list(shown) == [txid]


def test_an_oversized_body_is_a_bad_request(server: SandboxServer, client: httpx.Client) -> None:
    answer = client.post(server.url() + "/0/private/Balance", content=b"x" * 1_000_001)
    assert answer.json()["error"] == ["EAPI:Bad request"]


def test_connections_are_kept(server: SandboxServer, client: httpx.Client) -> None:
    answers = [client.get(server.url() + "/0/public/Time") for _ in range(3)]
    ports = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
    assert len(ports) == 1


# --- doors ------------------------------------------------------------------------------------------------------------


def test_each_door_has_books_of_its_own_over_one_state(client: httpx.Client) -> None:
    settings = SandboxSettings(seed=3, accounts=[account(), account("other")], doors=["main", "bot"], volatility=0)
    with SandboxServer(settings, VirtualClock()) as server:
        trader, other = (User(settings.account(name), nonce()) for name in ("trader", "other"))
        client.get(server.url("main") + "/0/public/Time")
        client.get(server.url("bot") + "/0/public/Ticker?pair=NOPE")
        post(client, server.url("bot"), trader.call("AddOrder", order(ordertype="market", cl_ord_id="b-1")))
        post(client, server.url("bot"), trader.call("AddOrder", order(validate="true")))
        post(client, server.url("bot"), trader.call("Balance", nonce=1))
        post(client, server.url("bot"), trader.call("Balance", api_sign="x"))
        post(client, server.url("main"), other.call("Balance"))
        main, bot = server.exchange.observed("main"), server.exchange.observed("bot")
    assert main["requests"] == {"total": 2, "public": 1, "private": 1, "signed_ok": 1}
    assert bot["requests"] == {"total": 5, "public": 1, "private": 4, "signed_ok": 3}
    assert bot["by_endpoint"] == {"Ticker": 1, "AddOrder": 2, "Balance": 2}
    assert bot["errors"] == {"EQuery:Unknown asset pair": 1, "EAPI:Invalid nonce": 1, "EAPI:Invalid signature": 1}
    mine = fingerprint(trader.key)
    assert bot["keys"] == {
        mine: {"name": "trader", "signed_calls": 3, "nonces_accepted": 2, "orders": 1, "validated": 1, "fills": 1}
    }
    assert list(main["keys"]) == [fingerprint(other.key)]
    assert (main["orders"], main["fills"]) == ([], [])
    assert [(entry["door"], entry["key"], entry["cl_ord_id"]) for entry in bot["orders"]] == [("bot", mine, "b-1")]
    assert [(entry["door"], entry["key"], entry["order"]) for entry in bot["fills"]] == [
        ("bot", mine, bot["orders"][0]["txid"])
    ]
    text = json.dumps([main, bot])
    for user in (trader, other):
        assert user.key not in text
        assert user.secret not in text


def test_made_up_endpoints_share_one_entry(client: httpx.Client) -> None:
    with SandboxServer(SandboxSettings()) as server:
        for index in range(5):
            client.get(f"{server.url()}/0/public/Nope{index}")
        assert server.exchange.observed()["by_endpoint"] == {"(unknown)": 5}


def _fetch(url: str) -> None:
    with httpx.Client(trust_env=False, timeout=60) as made:
        made.get(url)


def test_calls_overlap_and_the_most_at_once_is_counted() -> None:
    with (
        SandboxServer(SandboxSettings(latency_s=0.2, doors=["main", "bot"])) as server,
        contextlib.ExitStack() as stack,
    ):
        address = ("127.0.0.1", server.servers.ports["bot"])
        lines = [stack.enter_context(socket.create_connection(address, timeout=60)) for _ in range(5)]
        for line in lines:
            line.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: x\r\n\r\n")
        for line in lines:
            assert line.recv(10_000).startswith(b"HTTP/1.1 200")
        books = server.exchange.observed("bot", window_s=60)
        assert books["concurrency_max"] == 5
        assert books["in_service"] == 0
        assert books["burst_max"] == 5
        assert server.exchange.observed("main")["concurrency_max"] == 0


def test_a_client_that_keeps_to_its_limit_is_never_seen_above_it() -> None:
    """Each thread sends as soon as its answer is in: the count must have fallen before the answer leaves."""
    with SandboxServer(SandboxSettings()) as server:

        def hammer(_: int) -> None:
            with httpx.Client(trust_env=False) as made:
                for _ in range(60):
                    made.get(server.url() + "/0/public/Time")

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(hammer, range(3)))
        books = server.exchange.observed()
        assert books["requests"]["total"] == 180
        assert books["concurrency_max"] <= 3


def test_bursts_are_counted_in_half_open_windows() -> None:
    clock = VirtualClock()
    exchange = Exchange(SandboxSettings(), clock)
    for pause in (0, 0.0625, 0.0625, 0.0, 0.125, 1.0):
        clock.advance(pause)
        exchange.arrive("main")
        exchange.leave("main")
    assert exchange.observed(window_s=0.125)["burst_max"] == 3
    assert exchange.observed(window_s=0.126)["burst_max"] == 4
    assert exchange.observed(window_s=0.0001)["burst_max"] == 2
    assert exchange.observed(window_s=100)["burst_max"] == 6
    with pytest.raises(KeyError, match="no door 'side'"):
        exchange.observed("side")


# --- faults -----------------------------------------------------------------------------------------------------------


def test_an_http_fault_hits_so_many_requests_of_its_endpoint(server: SandboxServer, client: httpx.Client) -> None:
    before = server.exchange.observed()["faults"].get("http", 0)
    server.exchange.install_fault(FaultSettings(kind="http", endpoint="Time", status=520, times=2, skip=1))
    url = server.url() + "/0/public/"
    assert client.get(url + "SystemStatus").status_code == 200
    answers = [client.get(url + "Time") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 520, 520, 200]
    assert answers[1].headers["content-type"].startswith("text/html")
    assert "cloudflare" in answers[1].text
    assert server.exchange.observed()["faults"]["http"] - before == 2


def test_a_fault_can_be_for_one_door(server: SandboxServer, client: httpx.Client) -> None:
    server.exchange.install_fault(FaultSettings(kind="error", error="EService:Busy", door="bot", times=None))
    for _ in range(3):
        assert client.get(server.url() + "/0/public/Time").json()["error"] == []
        assert client.get(server.url("bot") + "/0/public/Time").json()["error"] == ["EService:Busy"]


@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        ({"kind": "http", "status": 502}, False),
        ({"kind": "http", "status": 502, "handled": True}, True),
        ({"kind": "error", "error": "EGeneral:Internal error"}, False),
        ({"kind": "error", "error": "EService:Busy", "handled": True}, True),
        ({"kind": "reset_before"}, False),
        ({"kind": "reset_after"}, True),
        ({"kind": "truncated"}, True),
        ({"kind": "stale_nonce"}, False),
        ({"kind": "latency", "latency_s": 0.05}, True),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None,
)
def test_what_a_fault_does_to_an_order(server: SandboxServer, fault: dict[str, Any], placed: bool) -> None:
    server.exchange.install_fault(FaultSettings.model_validate({"endpoint": "AddOrder", **fault}))
    sent = call(server, "AddOrder", order(price="70000", cl_ord_id="fault-1"))
    with httpx.Client(trust_env=False, timeout=60) as made:
        try:
            answer: Any = post(made, server.url(), sent)
        except httpx.TransportError as error:
            answer = error
        kind = fault["kind"]
        if kind.startswith("reset"):
            assert isinstance(answer, (httpx.ReadError, httpx.RemoteProtocolError))
        elif kind == "truncated":
            assert isinstance(answer, httpx.RemoteProtocolError)
        elif kind == "http":
            assert answer.status_code == 502
        elif kind == "error":
            assert answer.json()["error"] == [fault["error"]]
        elif kind == "stale_nonce":
            assert answer.json()["error"] == ["EAPI:Invalid nonce"]
        else:
            assert answer.json()["error"] == []
        opened = post(made, server.url(), call(server, "OpenOrders")).json()["result"]["open"]
    assert [entry["cl_ord_id"] for entry in opened.values()] == (["fault-1"] if placed else [])
    assert server.exchange.observed()["in_service"] == 0


def test_a_reset_really_resets(server: SandboxServer) -> None:
    server.exchange.install_fault(FaultSettings(kind="reset_before"))
    with socket.create_connection(("127.0.0.1", server.servers.ports["main"]), timeout=60) as raw:
        raw.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionError):
            raw.recv(1000)


def test_a_client_that_leaves_early_is_no_longer_in_service() -> None:
    with SandboxServer(SandboxSettings(latency_s=0.05)) as server:
        for sent in (b"GET /0/public/Time HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n"):
            with socket.create_connection(("127.0.0.1", server.servers.ports["main"]), timeout=60) as raw:
                raw.sendall(sent + (b"Host: x\r\n\r\nabc" if sent.startswith(b"POST") else b""))
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            books = server.exchange.observed()
            if books["requests"]["total"] == 2 and books["in_service"] == 0:
                break
            time.sleep(0.005)
        assert (books["requests"]["total"], books["in_service"]) == (2, 0)


def test_latency_in_virtual_time_is_a_jump_of_the_clock(client: httpx.Client) -> None:
    clock = VirtualClock()
    with SandboxServer(SandboxSettings(latency_s=2), clock) as server:
        server.exchange.install_fault(FaultSettings(kind="latency", latency_s=3600))
        client.get(server.url() + "/0/public/Time")
        assert clock.monotonic() == 3602
        client.get(server.url() + "/0/public/Time")
        assert clock.monotonic() == 3604


def test_an_order_that_is_late_for_its_deadline_is_refused(client: httpx.Client) -> None:
    clock = VirtualClock()
    settings = SandboxSettings(faults=[FaultSettings(kind="latency", endpoint="AddOrder", latency_s=30)])
    with SandboxServer(settings, clock) as server:
        late = call(server, "AddOrder", order(price="70000", deadline="2026-09-21T14:13:30Z"))
        assert post(client, server.url(), late).json()["error"] == ["EService:Deadline elapsed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "hail"},
        {"kind": "http", "status": 200},
        {"kind": "error", "error": "oops"},
        {},
        {"kind": "http", "x": 1},
    ],
)
def test_faults_are_checked(wrong: dict[str, Any], server: SandboxServer) -> None:
    answer = admin(server, "POST", "/faults", json=wrong)
    assert answer.status_code == 400
    assert answer.json()["detail"]


# --- administration ---------------------------------------------------------------------------------------------------


def test_the_admin_port_wants_its_token(server: SandboxServer, client: httpx.Client) -> None:
    for headers in ({}, {"X-Sandbox-Token": "guess"}):
        answer = client.get(server.admin_url + "/books", headers=headers)
        assert answer.status_code == 401
    assert server.settings.admin_token.get_secret_value() not in answer.text


def test_books_over_http_are_those_of_the_exchange(server: SandboxServer, client: httpx.Client) -> None:
    client.get(server.url("bot") + "/0/public/Time")
    assert admin(server, "GET", "/books?door=bot&window_s=0.25").json() == server.exchange.observed("bot", 0.25)
    assert set(admin(server, "GET", "/books").json()) == {"main", "bot"}
    assert admin(server, "GET", "/books?door=side").status_code == 404
    for window in ("x", "0", "-1", "nan", "inf"):
        assert admin(server, "GET", f"/books?window_s={window}").status_code == 400
    assert admin(server, "GET", "/ready").json()["ready"] is True


def test_faults_are_installed_listed_and_cleared(server: SandboxServer, client: httpx.Client) -> None:
    listed = admin(server, "POST", "/faults", json={"kind": "http", "status": 504, "times": None}).json()["faults"]
    assert [(entry["kind"], entry["status"], entry["served"]) for entry in listed] == [("http", 504, 0)]
    assert client.get(server.url() + "/0/public/Time").status_code == 504
    assert admin(server, "GET", "/faults").json()["faults"][0]["served"] == 1
    assert admin(server, "DELETE", "/faults").json() == {"faults": []}
    assert client.get(server.url() + "/0/public/Time").status_code == 200


def test_status_prices_and_accounts_can_be_changed(client: httpx.Client) -> None:
    with SandboxServer(SandboxSettings(accounts=[account()])) as server:
        assert admin(server, "POST", "/status", json={"status": "maintenance"}).status_code == 200
        assert client.get(server.url() + "/0/public/SystemStatus").json()["result"]["status"] == "maintenance"
        assert admin(server, "POST", "/status", json={"status": "online"}).status_code == 200
        assert (
            admin(server, "POST", "/prices", json={"pair": "XBTUSD", "mid": "12345.6", "hold": True}).status_code == 200
        )
        (entry,) = client.get(server.url() + "/0/public/Ticker?pair=XBTUSD").json()["result"].values()
        assert abs(float(entry["a"][0]) - 12345.6) < 1
        changed = admin(
            server,
            "PATCH",
            "/accounts/trader",
            json={"permissions": ["query-funds"], "nonce_window": 5, "balances": {"USD": "12.5"}},
        ).json()
        assert changed["permissions"] == ["query-funds"]
        assert post(client, server.url(), call(server, "Balance")).json()["result"]["ZUSD"] == "12.5000"
        assert post(client, server.url(), call(server, "OpenOrders")).json()["error"] == ["EGeneral:Permission denied"]


@pytest.mark.parametrize(
    ("verb", "path", "fields", "status"),
    [
        ("POST", "/status", {}, 400),
        ("POST", "/status", {"status": "asleep"}, 400),
        ("POST", "/status", {"status": "online", "pair": "NOPE"}, 400),
        ("POST", "/prices", {"pair": "NOPE", "mid": "1"}, 400),
        ("POST", "/prices", {"pair": "XBTUSD", "mid": "0"}, 400),
        ("POST", "/prices", {"pair": "XBTUSD", "mid": "NaN"}, 400),
        ("POST", "/prices", {"pair": "XBTUSD", "mid": "dear"}, 400),
        ("POST", "/prices", {"pair": "XBTUSD", "mid": "5", "hold": "yes"}, 400),
        ("POST", "/prices", [1], 400),
        ("PATCH", "/accounts/nobody", {"nonce_window": 1}, 404),
        ("PATCH", "/accounts/trader", {"permissions": ["fly"]}, 400),
        ("PATCH", "/accounts/trader", {"permissions": "query-funds"}, 400),
        ("PATCH", "/accounts/trader", {"nonce_window": -1}, 400),
        ("PATCH", "/accounts/trader", {"nonce_window": True}, 400),
        ("PATCH", "/accounts/trader", {"balances": {"DOGE": "1"}}, 400),
        ("PATCH", "/accounts/trader", {"balances": {"USD": "-1"}}, 400),
        ("PATCH", "/accounts/trader", {"balances": {"USD": "NaN"}}, 400),
        ("PATCH", "/accounts/trader", {"colour": "red"}, 400),
    ],
)
def test_wrong_input_is_answered_and_changes_nothing(
    server: SandboxServer, verb: str, path: str, fields: Any, status: int
) -> None:
    before = server.exchange.totals()
    answer = admin(server, verb, path, json=fields)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert server.exchange.totals() == before


# --- ports and life ---------------------------------------------------------------------------------------------------


def test_a_taken_port_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1") as caught:
            SandboxServer(SandboxSettings(), ports={"main": port}).__enter__()
        assert "Next:" in str(caught.value)


def test_wrong_ports_and_doors_are_named() -> None:
    exchange = Exchange(SandboxSettings())
    with pytest.raises(ValueError, match="unknown doors side"):
        build_servers(exchange, {"side": 0})
    with pytest.raises(OSError, match="port 70000"):
        build_servers(exchange, {"main": 70000})
    with pytest.raises(ValueError, match="admin"):
        build_servers(Exchange(SandboxSettings(doors=["admin"])))
    servers = build_servers(exchange)
    with pytest.raises(KeyError, match="no door 'bot'"):
        servers.url("bot")
    servers.close()


def test_a_host_serves_in_a_loop_of_its_own(client: httpx.Client) -> None:
    exchange = Exchange(SandboxSettings())
    servers = build_servers(exchange)
    url = servers.url()
    host = threading.Thread(target=lambda: asyncio.run(servers.serve()))
    host.start()
    try:
        assert client.get(url + "/0/public/Time").json()["error"] == []
    finally:
        servers.stop()
        host.join(60)
    assert not host.is_alive()
    with pytest.raises(httpx.ConnectError):
        _fetch(url)


def test_nothing_is_left_open_behind_a_server() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with SandboxServer() as server, httpx.Client(trust_env=False) as made:
            made.get(server.url() + "/0/public/Time")
        gc.collect()
    assert server.thread is not None
    assert not server.thread.is_alive()


def test_a_server_is_used_in_a_with_block() -> None:
    with pytest.raises(RuntimeError, match="with block"):
        SandboxServer().url()


def test_an_internal_error_is_answered_like_krakens_and_logged(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with SandboxServer() as server:
        server.exchange.engine.books.clear()
        answer = client.get(server.url() + "/0/public/Depth?pair=XBTUSD")
        assert answer.json()["error"] == ["EGeneral:Internal error"]
        assert server.exchange.observed()["errors"] == {"EGeneral:Internal error": 1}
    assert "the exchange failed at Depth" in caplog.text


def test_a_caller_does_not_say_itself_where_it_calls_from() -> None:
    elsewhere = account(ip_allowlist=["10.0.0.0/8"])
    with SandboxServer(SandboxSettings(accounts=[elsewhere])) as server, httpx.Client(trust_env=False) as client:
        call = User(elsewhere, nonce()).call("Balance")
        headers = {"API-Key": call.api_key, "API-Sign": call.api_sign, "Content-Type": call.content_type}
        forged = headers | {"X-Forwarded-For": "10.1.2.3"}
        answer = client.post(server.url() + call.path, content=call.body, headers=forged)
    assert answer.json() == {"error": ["EGeneral:Permission denied"]}


def test_an_answer_arrives_in_one_piece(server: SandboxServer) -> None:
    with socket.create_connection(("127.0.0.1", server.servers.ports["main"]), timeout=60) as link:
        link.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        piece = link.recv(65536)
    assert piece.startswith(b"HTTP/1.1 200")
    assert piece.endswith(b"}}")
