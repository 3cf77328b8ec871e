"""`config/golive.yaml`: what it may say, and what is said about what it may not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.policy import FILE, Policy, load_policy

Load = Callable[[str | bytes], Policy | None]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Read a policy of this content."""

    def make(content: str | bytes) -> Policy | None:
        path = tmp_path / FILE
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_policy(tmp_path)

    return make


def test_no_file_is_no_policy(tmp_path: Path) -> None:
    assert load_policy(tmp_path) is None


def test_the_reference_policy_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    shutil.copy(Path(__file__).parents[2] / FILE, tmp_path / FILE)
    policy = load_policy(tmp_path)
    assert policy is not None
    assert policy.paper.timeout_s > policy.paper.run_s > 0


def test_what_is_left_out_has_its_default(load: Load) -> None:
    policy = load("paper:\n  run_s: 3\n")
    assert policy is not None
    assert (policy.paper.run_s, policy.paper.timeout_s, policy.commands.bot) == (3.0, Policy().paper.timeout_s, None)


@pytest.mark.parametrize(
    ("written", "words", "report"),
    [
        ("bot: [python, bot.py, '{report}']", ["python", "bot.py", "{report}"], None),
        ("bot: python 'my bot.py' {report}", ["python", "my bot.py", "{report}"], None),
        ("bot: {run: [./bot], report: 'reports/*.json'}", ["./bot"], "reports/*.json"),
    ],
)
def test_a_command_is_a_list_or_one_line_or_a_mapping(
    load: Load, written: str, words: list[str], report: str | None
) -> None:
    policy = load(f"commands:\n  {written}\n")
    assert policy is not None
    assert policy.commands.bot is not None
    assert (policy.commands.bot.run, policy.commands.bot.report) == (words, report)


@pytest.mark.parametrize(
    ("content", "place", "found"),
    [
        ("paper:\n  warmup_s: 1\n", ":2 paper.warmup_s", "no such key, found 1. Next: did you mean warm_up_s?"),
        ("criticality:\n  fees: {max_s: 1, max: 1}\n", ":2 criticality.fees.max", "did you mean max_s?"),
        ("papre:\n  run_s: 1\n", ":1 papre", "did you mean paper?"),
        ("# note\n\npaper:\n  run_s: '2'\n", ":4 paper.run_s", "'2'"),
        ("paper:\n  run_s: true\n", ":2 paper.run_s", "expected a number, found true"),
        ("paper:\n  run_s:\n", ":2 paper.run_s", "null"),
        ("paper:\n  run_s: 0\n", ":2 paper.run_s", "0"),
        ("paper:\n  run_s: -1\n", ":2 paper.run_s", "-1"),
        ("paper:\n  run_s: .nan\n", ":2 paper.run_s", "nan"),
        ("paper:\n  run_s: .inf\n", ":2 paper.run_s", "inf"),
        ("paper:\n  timeout_s: 1e9\n", ":2 paper.timeout_s", "1e9"),
        ("paper: 3\n", ":1 paper", "3"),
        ("paper:\n", ":1 paper", "expected a mapping, found null"),
        ("licence:\n  issuer_keys:\n    k: 3\n", ":3 licence.issuer_keys.k", "3"),
        ("licence:\n  issuer_keys: [k]\n", ":2 licence.issuer_keys", "['k']"),
        ("exchanges:\n  kraken: [a]\n", ":2 exchanges.kraken", "['a']"),
        ("commands: [a]\n", ":1 commands", "['a']"),
        ("commands:\n  bot: 3\n", ":2 commands.bot", "3"),
        ("commands:\n  bto: [a]\n", ":2 commands.bto", "a"),
        ("commands:\n  bot: {run: [a], rpeort: x}\n", ":2 commands.bot.rpeort", "did you mean report?"),
        ("commands:\n  bot:\n    run: a b\n", ":3 commands.bot.run", "'a b'"),
        ("commands:\n  bot:\n    report: x\n", ":2 commands.bot", "run"),
        ("commands:\n  bot:\n    run: [a, 3]\n", ":3 commands.bot.run.1", "3"),
        ("8: x\n", ":1 8", "8"),
        ("paper:\n  run_s: 1\n  run_s: 2\n", ":3 paper.run_s", "line 2"),
        ("- a\n", ":1", "a list"),
        ("paper:\n\trun_s: 1\n", ":2", "YAML"),
        ("", "", "empty"),
        (b"paper: \xff\n", ":1", "byte"),
        ("paper:\n  run_s: 1\n---\npaper:\n  run_s: 2\n", ":3", "second"),
    ],
)
def test_a_fault_names_file_line_key_and_what_was_found(
    load: Load, content: str | bytes, place: str, found: str
) -> None:
    with pytest.raises(Fault) as caught:
        load(content)
    message = str(caught.value)
    assert message.startswith(f"{FILE}{place}")
    assert found in message
    assert "Next: " in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("commands:\n  bot: []\n", "at least 1", id="empty-list"),
        pytest.param("commands:\n  bot: ''\n", "at least 1", id="empty-text"),
        pytest.param("commands:\n  bot: [python, 3]\n", "expected text", id="number-in-a-list"),
        pytest.param("commands:\n  bot: 'python \"bot.py'\n", "quotation", id="quote-never-closed"),
        pytest.param("commands:\n  bot: python bot.py \\\n", "escape", id="nothing-escaped"),
    ],
)
def test_a_command_that_is_none_is_named_as_it_was_written(load: Load, content: str, said: str) -> None:
    with pytest.raises(Fault) as caught:
        load(content)
    message = str(caught.value)
    assert message.startswith(f"{FILE}:2 commands.bot")
    assert said in message.lower()


