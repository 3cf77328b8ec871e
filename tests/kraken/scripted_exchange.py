"""An exchange that answers what a test tells it, over httpx's own boundary, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import CallRecord, KrakenClient, Unlimited

KEY = "public-half-of-an-example-key"
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
LOOPBACK = "http://127.0.0.1:9"

Reply = httpx.Response | Exception | Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    fields: dict[str, Any]
    headers: httpx.Headers
    host: str


def ok(result: Any, *warnings: str) -> httpx.Response:
    return httpx.Response(200, json={"error": list(warnings), "result": result})


def error(*strings: str) -> httpx.Response:
    return httpx.Response(200, json={"error": list(strings)})


def page(status: int) -> httpx.Response:
    return httpx.Response(status, html="<html><title>Bad gateway</title>cloudflare</html>")


class ScriptedExchange:
    """Replies in order; the last reply is repeated. Endpoints named in `answers` have replies of their own."""

    def __init__(self, *replies: httpx.Response | Exception, **answers: Sequence[httpx.Response | Exception]) -> None:
        self._replies = list(replies)
        self._answers = {name: list(given) for name, given in answers.items()}
        self.asked: list[Asked] = []
        self.records: list[CallRecord] = []
        self.clock = VirtualClock()

    def answer(self, **answers: Sequence[httpx.Response | Exception]) -> None:
        """Give endpoints new replies."""
        self._answers |= {name: list(given) for name, given in answers.items()}

    def endpoints(self) -> list[str]:
        """What was asked for, by Kraken's names."""
        return [asked.path.rpartition("/")[2] for asked in self.asked]

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._reply)

    def _reply(self, request: httpx.Request) -> httpx.Response:
        text = request.content.decode() if request.method == "POST" else request.url.query.decode()
        if request.headers.get("content-type") == "application/json":
            fields = json.loads(text)
        else:
            fields = {name: values[0] for name, values in parse_qs(text, strict_parsing=bool(text)).items()}
        self.asked.append(Asked(request.method, request.url.path, fields, request.headers, request.url.host))
        replies = self._answers.get(request.url.path.rpartition("/")[2], self._replies)
        reply = replies[0] if len(replies) == 1 else replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    def client(self, **options: Any) -> KrakenClient:
        settings: dict[str, Any] = {
            "base_url": LOOPBACK,
            "environ": {},
            "transport": self.transport(),
            "clock": self.clock,
            "limits": Unlimited(),
            "on_call": self.records.append,
        }
        return KrakenClient(KEY, SECRET, **{**settings, **options})


def text_of(payload: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(payload))
