from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kraken_golive.bot.environment import EnvironmentValueError, RunSettings, merged_environ, run_settings


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=file\nexport B='file two' # note\nC\nE=${A}\n")
    merged = merged_environ(tmp_path, {"A": "process", "D": "process"})
    assert merged == {"A": "process", "B": "file two", "D": "process", "E": merged["E"]}


def test_without_a_file_there_is_the_process_alone(tmp_path: Path) -> None:
    assert merged_environ(tmp_path, {"A": "process"}) == {"A": "process"}


def test_a_file_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=ok\nB=\xe9\n")
    with pytest.raises(EnvironmentValueError, match=r"^\.env: expected UTF-8 text, found another encoding at byte 7\."):
        merged_environ(tmp_path, {})


def test_defaults_of_a_run() -> None:
    assert run_settings({}) == RunSettings(warm_up_s=0.5, run_s=2.0, hold=False)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("KRAKEN_GOLIVE_RUN_S", "0", "seconds, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "soon", "seconds, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "", "seconds, more than 0"),
        ("KRAKEN_GOLIVE_RUN_S", "inf", "seconds, more than 0"),
        ("KRAKEN_GOLIVE_WARM_UP_S", "-1", "seconds, 0 or more"),
        ("KRAKEN_GOLIVE_WARM_UP_S", "nan", "seconds, 0 or more"),
        ("KRAKEN_GOLIVE_HOLD", "yes", "0 or 1"),
        ("KRAKEN_GOLIVE_HOLD", "", "0 or 1"),
    ],
)
def test_a_wrong_value_is_quoted_with_its_variable(name: str, value: str, expected: str) -> None:
    with pytest.raises(EnvironmentValueError) as caught:
        run_settings({name: value})
    assert str(caught.value).startswith(f"{name}: expected {expected}, found {value!r}. Next: ")


def test_values_that_are_right() -> None:
    given = {"KRAKEN_GOLIVE_RUN_S": "0.5", "KRAKEN_GOLIVE_WARM_UP_S": "0", "KRAKEN_GOLIVE_HOLD": "1"}
    assert run_settings(given) == RunSettings(warm_up_s=0.0, run_s=0.5, hold=True)
