"""Calls are booked one by one where a journal is asked for: how each was answered, as its client saw it."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx

from pytest_kraken_golive.sandbox.server import SandboxServer
from pytest_kraken_golive.sandbox.settings import FaultSettings, SandboxSettings

TIME = "/0/public/Time"


def journal(*faults: FaultSettings, calls: int = 1, kept: int = 100, timeout_s: float = 5.0) -> list[tuple[Any, Any]]:
    settings = SandboxSettings(journal_calls=kept, faults=list(faults))
    with SandboxServer(settings) as server:
        for _ in range(calls):
            with contextlib.suppress(httpx.TransportError), httpx.Client(trust_env=False, timeout=timeout_s) as client:
                client.get(server.url() + TIME)
        with httpx.Client(trust_env=False) as client:
            client.get(server.url() + "/0/public/Nothing")  # its answer comes when those before it are booked
        booked = server.exchange.observed()["calls"]
        return [(call["status"], call["errors"]) for call in booked]


UNKNOWN = (200, ["EGeneral:Unknown method"])


def test_answers_errors_and_trouble() -> None:
    assert journal() == [(200, []), UNKNOWN]
    assert journal(FaultSettings(kind="http", status=520)) == [(520, None), UNKNOWN]
    assert journal(FaultSettings(kind="error", error="EService:Busy")) == [(200, ["EService:Busy"]), UNKNOWN]
    assert journal(FaultSettings(kind="reset_before"), FaultSettings(kind="reset_after"), calls=2) == [
        (0, None),
        (0, None),
        UNKNOWN,
    ]


def test_half_an_answer_is_none() -> None:
    assert journal(FaultSettings(kind="truncated"))[0] == (0, None)


def test_only_so_many_are_kept_and_none_unless_asked_for() -> None:
    assert len(journal(calls=3, kept=2)) == 2
    assert journal(kept=0) == []