def test_a_folder_in_its_place_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(parents=True)
    with pytest.raises(Fault, match=r"golive\.yaml: .*directory"):
        load_policy(tmp_path)


def test_a_link_to_nothing_is_no_missing_file(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir()
    try:
        path.symlink_to(tmp_path / "gone.yaml")
    except OSError:
        pytest.skip("links need a privilege here")
    with pytest.raises(Fault, match=r"golive\.yaml"):
        load_policy(tmp_path)


def test_a_link_to_no_folder_is_no_missing_file(tmp_path: Path) -> None:
    try:
        (tmp_path / "config").symlink_to(tmp_path / "gone")
    except OSError:
        pytest.skip("links need a privilege here")
    with pytest.raises(Fault, match=r"golive\.yaml"):
        load_policy(tmp_path)


def test_a_linked_folder_without_the_file_is_no_policy(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    try:
        (tmp_path / "config").symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("links need a privilege here")
    assert load_policy(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "key", "found"),
    [
        ("commands:\n  bot: []\n", "commands.bot:", "found []"),
        ("commands:\n  bot: ''\n", "commands.bot:", "found ''"),
        ("commands:\n  bot:\n    - python\n    - 3\n", "commands.bot.1:", "found 3"),
        ("commands:\n  bot: {run: []}\n", "commands.bot.run:", "found []"),
    ],
)
def test_a_command_is_named_by_the_key_that_was_written(load: Load, content: str, key: str, found: str) -> None:
    with pytest.raises(Fault) as caught:
        load(content)
    assert f" {key} " in str(caught.value)
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("paper:\n  timeout_s: 1\n", ":2 paper.timeout_s"),
        ("paper:\n  run_s: 100\n", ":2 paper.run_s"),
        ("paper: {run_s: 1.5, warm_up_s: 1.5, timeout_s: 3}\n", ":1 paper.timeout_s"),
        ("paper:\n  timeout_s: 1\ncommands:\n  bot: [kraken-golive, bot]\n", ":2 paper.timeout_s"),
    ],
)
def test_a_reference_bot_that_has_no_time_to_report_is_a_fault_of_the_policy(
    load: Load, content: str, place: str
) -> None:
    with pytest.raises(Fault, match="expected a timeout_s above") as caught:
        load(content)
    assert str(caught.value).startswith(f"{FILE}{place}: ")


def test_how_long_another_bot_takes_is_its_own_affair(load: Load) -> None:
    policy = load("paper:\n  timeout_s: 1\ncommands:\n  bot: [python, bot.py]\n")
    assert policy is not None
    assert policy.place("paper", "timeout_s") == f"{FILE}:2 paper.timeout_s"
    assert policy.place("paper", "run_s") == f"{FILE}:1 paper.run_s"
