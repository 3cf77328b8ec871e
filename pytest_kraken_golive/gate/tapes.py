"""Lines and their recordings: a tape runs from before a line's fixtures are made until they have tidied up."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pytest_kraken_golive.contract import Evidence, Fault
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.gate.plan import RUN_FIXTURES, PlannedLine
from pytest_kraken_golive.kraken.endpoint import (
    BASE_URL_VARIABLE,
    USE_SANDBOX_VARIABLE,
    EndpointError,
    resolve_endpoint,
)
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.recording.cassette import EMBEDDED, Place, read
from pytest_kraken_golive.recording.offline import SEEN_BY_VCR
from pytest_kraken_golive.recording.tape import Player, Recorder
from pytest_kraken_golive.recording.validity import described, require_valid
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sandbox.behaviour import BEHAVIOUR
from pytest_kraken_golive.stash import TAPES

KEY_VARIABLE, SECRET_VARIABLE = "KRAKEN_API_KEY", "KRAKEN_API_SECRET"

EXCHANGES = frozenset({"kraken_sandbox", "kraken_exchange"})
"""Fixtures that are the exchange itself, with its books."""
LIVE_FIXTURES = (RUN_FIXTURES | {"golive_project"}) - {"kraken_client", "kraken_witness"}
"""Fixtures behind which the embedded exchange answers live, also where recordings are played."""


@dataclass(frozen=True)
class Remote:
    """A sandbox on another machine, to record from."""

    url: str
    account: Credentials

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a client there; the limits are the usual ones."""
        return {USE_SANDBOX_VARIABLE: "true", BASE_URL_VARIABLE: self.url}

    @classmethod
    def of(cls, environ: Mapping[str, str], policy: Policy) -> Remote | None:
        """What `KRAKEN_BASE_URL` names; None where it is not set: the embedded exchange is recorded then.

        Raises:
            pytest.UsageError: it is no sandbox, or there is no key for it.
        """
        url = environ.get(BASE_URL_VARIABLE)
        if url is None:
            return None
        try:
            endpoint = resolve_endpoint(
                environ={BASE_URL_VARIABLE: url}, use_sandbox=True, sandbox_hosts=policy.kraken.sandbox_hosts
            )
        except EndpointError as error:
            raise pytest.UsageError(
                f"--kraken=record: {error} Or list the host in config/golive.yaml kraken.sandbox_hosts if it is a "
                f"sandbox; without {BASE_URL_VARIABLE} the embedded exchange is recorded."
            ) from None
        missing = [name for name in (KEY_VARIABLE, SECRET_VARIABLE) if not environ.get(name)]
        if missing:
            raise pytest.UsageError(
                f"--kraken=record from {endpoint.url}: {' and '.join(missing)} not set. "
                "Next: set the key pair of an account there."
            )
        key, secret = environ[KEY_VARIABLE], environ[SECRET_VARIABLE]
        return cls(endpoint.url, Credentials(SecretStr(key), SecretStr(secret)))


@dataclass
class LineTape:
    """The tape of a line that is running."""

    tape: Recorder | Player
    stop: contextlib.ExitStack
    """Takes it out of the HTTP libraries."""


