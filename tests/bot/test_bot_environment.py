"""How long a run takes and how it ends, as the environment says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kraken_golive.bot.environment import RunSettings, run_settings
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.deployment.variables import Variables

NOWHERE = Path("there-is-no-such-folder") / ".env"


def test_defaults_of_a_run() -> None:
    assert run_settings(Variables({})) == RunSettings(warm_up_s=0.5, run_s=2.0, hold=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KRAKEN_GOLIVE_RUN_S", "0", "a finite number, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "soon", "a finite number, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "", "a finite number, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "inf", "a finite number, more than 0"),
        ("KRAKEN_GOLIVE_WARM_UP_S", "-1", "a finite number, 0 or more"),
        ("KRAKEN_GOLIVE_WARM_UP_S", "nan", "a finite number, 0 or more"),
        ("KRAKEN_GOLIVE_HOLD", "yes", "0 or 1"),
        ("KRAKEN_GOLIVE_HOLD", "", "0 or 1"),
    ],
)
def test_a_wrong_value_is_quoted_with_its_place(name: str, value: str, expected: str) -> None:
    with pytest.raises(Fault) as caught:
        run_settings(Variables.read(NOWHERE, {name: value}))
    assert str(caught.value).startswith(f"process environment {name}: expected {expected}, found {value!r}. Next: ")


def test_values_that_are_right(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("KRAKEN_GOLIVE_RUN_S=0.5\nKRAKEN_GOLIVE_WARM_UP_S=0\nKRAKEN_GOLIVE_HOLD=1\n", encoding="utf-8")
    assert run_settings(Variables.read(path, {})) == RunSettings(warm_up_s=0.0, run_s=0.5, hold=True)
