"""Keeps this process from the network while a recording is played, and from passing a recorder by.

vcr replaces methods of the HTTP libraries that it knows. A transport of one's own goes past it, so sockets are watched
as well: with an audit hook, which every library in Python comes by, and which cannot be taken away again. There is one
for each process, and it does nothing until it is told to.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.kraken.endpoint import is_loopback

_WITH_ADDRESS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
SEEN_BY_VCR: Final = (
    "Next: let it send over http.client, urllib3, requests, aiohttp or httpx.HTTPTransport, or judge it with "
    "--kraken=sandbox."
)
_LOOK_UPS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


class OffLimits(Fault, OSError):
    """A connection that a recording does not allow; it was not opened.

    An OSError as well, so that libraries tidy up as after any connection that fails.
    """


class Door:
    """The exchange's way in: closed to everybody but the recorder.

    Args:
        url: gives the exchange's URL; None while nobody knows it.
        refused: told about every connection that was refused.
        expects: whether a request that the recorder has seen is on its way: an asynchronous library may connect for it
            in a task of its own.
    """

    def __init__(
        self, url: Callable[[], str | None], refused: Callable[[Fault], None], expects: Callable[[], bool]
    ) -> None:
        self.url = url
        self.refused = refused
        self.expects = expects

    def leads_to(self, host: str, port: object) -> bool:
        """Whether an address is the exchange's."""
        url = self.url()
        if url is None:
            return False
        parts = urlsplit(url)
        return parts.port == port and (
            parts.hostname == host or (is_loopback(host) and is_loopback(parts.hostname or ""))
        )


class _Guard:
    """What is closed in this process."""

    def __init__(self) -> None:
        self.offline = False
        self.doors: list[Door] = []
        self._hooked = False

    def stand(self) -> None:
        """Begin to watch, if nobody does."""
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith("socket.") or not (self.offline or self.doors):
            return
        if event in _WITH_ADDRESS and isinstance(arguments[1], tuple):
            self._judge(str(arguments[1][0]), arguments[1][1])
        elif event in _LOOK_UPS and arguments[0]:
            host = arguments[0].decode(errors="replace") if isinstance(arguments[0], bytes) else str(arguments[0])
            self._judge(host, None)

    def _judge(self, host: str, port: object) -> None:
        outside = not is_loopback(host)
        if self.offline and outside:
            self._refuse(
                f"{host}: a connection that leaves this machine, while recordings are played. "
                "Next: take out what opens it, or run it with --kraken=sandbox."
            )
        if port is None:
            return
        for door in self.doors:
            passes = outside or door.leads_to(host, port)
            if passes and not door.expects() and not _comes_from_vcr(sys._getframe()):
                self._refuse(
                    f"{host}:{port}: a connection that passes the recorder by: vcr does not see what is sent. "
                    + SEEN_BY_VCR
                )

    def _refuse(self, message: str) -> None:
        error = OffLimits(message)
        for door in self.doors:
            door.refused(error)
        raise error


def _comes_from_vcr(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("vcr."):
            return True
        frame = frame.f_back
    return False


_guard = _Guard()


def go_offline() -> None:
    """From now on nothing of this process leaves the machine."""
    _guard.stand()
    _guard.offline = True


def go_online() -> None:
    """Take that back."""
    _guard.offline = False


def is_offline() -> bool:
    """Whether this process may not leave the machine."""
    return _guard.offline


@contextlib.contextmanager
def closed(door: Door) -> Iterator[None]:
    """Keep everybody but the recorder from the exchange for a while."""
    _guard.stand()
    _guard.doors.append(door)
    try:
        yield
    finally:
        _guard.doors.remove(door)
