"""What checks are written against: evidence as data, places, breaks."""

from __future__ import annotations

import datetime as dt
import enum
import json
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pytest_kraken_golive.contract import Check, Copy, Evidence, Found, Where, check, plain, sabotage, show
from pytest_kraken_golive.rehearsal.altered import AlteredCopy


class Mode(enum.StrEnum):
    PAPER = "paper"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        ("text", "text"),
        (Decimal("0.10"), "0.10"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ((1, (2,)), [1, [2]]),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2, 1}), [1, 2]),
        ({1: {"x": (Decimal(1),)}}, {"1": {"x": ["1"]}}),
        (PurePosixPath("a/b"), "a/b"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02 00:00:00+00:00"),
        (Mode.PAPER, "paper"),
        pytest.param(Level.HIGH, 3, id="int-enum"),
        (Name("n"), "n"),
    ],
)
def test_evidence_is_plain_data(value: Any, data: Any) -> None:
    evidence = Evidence()
    evidence.record("source", value, line=3, key="a.b", note="why")
    (record,) = evidence.records
    assert (record.value, record.source, record.line, record.key, record.note) == (data, "source", 3, "a.b", "why")
    assert type(record.value) is type(data)
    assert json.loads(json.dumps(record.value, allow_nan=False)) == data


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.decimals(),
    st.binary(max_size=3),
    st.sampled_from([Mode.PAPER, Level.HIGH, Name("n")]),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3), st.tuples(inner)
    ),
    max_leaves=8,
)


@given(values)
def test_evidence_of_any_kind_can_be_written_and_read_again(value: Any) -> None:
    data = plain(value)
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_secret_is_no_evidence() -> None:
    assert "hunter2" not in str(plain({"key": SecretStr("hunter2-hunter2")}))


def test_a_found_value_is_recorded_with_its_place() -> None:
    evidence = Evidence()
    evidence.saw(Found(3, Where("config/core.yaml", 7, "a.b")), "as configured")
    (record,) = evidence.records
    assert (record.source, record.line, record.key, record.value, record.note) == (
        *("config/core.yaml", 7, "a.b", 3, "as configured"),
    )


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (Where("a.yaml"), "a.yaml"),
        (Where("a.yaml", 3), "a.yaml:3"),
        (Where("a.yaml", 3, "x.y"), "a.yaml:3 x.y"),
        (Where("exchange", key="result.0"), "exchange result.0"),
    ],
)
def test_a_place_reads_as_an_editor_opens_it(where: Where, said: str) -> None:
    assert str(where) == said


def test_a_difference_names_place_expected_found_and_next_step() -> None:
    found = Found("9", Where("a.yaml", 3, "x.y"))
    assert found.unlike(3).startswith("a.yaml:3 x.y: expected 3, found '9'. Next: set it to 3")
    assert found.unlike(3, "ask the desk").endswith("Next: ask the desk.")


def test_a_long_value_is_cut_and_its_length_said() -> None:
    assert show("x" * 400).endswith("… (402 characters)")
    assert len(show(list(range(10_000)))) < 400


def function(evidence: Evidence) -> None:
    evidence.record("f", 1)


def test_a_check_is_its_function_with_a_name() -> None:
    made = check("named", tags=["word"], after=["other"], waivable=False, touches="reads")(function)
    assert isinstance(made, Check)
    assert (made.name, made.tags, made.after, made.waivable, made.touches) == (
        "named",
        ("word",),
        ("other",),
        False,
        "reads",
    )
    evidence = Evidence()
    made(evidence)
    assert len(evidence.records) == 1
    assert made.__name__ == "function"


def test_a_break_acts_with_or_without_the_lines_parameters() -> None:
    acted: list[Any] = []

    @sabotage("expected {value}, found {other}", before_run=True)
    def with_params(copy: Any, params: Any) -> None:
        acted.append((copy, params))

    @sabotage("gone")
    def without(copy: Any) -> None:
        acted.append(copy)

    with_params.apply("copy", {"value": 3})
    without.apply("copy", {"value": 3})
    assert acted == [("copy", {"value": 3}), "copy"]
    assert (with_params.name, with_params.before_run, without.before_run) == ("with_params", True, False)
    assert with_params.expected({"value": 3}) == "expected 3, found {other}"


def test_the_altered_copy_keeps_the_public_protocol(tmp_path: Any) -> None:
    assert isinstance(AlteredCopy(tmp_path, tmp_path), Copy)
