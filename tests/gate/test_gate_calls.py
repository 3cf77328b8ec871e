"""What a line's client asked the exchange stands in its evidence, whatever client it is and however the line ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["golive_project"]

CHECKS = """
import http.client
import urllib.parse

from pytest_kraken_golive import NotProven


class OwnClient:
    def __init__(self, url: str) -> None:
        self.base_url = url

    def ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc)
        try:
            connection.request("GET", path, headers={"API-Key": "a-key-of-its-own", "API-Sign": "a-signature"})
            return connection.getresponse().read()
        finally:
            connection.close()


@pytest.fixture
def kraken_client(kraken_sandbox):
    client = OwnClient(kraken_sandbox.url)
    client.ask("/0/public/SystemStatus")
    return client


@check("asks")
def asks(kraken_client, evidence, *, times: int, well: bool) -> None:
    evidence.record("test", times)
    for _ in range(times):
        kraken_client.ask("/0/public/Time")
    assert well, "it was not to go well"


@check("says_nothing")
def says_nothing(kraken_client, evidence) -> None:
    kraken_client.ask("/0/public/Time")


@check("meets_trouble")
def meets_trouble(kraken_client, kraken_sandbox, evidence) -> None:
    kraken_sandbox.fault("reset_after", "Time")
    evidence.record("test", 1)
    try:
        kraken_client.ask("/0/public/Time")
    except OSError:
        return
    raise NotProven("no trouble")


@check("measures")
def measures(kraken_client, latency, evidence) -> None:
    evidence.record("test", 1)
    kraken_client.ask("/0/public/Time")
"""


def calls(run: GateRun, line_id: str) -> list[Any]:
    found = []
    for record in run.lines[line_id]["evidence"]:
        if record["source"] != "exchange":
            continue
        value = record["value"]
        found.append(
            value if isinstance(value, int) else (record["key"], value["answered"] and value["answered"]["status"])
        )
    return found


def test_calls_of_a_client_of_ones_own(project: Project) -> None:
    project.deployment("keychain-key")
    project.conftest(CHECKS)
    project.runbook(
        "few asks times=1 well=true",
        "many asks times=20 well=true",
        "bad asks times=1 well=false",
        "silent says_nothing",
        "reset meets_trouble",
        "measured measures",
        name="paper",
    )
    run = project.gate("-n", "1")
    assert run.outcomes == {
        "few": "passed",
        "many": "passed",
        "bad": "failed",
        "silent": "not_proven",  # what was overheard is no evidence of the check's own
        "reset": "passed",
        "measured": "passed",
    }, run.said
    status, time = ("GET /0/public/SystemStatus", 200), ("GET /0/public/Time", 200)
    assert calls(run, "few") == calls(run, "bad") == calls(run, "silent") == [status, time]
    assert calls(run, "many") == [status, *[time] * 4, 11, *[time] * 5]
    assert calls(run, "reset") == [status, ("GET /0/public/Time", None)]
    assert calls(run, "measured") == []
    assert "a-key-of-its-own" not in json.dumps(run.verdict)
    assert "a-signature" not in json.dumps(run.verdict)
