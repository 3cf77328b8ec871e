"""`.env` below the process environment: places, precedence, and what must not pass without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.variables import Variables, read_env_file, texts_to_mask


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_each_value_has_its_line(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbf# comment\r\n\r\nexport A=1\r\nB='two words' # why\r\n\r\nC=\"x\"\r\n")
    variables = Variables.read(env_file, {"D": "4"})
    assert {name: str(variables.place(name)) for name in variables} == {
        "A": ".env:3 A",
        "B": ".env:4 B",
        "C": ".env:6 C",
        "D": "process environment D",
    }
    assert dict(variables) == {"A": "1", "B": "two words", "C": "x", "D": "4"}


def test_a_value_over_several_lines_does_not_move_the_next(env_file: Path) -> None:
    env_file.write_text('A="one\ntwo"\nB=3\n', encoding="utf-8")
    assert str(Variables.read(env_file, {}).place("B")) == ".env:3 B"


def test_the_process_wins_and_both_places_are_known(env_file: Path) -> None:
    env_file.write_text("A=1\nB=2\n", encoding="utf-8")
    variables = Variables.read(env_file, {"A": "other", "B": "2"})
    assert variables["A"] == "other"
    assert [(str(one.where), str(one.shadows)) for one in variables.shadowed()] == [
        ("process environment A", ".env:1 A")
    ]


def test_a_name_that_is_set_twice_is_a_fault_that_names_both_lines(env_file: Path) -> None:
    env_file.write_text("A=1\n\nA=1\n", encoding="utf-8")
    with pytest.raises(Fault, match=r"\.env:3 A: set a second time; the first is in line 1"):
        Variables.read(env_file, {})


def test_a_line_that_means_nothing_is_a_fault_and_its_text_stays_secret(env_file: Path) -> None:
    env_file.write_text('A=1\nKRAKEN_API_SECRET="c2VjcmV0\n', encoding="utf-8")
    with pytest.raises(Fault, match=r"\.env:2: expected NAME=value") as caught:
        Variables.read(env_file, {})
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfeA\x00=\x001\x00", b"A=\xe4\n"])
def test_another_encoding_is_a_fault(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)
    with pytest.raises(Fault, match="save the file as UTF-8"):
        Variables.read(env_file, {})


def test_names_of_the_file_and_of_the_process_are_filled_in(env_file: Path) -> None:
    env_file.write_text("A=${HOST}:1\nB=${A}/x\nC=${NONE:-d}\nD='${A}'\n", encoding="utf-8")
    variables = Variables.read(env_file, {"HOST": "h"})
    assert [variables[name] for name in "ABCD"] == ["h:1", "h:1/x", "d", "h:1"]


def test_what_is_not_set_is_not_proven_and_says_where_to_set_it(env_file: Path) -> None:
    env_file.write_text("A\n", encoding="utf-8")
    with pytest.raises(NotProven, match=r"\.env A: expected a value.*Next: add a line A="):
        Variables.read(env_file, {}).text("A")


def test_without_a_file_the_process_alone_counts(env_file: Path) -> None:
    assert dict(Variables.read(env_file, {"A": "1"})) == {"A": "1"}


def test_a_link_to_nothing_is_not_taken_for_no_file(env_file: Path) -> None:
    env_file.symlink_to("nowhere")
    with pytest.raises(NotProven, match=r"\.env"):
        Variables.read(env_file, {})


def test_no_repr_shows_a_value(env_file: Path) -> None:
    env_file.write_text("KRAKEN_API_SECRET=c2VjcmV0\n", encoding="utf-8")
    variables = Variables.read(env_file, {})
    secret, _ = variables.secret("KRAKEN_API_SECRET")
    shown = f"{variables!r} {variables.variable('KRAKEN_API_SECRET')!r} {secret!r}"
    assert "c2VjcmV0" not in shown
    assert secret.get_secret_value() == "c2VjcmV0"


@pytest.mark.parametrize("line", ["A=false\u00a0", "A=\u00a0false", "A=false\u2003 "])
def test_a_blank_that_only_some_programs_take_for_one_is_a_fault(env_file: Path, line: str) -> None:
    env_file.write_text(f"# a\u00a0comment\nB='x\u00a0' # a\u00a0b\n{line}\n", encoding="utf-8")
    with pytest.raises(Fault, match=r"\.env:3 A: expected a value without blanks around it") as caught:
        read_env_file(env_file, {})
    assert "false" not in str(caught.value), "it may be a secret"


NAMES = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,8}\Z")
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5), st.sampled_from(["{}={}", "export {}={}", "{}='{}'", '{}="{}"']))
def test_what_is_accepted_is_what_python_dotenv_reads(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, str], form: str
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_bytes("\n".join(form.format(name, value) for name, value in wanted.items()).encode())
    try:
        ours = {name: one.text for name, one in read_env_file(path, {}).items()}
    except Fault:
        return
    theirs = dotenv_values(path, encoding="utf-8-sig")
    assert ours == {name: value for name, value in theirs.items() if value is not None}


def test_what_is_to_be_masked_is_known_of_a_broken_file_too(env_file: Path) -> None:
    env_file.write_bytes(b"\xef\xbb\xbfA_SECRET='one'\r\nA_SECRET=two\r\nB='never closed\r\nC=\xff3\r\n")
    assert {"one", "two"} <= set(texts_to_mask(env_file).values())
    assert texts_to_mask(env_file.parent / "nothing") == {}
