"""What a signature under a line binds: what was seen, but not when."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kraken_golive.signoff.subject import line_subject


def bound(value: Any) -> dict[str, str]:
    return line_subject(line="l", runbook="r", files={"a": "1"}, evidence=[{"source": "x", "value": value}])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"took_s": 1.5, "n": 1}, {"took_s": 2.5, "n": 1}),
        ({"at": "2026-11-30T10:00:00Z"}, {"at": "2026-11-30T11:00:00Z"}),
        ([{"duration_ms": [1, 2]}], [{"duration_ms": [3, 4]}]),
        ({"uptime": "12 s"}, {"uptime": "13 s"}),
        ("seen 2026-11-30T10:00:00Z", "seen 2026-11-30 10:00:01.5+00:00"),
    ],
)
def test_times_do_not_void_a_signature(before: Any, after: Any) -> None:
    assert bound(before) == bound(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"kill_switch_on": True}, {"kill_switch_on": False}),
        ({"on": "paper"}, {"on": "production"}),
        ({"acts_on": ["XBTUSD"]}, {"acts_on": ["XBTUSD", "ETHUSD"]}),
        ({"at": {"host": "a"}}, {"at": {"host": "b"}}),
        ({"n": 1}, {"n": 2}),
        ({"on": None}, {"on": True}),
    ],
)
def test_what_was_seen_does(before: Any, after: Any) -> None:
    assert bound(before)["evidence"] != bound(after)["evidence"]
    assert bound(before)["line"] == bound(after)["line"]
