"""The wire: one kept HTTP transport, requests in, raw answers out. Nothing here retries, follows or interprets.

The transport is called directly, not through `httpx.Client`: redirects must not be followed (a POST would turn into a
GET), cookies must not be kept, and half of the client's time per order goes into layers that are not used here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Final
from urllib.parse import urlencode

import httpx

from pytest_kraken_golive.kraken.credentials import SignedHeaders
from pytest_kraken_golive.kraken.errors import AnswerLostError, NotSentError, TransportError
from pytest_kraken_golive.kraken.kept import KeptConnections
from pytest_kraken_golive.kraken.replies import Headers, Reply

# Nothing has left while the connection is not there yet.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Our own request is at fault: the same request fails in the same way.
_OUR_FAULT: Final = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)


@dataclass(frozen=True)
class RawAnswer:
    """An HTTP answer before anybody has looked at it."""

    status: int
    """HTTP status."""
    headers: Headers = field(repr=False)
    """Its headers; names in any case."""
    body: bytes = field(repr=False)
    """The whole body, decoded."""

    @property
    def content_type(self) -> str | None:
        """The header's value."""
        return _header(self.headers, b"content-type")

    @property
    def retry_after_s(self) -> float | None:
        """Seconds of the Retry-After header; a date or anything else says nothing that the back-off does not cover."""
        text = _header(self.headers, b"retry-after")
        return float(text) if text is not None and text.isascii() and text.isdecimal() else None


def _header(headers: Headers, name: bytes) -> str | None:
    """The value of the first header of that name (lower case)."""
    return next((value.decode("latin-1") for found, value in headers if found.lower() == name), None)


def user_agent() -> str:
    """Our name and version for the User-Agent header, which Kraken asks for."""
    try:
        version = metadata.version("pytest-kraken-golive")
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        version = "source"
    return f"pytest-kraken-golive/{version}"


class Wire:
    """Sends requests to one host over one transport, which it owns and closes."""

    def __init__(self, base_url: str, transport: httpx.BaseTransport | None, timeout_s: float) -> None:
        self._base_url = base_url
        self._transport = KeptConnections(base_url) if transport is None else transport
        self._agent = user_agent()
        self._timeout_s = timeout_s

    def get(self, endpoint: str, path: str, params: Mapping[str, str]) -> RawAnswer:
        """Send a public request, once, and read the whole answer; raises like `post`."""
        target = f"{path}?{urlencode(params)}" if params else path
        return self._send(endpoint, "GET", target, {"User-Agent": self._agent, "Accept-Encoding": "gzip"}, None)

    def post(self, endpoint: str, path: str, body: bytes, headers: SignedHeaders) -> RawAnswer:
        """Send a private request with the headers that sign it, once, and read the whole answer.

        Raises:
            NotSentError: there was no connection.
            AnswerLostError: the request left, or may have left, and no whole answer came back.
        """
        headers["User-Agent"] = self._agent
        return self._send(endpoint, "POST", path, headers, body)

    def _send(self, endpoint: str, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        problem: TransportError
        try:
            if isinstance(self._transport, KeptConnections):
                # Without httpx's request and response, which cost a tenth of an order's time.
                reply = self._transport.exchange(method, target, headers, body, self._timeout_s)
                return RawAnswer(reply.status, reply.headers, reply.body if body else unpacked(reply))
            return self._through_httpx(method, target, headers, body)
        except httpx.RequestError as error:
            problem = _transport_error(endpoint, error)
        except OSError as error:  # a transport of the caller's own may let it through
            problem = AnswerLostError(endpoint, "os_error", f"no answer ({type(error).__name__})")
        # Outside the handler, without its context: the frames below hold what is written, with key and signature.
        raise problem

    def _through_httpx(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> RawAnswer:
        extensions = {"timeout": httpx.Timeout(self._timeout_s).as_dict()}
        url = self._base_url + target
        request = httpx.Request(method, url, headers=headers, content=body, extensions=extensions)
        response = self._transport.handle_request(request)
        try:
            return RawAnswer(response.status_code, response.headers.raw, response.read())
        finally:
            response.close()

    def close(self) -> None:
        """Close the transport and its connections."""
        self._transport.close()


def unpacked(reply: Reply) -> bytes:
    """The body of an answer that was allowed to come packed, which only those to a GET are."""
    packing = _header(reply.headers, b"content-encoding")
    if packing is None:
        return reply.body
    return httpx.Response(reply.status, headers={"content-encoding": packing}, content=reply.body).content


def _transport_error(endpoint: str, error: httpx.RequestError) -> TransportError:
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    if isinstance(error, _NOT_SENT):
        return NotSentError(endpoint, kind, f"no connection ({type(error).__name__}: {error}); nothing was sent")
    # The texts of protocol errors can quote our headers, so only the name is told.
    fault = isinstance(error, _OUR_FAULT)
    return AnswerLostError(endpoint, kind, f"no whole answer ({type(error).__name__})", repeatable=not fault)
