from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.telemetry.flags import Component, Flags, FlagSettings, Mode, read_flags

EXECUTION = {
    "FF_EXECUTION_MODE": "auto",
    "FF_EXECUTION_ROLLOUT_PCT": "12.5",
    "FF_EXECUTION_MAX_CONSEC_FAIL": "3",
    "FF_EXECUTION_ROLLBACK_TIMEOUT_S": "300",
}


def test_what_is_set_is_read() -> None:
    flags = read_flags({"FEATURE_TOGGLES_ENABLED": "True", **EXECUTION})
    assert flags.enabled
    assert flags.components[Component.EXECUTION] == FlagSettings(Mode.AUTO, 12.5, 3, 300.0)


def test_what_is_not_set_means_the_old_path_and_is_listed() -> None:
    flags = read_flags({})
    assert not flags.enabled
    assert {settings.mode for settings in flags.components.values()} == {Mode.LEGACY}
    assert len(flags.absent) == 13
    assert set(EXECUTION) < set(flags.absent)


@pytest.mark.parametrize("value", ["", " auto", "auto ", "Auto", "canary", "autos", "1", "'auto'"])
def test_a_mode_that_is_none_is_quoted(value: str) -> None:
    with pytest.raises(Fault, match=r"^\.env:3 FF_EXECUTION_MODE: expected auto, legacy or new, found ") as caught:
        read_flags({**EXECUTION, "FF_EXECUTION_MODE": value}, lambda name: f".env:3 {name}")
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("name", ["ROLLOUT_PCT", "MAX_CONSEC_FAIL", "ROLLBACK_TIMEOUT_S"])
@pytest.mark.parametrize(
    "value", ["", " 5", "5 ", "nan", "inf", "-1", "+5", "1e3", "5%", "0x5", "1_0", "\u0665", "five"]
)
def test_a_number_that_is_none_is_quoted_whatever_the_mode(name: str, value: str) -> None:
    with pytest.raises(Fault, match=f"FF_FEES_{name}: expected ") as caught:
        read_flags({f"FF_FEES_{name}": value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ROLLOUT_PCT", "100.1"), ("MAX_CONSEC_FAIL", "0"), ("MAX_CONSEC_FAIL", "1.5"), ("ROLLBACK_TIMEOUT_S", "0")],
)
def test_a_number_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(Fault, match=f"found {value!r}"):
        read_flags({f"FF_POLLER_{name}": value})


@pytest.mark.parametrize("value", ["", "yes", "1", " true", "on"])
def test_toggles_are_true_or_false(value: str) -> None:
    with pytest.raises(Fault, match="FEATURE_TOGGLES_ENABLED: expected true or false"):
        read_flags({"FEATURE_TOGGLES_ENABLED": value})


@pytest.mark.parametrize("missing", ["ROLLOUT_PCT", "MAX_CONSEC_FAIL", "ROLLBACK_TIMEOUT_S"])
def test_the_new_path_takes_its_limits(missing: str) -> None:
    variables = {name: value for name, value in EXECUTION.items() if not name.endswith(missing)}
    with pytest.raises(Fault, match=f"FF_EXECUTION_{missing} to be set with the mode 'auto'"):
        read_flags(variables)


@given(st.dictionaries(st.sampled_from([*EXECUTION, "FEATURE_TOGGLES_ENABLED"]), st.text(max_size=8)))
def test_any_text_is_understood_or_refused(variables: dict[str, str]) -> None:
    with contextlib.suppress(Fault):
        assert isinstance(read_flags(variables), Flags)
