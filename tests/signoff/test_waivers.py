"""Which waivers count: judged on their own, whatever the run does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.policy import Policy, Waiver
from pytest_kraken_golive.signoff.waivers import Waivable, Waivers, judge, unused

NOW = dt.datetime(2026, 11, 30, 23, 59, 59, tzinfo=dt.UTC)
DIGEST = "0123456789abcdef" * 4
LINES = {
    "a": Waivable(DIGEST, waivable=True),
    "never": Waivable(DIGEST, waivable=False),
    "signed": Waivable(DIGEST, waivable=True, signed=True),
}


def judged(now: dt.datetime = NOW, *, everything: bool = True, **change: Any) -> Waivers:
    said = {"reason": "r", "approver": "Carol", "ticket": "T-1", "expires": "2026-12-31", "digest": DIGEST[:12]}
    waiver = Waiver(**{"line": "a", **said, **change})
    return judge(Policy(waivers=[waiver]), LINES, now, all_runbooks=everything)


def test_a_waiver_counts_through_its_last_day_in_utc() -> None:
    assert judged(expires="2026-11-30").in_force["a"].expires_at == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    late = judged(NOW + dt.timedelta(seconds=1), expires="2026-11-30")
    assert not late.in_force
    assert "expired on 2026-11-30" in late.troubles[0]


@pytest.mark.parametrize("expires", [dt.date(2026, 12, 31), "2026-12-31", " 2026-12-31 ", "20261231"])
def test_a_day_may_be_written_as_yaml_has_it(expires: object) -> None:
    assert not judged(expires=expires).troubles


@pytest.mark.parametrize(
    "expires",
    [
        None,
        "",
        "soon",
        "2026-02-30",
        20261231,
        1.5,
        True,
        ["2026-12-31"],
        "2026-12-31T00:00:00Z",
        dt.datetime(2026, 12, 31),
    ],
)
def test_what_is_no_day_is_a_fault(expires: object) -> None:
    found = judged(expires=expires)
    assert not found.in_force
    assert "expected YYYY-MM-DD, found" in found.troubles[0]


@pytest.mark.parametrize("expires", ["2027-03-01", "9999-12-31"])
def test_a_waiver_ends_within_ninety_days(expires: str) -> None:
    found = judged(expires=expires)
    assert not found.in_force
    assert found.troubles
    assert judged(expires="2027-02-28").in_force


@pytest.mark.parametrize("digest", ["", "0", DIGEST[:11], "f" * 16, DIGEST + "0"])
def test_a_waiver_is_for_one_state_of_the_line(digest: str) -> None:
    found = judged(digest=digest)
    assert not found.in_force
    assert f"its digest is {DIGEST[:16]}" in found.troubles[0]


def test_a_line_that_is_unknown_is_a_fault_unless_runbooks_were_chosen() -> None:
    assert "no runbook of this run has" in judged(line="b").troubles[0]
    assert judged(line="b", everything=False) == Waivers({}, ())


def test_nobody_waives_what_others_must_sign() -> None:
    found = judged(line="signed")
    assert not found.in_force
    assert "people must sign that line" in found.troubles[0]


def test_some_lines_are_never_waived() -> None:
    assert "its check allows none" in judged(line="never").troubles[0]


@given(days=st.integers(-400, 400), digits=st.integers(0, 64))
def test_a_waiver_is_in_force_or_a_fault_and_never_both(days: int, digits: int) -> None:
    found = judged(expires=(NOW.date() + dt.timedelta(days=days)).isoformat(), digest=DIGEST[:digits])
    good = 0 <= days <= 90 and digits >= 12
    assert (bool(found.in_force), len(found.troubles)) == (good, 0 if good else 1)


def test_a_waiver_for_a_line_that_passes_is_told() -> None:
    in_force = judged().in_force
    assert unused(in_force, ["b"]) == []
    assert "not needed" in unused(in_force, ["a"])[0]
