"""An exchange that accepts every order with the same bytes: what is measured is the client.

python constant_exchange.py {plain|headers|tls} [certificate key]     (prints its port, ends with its input)
"""

from __future__ import annotations

import asyncio
import ssl
import sys

BODY = (
    b'{"error":[],"result":{"txid":["OUF4EM-FRGI2-MQMWZD"],"descr":{"order":"buy 0.00100000 XBTUSD @ limit 50000.0"}}}'
)
MORE = b"".join(
    b"%s: %s\r\n" % pair
    for pair in (
        (b"Date", b"Fri, 20 Nov 2026 09:31:05 GMT"),
        (b"CF-RAY", b"8f3a1b2c3d4e5f60-FRA"),
        (b"CF-Cache-Status", b"DYNAMIC"),
        (b"Server", b"cloudflare"),
        (b"Vary", b"Accept-Encoding"),
        (b"Strict-Transport-Security", b"max-age=15552000; includeSubDomains; preload"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"X-Frame-Options", b"DENY"),
        (b"Referrer-Policy", b"same-origin"),
        (b"Set-Cookie", b"__cf_bm=" + b"x" * 120 + b"; path=/; expires=Fri, 20-Nov-26 10:01:05 GMT; HttpOnly"),
        (b"Cache-Control", b"no-store"),
        (b"Alt-Svc", b'h3=":443"; ma=86400'),
    )
)


class Accepting(asyncio.Protocol):
    """Answers as soon as a request is whole."""

    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + size:
                return
            self._data = self._data[end + 4 + size :]
            self._transport.write(self.answer)  # type: ignore[attr-defined]  # a stream's transport


async def main(setting: str, files: list[str]) -> None:
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    more = MORE if setting == "headers" else b""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (more, len(BODY))
    Accepting.answer = head + BODY
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Accepting, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        import uvloop  # type: ignore[import-not-found]  # only where the other clients live

        runner = uvloop.run
    except ImportError:
        runner = asyncio.run
    runner(main(sys.argv[1], sys.argv[2:]))
