"""Looks at a program's connections, over and over, and at once when somebody calls at its exchange."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace

from pytest_kraken_golive.rehearsal.network import LOOK_EVERY_S, UNWATCHED, Contact, How, Network, is_loopback
from pytest_kraken_golive.rehearsal.sockets import Address, Sight, Socket, sockets_here

ASK_ALL_EVERY_S = 0.5
"""How often it is asked thoroughly who belongs to the program, which costs more than a look."""

FAILED = "all of its processes, from when the watch failed,"

Members = Callable[[bool], Collection[int]]
"""Process ids of the program; with True after a thorough search, else by descent from those that are known."""


class _Tally:
    """In how many looks each contact was seen, and in which process first."""

    def __init__(self) -> None:
        self._seen: dict[tuple[How, str, int], tuple[int, int]] = {}

    def add(self, found: Mapping[tuple[How, str, int], int]) -> None:
        for key, pid in found.items():
            first, samples = self._seen.get(key, (pid, 0))
            self._seen[key] = first, samples + 1

    def contacts(self) -> list[Contact]:
        return [Contact(host, port, how, *found) for (how, host, port), found in self._seen.items()]


class NetworkWatch:
    """Looks in a thread of its own, from `start` until `stop`.

    Args:
        members: the processes that belong to the program now.
        neighbours: what serves which port of this machine, for the reader.
    """

    def __init__(self, members: Members, neighbours: Mapping[int, str] | None = None) -> None:
        self._members = members
        self._neighbours = dict(neighbours or {})
        self._sockets = sockets_here()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._over = False
        self._network = Network()
        self._contacts, self._asked_by, self._open_udp = _Tally(), _Tally(), _Tally()
        self._served: set[int] = set()
        self._unseen: dict[int, None] = {}
        self._callers: dict[Address, Future[None]] = {}
        self._thread = threading.Thread(target=self._watch, name="network-watch", daemon=True)
        self._thread_runs = self._failed = False
        self._asked_all_s: float | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread_runs = True
        self._thread.start()

    def stop(self) -> None:
        """End the watch; only once it has no effect."""
        self._over = True
        self._wake.set()
        if self._thread_runs:
            self._thread.join()
        with self._lock:
            for caller in self._callers.values():
                self._vanished(caller)
            self._callers.clear()

    def place(self, caller: Address) -> Future[None]:
        """Find out whose a connection is to the program's exchange.

        Args:
            caller: address of its other end.

        Returns:
            Done when that is known; the connection should stay open until then.
        """
        with self._lock:
            placed: Future[None] = self._callers.setdefault(caller, Future())
            if self._over:
                del self._callers[caller]
                who = self._sockets.holder(caller)
                self._stranger(placed, f"{who or 'somebody'}, after the bot had ended")
        self._wake.set()
        return placed

    def seen(self) -> Network:
        """What has been seen so far."""
        with self._lock:
            return replace(
                self._network,
                contacts=[replace(one, whose=self._whose(one)) for one in self._contacts.contacts()],
                asked_by=self._asked_by.contacts(),
                open_udp=self._open_udp.contacts(),
                unseen=[f"process {pid}" for pid in self._unseen] + [FAILED] * self._failed,
            )

    def _whose(self, contact: Contact) -> str | None:
        if not contact.stays_here:
            return None
        return self._neighbours.get(contact.port, "own" if contact.port in self._served else UNWATCHED)

    def _watch(self) -> None:
        try:
            while not self._over:
                self._wake.clear()
                self._look()
                self._wake.wait(LOOK_EVERY_S)
        finally:
            self._failed = not self._over  # an error ends the thread: then nobody has looked since

    def _look(self) -> None:
        with self._lock:
            callers = dict(self._callers)
        sight = self._sockets.look(self._now)
        with self._lock:
            self._note(sight)
        self._place(callers, sight.sockets)

    def _now(self) -> Collection[int]:
        now = time.monotonic()
        thorough = self._asked_all_s is None or now - self._asked_all_s >= ASK_ALL_EVERY_S
        if thorough:
            self._asked_all_s = now
        return self._members(thorough)

    def _note(self, sight: Sight) -> None:
        self._unseen.update(dict.fromkeys(sight.unseen))
        self._served |= {one.local[1] for one in sight.sockets if one.listens}
        self._contacts.add({(one.kind, *peer): one.pid for one, peer in _with_peer(sight.sockets, self._speaks)})
        self._asked_by.add(
            {
                (one.kind, peer[0], one.local[1]): one.pid
                for one, peer in _with_peer(sight.sockets, lambda one: not self._speaks(one))
            }
        )
        self._open_udp.add({(one.kind, *one.local): one.pid for one in sight.sockets if sends_to_anybody(one)})
        if not sight.unseen:
            self._network = replace(self._network, looks=self._network.looks + 1)

    def _speaks(self, one: Socket) -> bool:
        """Whether it is the program that calls, and not somebody who calls at a port that the program serves."""
        return one.calls or one.kind == "udp" or one.local[1] not in self._served

    def _place(self, callers: Mapping[Address, Future[None]], sockets: Iterable[Socket]) -> None:
        """Say whose these connections are, as the look that has followed upon them saw it."""
        ours = {one.local for one in sockets}
        holders = {caller: self._sockets.holder(caller) for caller in callers if caller not in ours}
        with self._lock:
            for caller, placed in callers.items():
                del self._callers[caller]
                if caller in ours:
                    self._network = replace(self._network, own_calls=self._network.own_calls + 1)
                    placed.set_result(None)
                elif (who := holders[caller]) is None:
                    self._vanished(placed)
                else:
                    self._stranger(placed, who)

    def _stranger(self, placed: Future[None], who: str) -> None:
        strangers = list(dict.fromkeys([*self._network.strangers, who]))
        self._network = replace(self._network, strangers=strangers)
        placed.set_result(None)

    def _vanished(self, placed: Future[None]) -> None:
        self._network = replace(self._network, vanished_calls=self._network.vanished_calls + 1)
        placed.set_result(None)


def _with_peer(sockets: Iterable[Socket], wanted: Callable[[Socket], bool]) -> Iterable[tuple[Socket, Address]]:
    return ((one, one.remote) for one in sockets if one.remote is not None and wanted(one))


def sends_to_anybody(one: Socket) -> bool:
    """Whether it is a UDP socket without a peer that can send beyond this machine.

    One that is bound to loopback cannot: the kernel refuses to send from there to elsewhere.
    """
    return one.kind == "udp" and one.remote is None and not is_loopback(one.local[0])
