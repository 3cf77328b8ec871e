"""Ways in which a recording must not stand for an exchange. Tried where recordings are played."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_kraken_golive.contract import sabotage
from pytest_kraken_golive.recording.cassette import Cassette


def _file(copy: Any) -> str:
    """The line's cassette, the only one in the copy."""
    (found,) = copy.files("cassettes/*/*.yaml")
    return str(found)


def _recorded(copy: Any, act: Callable[[dict[str, Any]], None]) -> None:
    """Alter the recording as if it had been recorded so: its digest fits."""

    def alter(data: dict[str, Any]) -> None:
        del data["digest"]
        act(data)
        data["digest"] = Cassette.model_validate(data).digest

    copy.change(_file(copy), alter)


@sabotage("no recording", of_recording=True)
def recording_gone(copy: Any) -> None:
    """Nobody has recorded it."""
    copy.remove(_file(copy))


@sabotage("cassettes/", of_recording=True)
def recording_torn(copy: Any) -> None:
    """Half of a file, of a disk that was full."""
    text = copy.read(_file(copy))
    copy.write(_file(copy), text[: text.index("permissions")])


@sabotage("it was edited", of_recording=True)
def recording_edited(copy: Any) -> None:
    """Somebody has put another answer into it."""
    copy.replace(_file(copy), "query-funds", "query-fundz")


@sabotage("format 1", of_recording=True)
def recording_of_another_format(copy: Any) -> None:
    """It was written by a later version of the gate."""
    copy.replace(_file(copy), "format: 1", "format: 2")


@sabotage("found the recording of", of_recording=True)
def recording_of_another_line(copy: Any) -> None:
    """It was copied from another line."""

    def rename(data: dict[str, Any]) -> None:
        data["line"] = "another-line"

    _recorded(copy, rename)


@sabotage("expired", of_recording=True)
def recording_expired(copy: Any) -> None:
    """It was recorded from a remote sandbox, years ago."""

    def age(data: dict[str, Any]) -> None:
        data.update(origin="http://127.0.0.1:8910", behaviour=None, recorded_at="2020-01-01T00:00:00Z")

    _recorded(copy, age)


@sabotage("a time that has passed", of_recording=True)
def recording_from_the_future(copy: Any) -> None:
    """It would never expire."""

    def post_date(data: dict[str, Any]) -> None:
        data["recorded_at"] = "2999-01-01T00:00:00Z"

    _recorded(copy, post_date)


@sabotage("a host of kraken.sandbox_hosts", of_recording=True)
def recording_of_real_trading(copy: Any) -> None:
    """It was recorded where money is real."""

    def move(data: dict[str, Any]) -> None:
        data.update(origin="https://api.kraken.com", behaviour=None)

    _recorded(copy, move)


@sabotage("never asked for", of_recording=True)
def recording_with_more_calls(copy: Any) -> None:
    """The line did more when it was recorded."""

    def repeat(data: dict[str, Any]) -> None:
        data["interactions"].append(data["interactions"][0])
        data["of_check"] += 1

    _recorded(copy, repeat)


@sabotage("expected one of what was recorded", of_recording=True)
def recording_of_other_calls(copy: Any) -> None:
    """What the line asks now was not asked then."""

    def move(data: dict[str, Any]) -> None:
        for one in data["interactions"]:
            one["asked"]["path"] = "/0/private/Balance"

    _recorded(copy, move)


RECORDING_BREAKS = (
    recording_gone,
    recording_torn,
    recording_edited,
    recording_of_another_format,
    recording_of_another_line,
    recording_expired,
    recording_from_the_future,
    recording_of_real_trading,
    recording_with_more_calls,
    recording_of_other_calls,
)


@sabotage("withdraw-funds", of_recording=True)
def recorded_key_may_withdraw(copy: Any) -> None:
    """The key that was recorded can take the money away."""

    def grant(data: dict[str, Any]) -> None:
        for one in data["interactions"]:
            answered = one["answered"]
            answered["body"] = answered["body"].replace('"permissions":[', '"permissions":["withdraw-funds",')

    _recorded(copy, grant)


@sabotage("close-trades", of_recording=True)
def recorded_key_may_not_close(copy: Any) -> None:
    """One byte of the answer is another."""

    def flip(data: dict[str, Any]) -> None:
        for one in data["interactions"]:
            one["answered"]["body"] = one["answered"]["body"].replace("close-trades", "close-tradez")

    _recorded(copy, flip)