@dataclass(frozen=True)
class Tapes:
    """The recordings that this run makes or plays."""

    plays: bool
    rootdir: Path
    policy: Policy
    redactor: Redactor
    remote: Remote | None = None
    """What is recorded instead of the embedded exchange."""

    def begin(self, item: Any, planned: PlannedLine, root: Path | None = None) -> LineTape:
        """Start a line's tape.

        Args:
            item: has the fixtures' values.
            planned: the line.
            root: of the cassettes, if not the project's.

        Raises:
            Fault: its cassette cannot be used.
        """
        place = Place.of(root or self.rootdir, planned.runbook.shown, planned.id)
        tape = self._player(place, item) if self.plays else self._recorder(place, item)
        stop = contextlib.ExitStack()
        stop.enter_context(tape.running())
        return LineTape(tape, stop)

    def _player(self, place: Place, item: Any) -> Player:
        cassette = read(place)
        if cassette is not None:
            kraken = self.policy.kraken
            require_valid(cassette, place, _now(), kraken.recordings_valid_days, kraken.sandbox_hosts)
        return Player(place, self.redactor, _exchange_of(item), cassette)

    def _recorder(self, place: Place, item: Any) -> Recorder:
        remote = self.remote
        return Recorder(
            place,
            self.redactor,
            _exchange_of(item) if remote is None else lambda: remote.url,
            origin=EMBEDDED if remote is None else remote.url,
            behaviour=BEHAVIOUR,
            balances=self.policy.kraken.record_balances,
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _exchange_of(item: Any) -> Callable[[], str | None]:
    def url() -> str | None:
        world = item.funcargs.get("golive_world")
        return None if world is None else str(world.sandbox.url)

    return url


def cassette_of(planned: PlannedLine) -> str:
    """The line's recording, relative to the project."""
    return Place.of(Path(), planned.runbook.shown, planned.id).shown


def begin(item: Any, root: Path | None = None) -> LineTape | None:
    """Start the tape of a line; None where nothing is recorded or played. For `root` see `Tapes.begin`.

    What `kraken_client` asks is recorded, whoever has overridden it. A check that takes the exchange as well holds its
    books against what it does there, and needs both live.
    """
    tapes: Tapes | None = item.config.stash.get(TAPES, None)
    asked_for = () if item.planned.signature is None else item.planned.signature.fixtures
    if tapes is None or "kraken_client" not in item.fixturenames or not EXCHANGES.isdisjoint(asked_for):
        return None
    return tapes.begin(item, item.planned, root)


@contextlib.contextmanager
def candid(line: LineTape | None) -> Iterator[None]:
    """What went wrong with the tape is told first, whatever a client made of it."""
    try:
        yield
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
        if line is not None and line.tape.trouble is not None and line.tape.trouble is not error:
            raise line.tape.trouble from error
        raise
    if line is not None and line.tape.trouble is not None:
        raise line.tape.trouble


@contextlib.contextmanager
def watched(item: Any, line: LineTape | None) -> Iterator[None]:
    """While the check runs; then see that its calls went through the tape, and that it made all that were recorded.

    Raises:
        Fault: they did not, or it did not.
    """
    if line is None:
        yield
        return
    before = _booked(item)
    with candid(line):
        yield
    _require_nothing_past(line, _booked(item) - before)
    line.tape.check_returned()


def _booked(item: Any) -> int:
    """How often the embedded exchange was asked through the checks' port, as its own books say."""
    world = item.funcargs.get("golive_world")
    return 0 if world is None else int(world.sandbox.books()["requests"]["total"])


def _require_nothing_past(line: LineTape, asked: int) -> None:
    tape = line.tape
    if asked and (isinstance(tape, Player) or not tape.calls):
        raise Fault(
            f"{tape.place.shown}: the embedded exchange booked {asked} requests of this line that vcr did not see: its "
            f"client passes the recorder by. {SEEN_BY_VCR}"
        )


def told(item: Any, line: LineTape | None, evidence: Evidence) -> dict[str, Any] | None:
    """Put into the evidence where the answers came from; what is known of the recording, None where there is none."""
    tapes = item.config.stash.get(TAPES, None)
    if tapes is None:
        return None
    tape = None if line is None else line.tape
    if isinstance(tape, Recorder) and tape.calls:
        known = tape.known()
        evidence.record(tape.place.shown, known, key="recording", note="recorded in this run")
        return known
    if isinstance(tape, Player) and tape.cassette is not None and tape.calls:
        known = described(tape.cassette, tape.place, _now(), BEHAVIOUR)
        evidence.record(tape.place.shown, known, key="recording", note="played; no exchange was asked")
        return known
    signature = item.planned.signature
    if tapes.plays and signature is not None and LIVE_FIXTURES.intersection(signature.fixtures):
        evidence.record("exchange", "live exchange (embedded) in replay", key="kraken")
    return None


def end(line: LineTape | None, *, passed: bool) -> None:
    """Stop the tape; write or check that of a line that passed, for of another there is nothing more to say.

    Raises:
        Fault: it cannot be written, or the line did not ask for all that was recorded.
    """
    if line is None:
        return
    with candid(line) if passed else contextlib.nullcontext():
        line.stop.close()
    if passed:
        line.tape.finish()
