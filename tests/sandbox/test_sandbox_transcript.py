"""Calls are taken down word for word while somebody asks for it: all are counted, some kept, and no header is."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx

from pytest_kraken_golive.sandbox.server import SandboxServer
from pytest_kraken_golive.sandbox.settings import FaultSettings, SandboxSettings
from pytest_kraken_golive.sandbox.transcript import FIRST, LAST, LONGEST_BODY

TIME = "/0/public/Time"


def admin(server: SandboxServer, method: str, **arguments: Any) -> Any:
    token = server.settings.admin_token.get_secret_value()
    with httpx.Client(base_url=server.admin_url, headers={"X-Sandbox-Token": token}, trust_env=False) as client:
        return client.request(method, "/transcript", **arguments)


def test_what_is_asked_and_answered_from_begin_to_end() -> None:
    faults = [FaultSettings(kind="http", status=520, endpoint="Ticker")]
    faults += [FaultSettings(kind=kind, endpoint="Depth") for kind in ("truncated", "reset_after")]
    with SandboxServer(SandboxSettings(faults=faults)) as server, httpx.Client(trust_env=False) as client:
        client.get(server.url() + TIME)
        assert admin(server, "POST", json={}).json() == {"door": "main", "taken_down": None}
        client.get(server.url() + TIME)
        client.get(server.url() + "/0/public/Ticker", params={"pair": "XBTUSD"})
        for _ in range(2):
            with contextlib.suppress(httpx.TransportError):
                client.get(server.url() + "/0/public/Depth", params={"pair": "XBTUSD"})
        client.post(server.url() + "/0/private/Balance", content=b"nonce=1&x=\xff", headers={"API-Sign": "signature"})
        taken = admin(server, "DELETE").json()["taken_down"]
        client.get(server.url() + TIME)
        assert admin(server, "DELETE").json()["taken_down"] is None
    assert (taken["total"], taken["left_out"], taken["last"]) == (5, 0, [])
    told = [(one["method"], one["target"], one["status"], one["duration_s"] is not None) for one in taken["first"]]
    assert told == [
        ("GET", TIME, 200, True),
        ("GET", "/0/public/Ticker?pair=XBTUSD", 520, True),
        ("GET", "/0/public/Depth?pair=XBTUSD", 0, False),
        ("GET", "/0/public/Depth?pair=XBTUSD", 0, False),
        ("POST", "/0/private/Balance", 200, True),
    ]
    assert '"unixtime"' in taken["first"][0]["answer"]
    assert taken["first"][-1]["body"].encode("latin-1") == b"nonce=1&x=\xff"
    assert "signature" not in str(taken)


def test_first_and_last_are_kept_and_a_body_that_is_too_long_is_measured() -> None:
    with SandboxServer(SandboxSettings()) as server, httpx.Client(trust_env=False) as client:
        admin(server, "POST", json={"door": "main"})
        for number in range(FIRST + LAST + 3):
            client.get(f"{server.url()}{TIME}?n={number}")
        client.post(server.url() + TIME, content=b"x" * (LONGEST_BODY + 1))
        taken = admin(server, "DELETE", params={"door": "main"}).json()["taken_down"]
    assert (taken["total"], taken["left_out"]) == (FIRST + LAST + 4, 4)
    numbers = [one["target"].partition("=")[2] for one in [*taken["first"], *taken["last"]]]
    assert numbers == ["0", "1", "2", "3", "4", "9", "10", "11", "12", ""]
    assert (taken["last"][-1]["body"], taken["last"][-1]["body_size"]) == (None, LONGEST_BODY + 1)


def test_a_door_that_there_is_not() -> None:
    with SandboxServer(SandboxSettings()) as server:
        assert admin(server, "POST", json={"door": "back"}).status_code == 404
        assert admin(server, "POST", json={"doors": "main"}).status_code == 400
