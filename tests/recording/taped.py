"""A line's tape in front of a real embedded exchange, for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pytest_kraken_golive.kraken import KrakenClient, Unlimited
from pytest_kraken_golive.kraken.retry import RetryPolicy
from pytest_kraken_golive.recording.cassette import EMBEDDED, Cassette, Place, read
from pytest_kraken_golive.recording.tape import Player, Recorder
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sandbox import SandboxServer

KEY = "canary/key+0123456789abcdefABCDEF0123456789abcdefABCDEFxy"
SECRET = "Y2FuYXJ5L3NlY3JldCt0aGF0K2lzK25vd2hlcmUraW4rYW55K2Nhc3NldHRlLzAxMjM0NTY3ODkvYWJjZGVmZz09"

T = TypeVar("T")


class Stage:
    """An exchange with one account, and a place for the cassette of one line."""

    def __init__(self, server: SandboxServer, root: Path) -> None:
        self.server = server
        self.url: str = server.url()
        self.place = Place.of(root, "config/runbooks/mine.md", "a-line")
        self.redactor = Redactor()

    @contextlib.contextmanager
    def recorder(self, *, url: str | None = None, balances: bool = True, origin: str = EMBEDDED) -> Iterator[Recorder]:
        """A line that records, and passes unless its body raises."""
        tape = Recorder(
            self.place, self.redactor, lambda: url or self.url, origin=origin, behaviour="1", balances=balances
        )
        with tape.running():
            yield tape
        tape.check_returned()
        tape.finish()

    @contextlib.contextmanager
    def player(self) -> Iterator[Player]:
        """A line that plays what was recorded; judged when its body has ended."""
        tape = Player(self.place, self.redactor, lambda: self.url, read(self.place))
        with tape.running():
            yield tape
        tape.check_returned()
        tape.finish()

    def record(self, act: Callable[[KrakenClient], T], **options: Any) -> T:
        """Record what is done with a client."""
        with self.recorder(**options) as tape, self.client(tape) as client:
            return act(client)

    def play(self, act: Callable[[KrakenClient], T]) -> T:
        """Do it again with what was recorded."""
        with self.player() as tape, self.client(tape) as client:
            return act(client)

    def client(self, tape: Recorder | Player, url: str | None = None) -> KrakenClient:
        """The reference client with the account's key."""
        return KrakenClient(
            KEY,
            SECRET,
            base_url=url or self.url,
            environ={},
            limits=Unlimited(),
            order_ids=tape.order_id,
            retry=RetryPolicy(attempts=1),
        )

    def cassette(self) -> Cassette:
        """What was recorded."""
        found = read(self.place)
        assert found is not None
        return found

    @property
    def text(self) -> str:
        """The file."""
        return self.place.path.read_text(encoding="utf-8")
