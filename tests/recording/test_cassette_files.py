"""A cassette that cannot be used says where and why, and how it is made again."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.recording.cassette import Answered, Asked, Cassette, Interaction, Place, as_text, read, write
from pytest_kraken_golive.recording.validity import described, require_valid

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
STEP = "Next: record it again: pytest --golive --kraken=record config/runbooks/mine.md::a-line"


def cassette(**changes: object) -> Cassette:
    asked = Asked(method="POST", path="/0/private/Balance", fields={"asset": "é #: '\""})
    answered = Answered(status=200, headers={"content-type": "application/json"}, body='{"error":[]}\n\t "x: y"')
    told = {"line": "a-line", "origin": "embedded", "behaviour": "1", "recorded_at": NOW, "of_check": 1}
    return Cassette.model_validate({**told, "interactions": [Interaction(asked=asked, answered=answered)], **changes})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.of(tmp_path, "config/runbooks/mine.md", "a-line")


def test_what_is_written_is_read(place: Place) -> None:
    assert read(place) is None
    write(as_text(cassette(), place), place)
    assert read(place) == cassette()
    assert place.shown == "cassettes/mine/a-line.yaml"
    assert os.listdir(place.path.parent) == ["a-line.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("format: 1", "format: 2", ":3 format: expected a recording of format 1, found 2."),
        ("format: 1\n", "", ":3 format: expected a recording of format 1, found null."),
        ("origin: embedded\n", "", ":3 origin: Field required."),
        ("of_check: 1", "of_check: one", ":8 of_check: "),
        ("status: 200", "status: 500", " digest: expected "),
        ("recorded_at: '2026-11-20T12", "recorded_at: '2026-11-21T12", " digest: expected "),
        ("digest:", "# digest:", " digest: expected "),
        ("method: POST", "method: [POST", "a-line.yaml:"),
        ("line: a-line", "line: another", " digest: expected "),
    ],
)
def test_a_bad_file_is_named_with_its_line(place: Place, old: str, new: str, says: str) -> None:
    text = as_text(cassette(), place)
    assert old in text
    write(text.replace(old, new, 1), place)
    with pytest.raises(Fault) as caught:
        read(place)
    assert str(caught.value).startswith("cassettes/mine/a-line.yaml")
    assert says in str(caught.value)
    assert str(caught.value).endswith(STEP)


def test_no_torn_file_is_taken_for_a_whole_one(place: Place) -> None:
    text = as_text(cassette(), place)
    for length in range(0, len(text) - 2, 7):
        place.path.parent.mkdir(parents=True, exist_ok=True)
        place.path.write_text(text[:length], encoding="utf-8")
        with pytest.raises(Fault, match=r"cassettes/mine/a-line.yaml.*Next: record it again"):
            read(place)


def test_the_recording_of_another_line_is_refused(place: Place) -> None:
    write(as_text(cassette(line="sell"), place), place)
    with pytest.raises(Fault, match="expected 'a-line', found the recording of 'sell'"):
        read(place)


def test_a_broken_write_leaves_the_old_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    write("old", place)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write("new", place)
    assert place.path.read_text(encoding="utf-8") == "old"
    assert os.listdir(place.path.parent) == ["a-line.yaml"]


REMOTE = {"origin": "https://sandbox.example", "behaviour": None}


@pytest.mark.parametrize(
    ("changes", "hosts", "says"),
    [
        ({"recorded_at": NOW - dt.timedelta(days=3000)}, [], None),
        ({**REMOTE, "recorded_at": NOW - dt.timedelta(days=29)}, ["sandbox.example"], None),
        ({**REMOTE, "recorded_at": NOW - dt.timedelta(days=31)}, ["sandbox.example"], "expired: recorded 31 days ago"),
        ({**REMOTE}, [], "list sandbox.example there if it is a sandbox"),
        ({**REMOTE, "origin": "https://api.kraken.com"}, ["api.kraken.com"], "found https://api.kraken.com"),
        ({"recorded_at": NOW + dt.timedelta(hours=1)}, [], "expected a time that has passed"),
    ],
)
def test_how_long_and_for_whom_it_counts(place: Place, changes: dict[str, object], hosts: list[str], says: str) -> None:
    found = cassette(**changes)
    if says is None:
        require_valid(found, place, NOW, 30, hosts)
        return
    with pytest.raises(Fault, match=says):
        require_valid(found, place, NOW, 30, hosts)


def test_one_of_an_older_embedded_exchange_is_stale(place: Place) -> None:
    assert described(cassette(), place, NOW, "1")["stale"] is None
    assert "recorded from behaviour 1, the embedded exchange has 2" in str(
        described(cassette(), place, NOW, "2")["stale"]
    )
    assert described(cassette(**REMOTE), place, NOW, "2")["stale"] is None
