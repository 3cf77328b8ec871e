"""The HTTP endpoint from which Prometheus, and the gate, read the bot's metrics."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_SLOW_READER_S = 5.0
"""A connection that sends nothing for this long is closed, so that it cannot hold a thread for ever."""

Pages = Mapping[str, Callable[[], Mapping[str, Any]]]
"""Path to what gives the JSON data of its page."""


class MetricsEndpoint:
    """Serves a registry over HTTP until it is closed.

    Args:
        registry: what is served.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        path: path of the metrics, such as `/metrics`; every other path answers 404.
        before_scrape: called before each answer, for what must be measured at the moment of reading.
        pages: further paths, and what gives the JSON data of each.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str,
        port: int,
        path: str,
        before_scrape: Callable[[], None] | None = None,
        pages: Pages = MappingProxyType({}),
    ) -> None:
        self._server = _Server((host, port), _handler(registry, path, before_scrape, pages))
        shown = f"[{host}]" if ":" in host else host
        self.port = int(self._server.server_address[1])
        self.origin = f"http://{shown}:{self.port}"
        self.url = f"{self.origin}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="metrics-endpoint", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    # On Windows the option would let a second program take a port that is in use.
    allow_reuse_address = os.name != "nt"

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's name, which can take seconds where name resolution is slow.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away in the middle of an answer is not the bot's problem."""


def _handler(
    registry: CollectorRegistry, path: str, before_scrape: Callable[[], None] | None, pages: Pages
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SLOW_READER_S

        def do_GET(self) -> None:
            asked = urlsplit(self.path).path
            if asked in pages:
                body = json.dumps(pages[asked](), indent=2).encode() + b"\n"
                self._answer(200, "application/json", body)
                return
            if asked != path:
                self._answer(404, "text/plain; charset=utf-8", f"not found; metrics are at {path}\n".encode())
                return
            if before_scrape is not None:
                before_scrape()
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(registry))

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the bot's output for messages to people."""

    return Handler
