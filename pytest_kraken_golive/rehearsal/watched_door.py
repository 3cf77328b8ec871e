"""The door of an exchange at which each caller is looked at before it gets its first answer."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from pytest_kraken_golive.rehearsal.sockets import Address
from pytest_kraken_golive.sandbox.app import TRANSPORT, Application, Message, Receive, Scope, Send

PLACED_WITHIN_S = 2.0
"""A caller gets its answer then, whether somebody has looked or not."""


class WatchedDoor:
    """Lets a connection's first answer wait until it is known whose the connection is: till then it stays open.

    That takes no longer than the exchange takes for the call, as a rule, so it changes nothing for the caller.

    Args:
        door: what serves the calls.
        place: finds out who is at the other end.
    """

    def __init__(self, door: Application, place: Callable[[Address], Future[None]]) -> None:
        self._door = door
        self._place = place
        self._met: weakref.WeakSet[Any] = weakref.WeakSet()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        connection, caller = scope["extensions"][TRANSPORT], scope["client"]
        if connection in self._met or caller is None:
            await self._door(scope, receive, send)
            return
        self._met.add(connection)
        placed = asyncio.wrap_future(self._place((caller[0], caller[1])))

        async def send_when_placed(message: Message) -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(placed), PLACED_WITHIN_S)
            await send(message)

        await self._door(scope, receive, send_when_placed)
