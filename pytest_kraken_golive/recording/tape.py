"""A line's tape while it runs: one that takes down what the exchange answers, and one that answers in its place.

vcr is the way into the HTTP libraries; what is kept, what matches and what is written is decided here.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.recording.cassette import (
    EMBEDDED,
    Answered,
    Asked,
    Cassette,
    Interaction,
    Place,
    as_text,
    now_utc,
    write,
)
from pytest_kraken_golive.recording.cleaning import answered_of, asked_of, once_of, secrets_of
from pytest_kraken_golive.recording.offline import Door, closed
from pytest_kraken_golive.redact import Redactor

_IDS: Final = uuid.UUID("6c3f7e6e-2f0b-5a53-9d0c-6f3d2a4b8e11")
"""Whence client ids of orders are derived; any fixed one will do."""


class Running:
    """What both tapes have in common.

    Args:
        place: where the cassette lies.
        redactor: knows the secrets of the run.
        exchange: gives the URL of the exchange that the line's client is told to call; None while nobody knows it.
    """

    plays = False

    def __init__(self, place: Place, redactor: Redactor, exchange: Callable[[], str | None]) -> None:
        self.place = place
        self.trouble: Exception | None = None
        """The first thing that went wrong; a client may have swallowed the exception."""
        self._redactor = redactor
        self._exchange = exchange
        self._lock = threading.Lock()
        self._orders = 0
        self._under_way = 0
        """Requests that were let through to the exchange and are not answered yet."""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Stands between every HTTP library and the exchange while it is open."""
        from pytest_kraken_golive.recording.reel import Reel  # noqa: PLC0415 - vcr takes 0.1 s to import

        door = Door(self._exchange, self._note, lambda: self._under_way > 0)
        with closed(door), Reel.use(path=self.place.shown, tape=self, plays=self.plays):
            yield

    def order_id(self) -> str:
        """The next order's client id, the same whenever this line is run: else no recorded order could match."""
        with self._lock:
            self._orders += 1
            return str(uuid.uuid5(_IDS, f"{self.place.line}/{self._orders}"))

    def _note(self, error: Exception) -> None:
        self.trouble = self.trouble or error

    def guarded(self, act: Callable[[], bool]) -> bool:
        """Do it; what goes wrong is noted, whoever catches it."""
        try:
            return act()
        except (Fault, NotProven) as error:
            self._note(error)
            raise

    def _asked(self, request: Any) -> Asked:
        return asked_of(request.method, request.uri, request.body, self._redactor)

    def meet(self, request: Any) -> bool:
        """Whether the tape answers it; raises where it should and cannot."""
        raise NotImplementedError

    def play(self, request: Any) -> dict[str, Any]:
        """The answer, as vcr wants it."""
        raise NotImplementedError

    def keep(self, request: Any, response: Mapping[str, Any]) -> bool:
        """Take down an answer."""
        raise NotImplementedError


class Recorder(Running):
    """Takes down what the exchange answers, and writes it when the line has passed.

    Args:
        place: see `Running` for this and the next two.
        redactor: see there.
        exchange: see there.
        origin: `embedded`, or the URL of a remote sandbox.
        behaviour: of the embedded exchange; None for a remote one.
        balances: whether balances may be recorded.
    """

    def __init__(
        self,
        place: Place,
        redactor: Redactor,
        exchange: Callable[[], str | None],
        *,
        origin: str,
        behaviour: str | None,
        balances: bool = True,
    ) -> None:
        super().__init__(place, redactor, exchange)
        self._origin = origin
        self._behaviour = behaviour if origin == EMBEDDED else None
        self._balances = balances
        self._taken: list[Interaction] = []
        self._of_check = 0
        self.written: Cassette | None = None

    @property
    def calls(self) -> Sequence[Asked]:
        """What has been asked of the exchange so far."""
        return [one.asked for one in self._taken]

    def meet(self, request: Any) -> bool:
        """Never; but only the exchange that is recorded may be asked."""
        wanted = self._exchange()
        found, expected = urlsplit(request.uri).netloc, urlsplit(wanted or "").netloc
        if found != expected:
            raise Fault(
                f"{found}: the client asked this host, expected {expected or 'the exchange of the line'}, which is "
                "recorded. Next: let it ask the exchange that kraken_environment names."
            )
        with self._lock:
            self._under_way += 1
        return False

    def keep(self, request: Any, response: Mapping[str, Any]) -> bool:
        """Take down an answer, without secrets."""
        asked = self._asked(request)
        redactor = self._redactor
        for secret in secrets_of(request.headers):
            redactor.learn(secret)
        once = once_of(request.body, request.uri)
        answered = answered_of(response, asked.endpoint, redactor, once, balances=self._balances)
        with self._lock:
            self._under_way = max(0, self._under_way - 1)
            self._taken.append(Interaction(asked=asked, answered=answered))
        return True

    @property
    def exchanged(self) -> Sequence[Interaction]:
        """What was asked and answered so far."""
        return list(self._taken)

    def known(self) -> dict[str, Any]:
        """What is known of the recording before it is written, as JSON data."""
        return {
            "cassette": self.place.shown,
            "origin": self._origin,
            "age_days": 0.0,
            "interactions": len(self._taken),
            "stale": None,
        }

    def check_returned(self) -> None:
        """The check is over; what is asked from now on tidies up."""
        self._of_check = len(self._taken)

    def finish(self) -> None:
        """The line has passed: write its cassette; where it asked nothing there is none.

        Raises:
            Fault: a secret would be in it, or it cannot be written.
        """
        if not self._taken:
            self.place.path.unlink(missing_ok=True)
            return
        cassette = Cassette(
            line=self.place.line,
            origin=self._origin,
            behaviour=self._behaviour,
            recorded_at=now_utc(),
            of_check=self._of_check,
            interactions=tuple(self._taken),
        )
        text = as_text(cassette, self.place)
        if self._redactor.text(text) != text:
            raise Fault(f"{self.place.shown}: not written, a secret would stand in it. Next: report this as a bug.")
        try:
            write(text, self.place)
        except OSError as error:
            raise Fault(f"{self.place.shown}: cannot be written ({error.strerror}). Next: make room for it.") from error
        self.written = cassette


