"""Where a bot's metrics are read, whatever its server calls itself."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator

import pytest

from pytest_kraken_golive.checks.health_sample import reached_at, require_bots_own, scrape
from pytest_kraken_golive.contract import Fault


class _Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"up 1\n")

    def log_message(self, *_: object) -> None:
        """Nothing is told."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Metrics) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])
def test_all_addresses_of_a_server_are_reached_at_loopback(port: int, host: str) -> None:
    url = f"http://{host}:{port}/metrics"
    assert scrape(url).sample("up") == 1
    require_bots_own(url, os.getpid())


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("::1", "::1"), ("localhost", "localhost"), ("10.0.0.1", "10.0.0.1")],
)
def test_where_a_host_is_reached(host: str, reached: str) -> None:
    assert reached_at(host) == reached


@pytest.mark.parametrize("url", ["http://10.0.0.1:9108/metrics", "http://0.0.0.0.example/metrics", "file:///metrics"])
def test_another_machine_is_a_fault(url: str) -> None:
    with pytest.raises(Fault, match=r"on this machine.*Next: "):
        scrape(url)
