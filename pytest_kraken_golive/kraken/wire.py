"""The wire: one kept HTTP transport, requests in, raw answers out. Nothing here retries, follows or interprets.

The transport is called directly, not through `httpx.Client`: redirects must not be followed (a POST would turn into a
GET), cookies must not be kept, and half of the client's time per order goes into layers that are not used here.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Final

import httpx

from pytest_kraken_golive.kraken.errors import AnswerLostError, NotSentError, TransportError

# Below the five seconds after which common servers drop an idle connection, so that ours is not the one that notices.
_KEEP_ALIVE_S: Final = 4.0
# Nothing has left while the connection is not there yet.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# Our own request is at fault: the same request fails in the same way.
_OUR_FAULT: Final = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)


@dataclass(frozen=True)
class RawAnswer:
    """An HTTP answer before anybody has looked at it."""

    status: int
    """HTTP status."""
    content_type: str | None
    """The header's value."""
    retry_after_s: float | None
    """Seconds of the Retry-After header, where it holds seconds."""
    body: bytes = field(repr=False)
    """The whole body, decoded."""


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
        self._transport = _own_transport(base_url) if transport is None else transport
        self._agent = user_agent()
        self._urls: dict[str, httpx.URL] = {}  # parsing one takes a tenth of an order's time
        self._extensions = {"timeout": httpx.Timeout(timeout_s).as_dict()}

    def get(self, path: str, params: Mapping[str, str]) -> httpx.Request:
        """A public request."""
        headers = {"User-Agent": self._agent, "Accept-Encoding": "gzip"}
        url = self._url(path)
        wanted = url.copy_with(params=dict(params)) if params else url
        return httpx.Request("GET", wanted, headers=headers, extensions=self._extensions)

    def post(self, path: str, body: bytes, content_type: str, headers: Mapping[str, str]) -> httpx.Request:
        """A private request with the given body and the headers that sign it."""
        return httpx.Request(
            "POST",
            self._url(path),
            headers={"User-Agent": self._agent, "Content-Type": content_type, **headers},
            content=body,
            extensions=self._extensions,
        )

    def _url(self, path: str) -> httpx.URL:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(self._base_url + path)
        return url

    def send(self, endpoint: str, request: httpx.Request) -> RawAnswer:
        """Send one request, once, and read the whole answer.

        Raises:
            NotSentError: there was no connection.
            AnswerLostError: the request left, or may have left, and no whole answer came back.
        """
        problem: TransportError
        try:
            return self._exchange(request)
        except httpx.RequestError as error:
            problem = _transport_error(endpoint, error)
        except OSError as error:  # a transport of the caller's own may let it through
            problem = AnswerLostError(endpoint, "os_error", f"no answer ({type(error).__name__})")
        # Outside the handler, without its context: the frames below hold the headers with key and signature.
        raise problem

    def _exchange(self, request: httpx.Request) -> RawAnswer:
        response = self._transport.handle_request(request)
        try:
            body = response.read()
        finally:
            response.close()
        return RawAnswer(
            response.status_code,
            response.headers.get("content-type"),
            _seconds(response.headers.get("retry-after")),
            body,
        )

    def close(self) -> None:
        """Close the transport and its connections."""
        self._transport.close()


def _own_transport(base_url: str) -> httpx.HTTPTransport:
    # Without TLS the certificates need not be loaded, which takes 20 ms; an empty context trusts nobody.
    plain = base_url.startswith("http://")
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context(trust_env=False)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=_KEEP_ALIVE_S)
    return httpx.HTTPTransport(verify=verify, trust_env=False, limits=limits)


def _transport_error(endpoint: str, error: httpx.RequestError) -> TransportError:
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
    if isinstance(error, _NOT_SENT):
        return NotSentError(endpoint, kind, f"no connection ({type(error).__name__}: {error}); nothing was sent")
    # The texts of protocol errors can quote our headers, so only the name is told.
    fault = isinstance(error, _OUR_FAULT)
    return AnswerLostError(endpoint, kind, f"no whole answer ({type(error).__name__})", repeatable=not fault)


def _seconds(text: str | None) -> float | None:
    """The header's seconds; a date or anything else says nothing that the back-off does not cover."""
    return float(text) if text is not None and text.isascii() and text.isdecimal() else None
