"""The one way out: every HTTP attempt of the client takes its turn in the I/O queue.

The queue stands below the client's retries, so a call that is tried again takes a further turn.
"""

from __future__ import annotations

import httpx

from pytest_kraken_golive.bot.queue import IOQueue


class QueuedTransport(httpx.BaseTransport):
    """Sends requests through a queue.

    Args:
        queue: gives each request its turn; not closed with the transport, because several clients share it.
        inner: what really sends; closed with the transport.
    """

    def __init__(self, queue: IOQueue, inner: httpx.BaseTransport) -> None:
        self._queue = queue
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a turn, send, and read the whole answer before the turn ends.

        Raises:
            QueueClosedError: the run is over; nothing was sent.
            httpx.TransportError: as the inner transport raises it.
        """
        return self._queue.run(lambda: self._whole_answer(request))

    def _whole_answer(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        try:
            response.read()
        except BaseException:
            response.close()
            raise
        return response

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()