class Player(Running):
    """Answers in the exchange's place, each recorded answer once.

    Args:
        place: see `Running` for this and the next two.
        redactor: see there.
        exchange: see there.
        cassette: what was recorded; None where there is none, which only matters to who asks.
    """

    plays = True

    def __init__(
        self, place: Place, redactor: Redactor, exchange: Callable[[], str | None], cassette: Cassette | None
    ) -> None:
        super().__init__(place, redactor, exchange)
        self.cassette = cassette
        self._interactions = () if cassette is None else cassette.interactions
        self._played: dict[int, Asked] = {}

    @property
    def calls(self) -> Sequence[Asked]:
        """What has been asked and was answered so far."""
        return list(self._played.values())

    @property
    def exchanged(self) -> Sequence[Interaction]:
        """What was asked and answered so far, in the order in which it was asked."""
        return [self._interactions[number] for number in self._played]

    def _find(self, asked: Asked) -> int | None:
        return next(
            (i for i, one in enumerate(self._interactions) if i not in self._played and one.asked == asked), None
        )

    def meet(self, request: Any) -> bool:
        """True; the tape has an answer.

        Raises:
            NotProven: there is no recording.
            Fault: it holds no answer to this request, or none that is left.
        """
        asked = self._asked(request)
        if self.cassette is None:
            raise NotProven(
                f"{self.place.shown}: no recording, and the line asked for {asked.method} {asked.path}. "
                f"Next: record it: {self.place.command}"
            )
        with self._lock:
            if self._find(asked) is None:
                raise Fault(f"{self.place.shown}: {self._nearest(asked)}. {self.place.next_step}")
        return True

    def play(self, request: Any) -> dict[str, Any]:
        """The answer, as vcr wants it; it is used up then."""
        asked = self._asked(request)
        with self._lock:
            number = self._find(asked)
            if number is not None:
                self._played[number] = asked
        if number is None:  # another thread was faster
            self.guarded(lambda: self.meet(request))
            raise AssertionError("an answer that was used up is there again")
        return _for_vcr(self._interactions[number].answered)

    def _nearest(self, asked: Asked) -> str:
        """Why nothing fits: what was asked, and how the nearest recorded request differs."""
        what = f"{asked.method} {asked.path}"
        same = [one.asked for one in self._interactions if one.asked.path == asked.path]
        if not same:
            known = ", ".join(dict.fromkeys(one.asked.path for one in self._interactions))
            return f"{what} was asked, expected one of what was recorded: {known or 'nothing'}"
        if any(one == asked for one in same):
            count = sum(one == asked for one in same)
            return f"{what} was asked once more than recorded, expected {count} times"
        nearest = min(same, key=lambda one: len(_differences(one, asked)))
        return f"{what} was asked with other fields: {'; '.join(_differences(nearest, asked))}"

    def check_returned(self) -> None:
        """The check is over.

        Raises:
            Fault: it did not ask for all that it asked for when it was recorded.
        """
        self._require_used(0 if self.cassette is None else self.cassette.of_check)

    def finish(self) -> None:
        """The line has passed.

        Raises:
            Fault: it did not ask for all that was recorded.
        """
        self._require_used(len(self._interactions))

    def _require_used(self, count: int) -> None:
        unused = [one.asked for i, one in enumerate(self._interactions[:count]) if i not in self._played]
        if unused:
            listed = ", ".join(f"{one.method} {one.path}" for one in unused[:5])
            raise Fault(
                f"{self.place.shown}: recorded and never asked for: {listed}. What the line does is not what was "
                f"recorded. {self.place.next_step}"
            )


def _differences(recorded: Asked, asked: Asked) -> list[str]:
    """How two requests of one path differ, field by field."""
    found = [] if recorded.method == asked.method else [f"method: expected {recorded.method}, found {asked.method}"]
    if not isinstance(recorded.fields, dict) or not isinstance(asked.fields, dict):
        return [*found, f"expected {show(recorded.fields)}, found {show(asked.fields)}"]
    absent = "none"
    for name in sorted(recorded.fields.keys() | asked.fields.keys()):
        was, is_now = (
            show(fields[name], 80) if name in fields else absent for fields in (recorded.fields, asked.fields)
        )
        if was != is_now:
            found.append(f"{name}: expected {was}, found {is_now}")
    return found


def _for_vcr(answered: Answered) -> dict[str, Any]:
    return {
        "status": {"code": answered.status, "message": ""},
        "headers": {name: [value] for name, value in answered.headers.items()},
        "body": {"string": answered.body.encode()},
    }
