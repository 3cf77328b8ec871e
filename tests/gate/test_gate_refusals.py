"""Faults of command line, ini file, conftest and runbook: exit status 4, file and line, NO-GO on file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

GO_OF_YESTERDAY = '{"verdict": "GO"}\n'


@pytest.mark.parametrize(
    ("python", "environ", "arguments", "word"),
    [
        (("-O",), {}, (), "python -O"),
        ((), {"PYTHONOPTIMIZE": "1"}, (), "PYTHONOPTIMIZE"),
        ((), {}, ("--assert", "plain", "-n", "2"), "--assert=plain"),
        ((), {"PYTEST_ADDOPTS": "--assert=plain"}, (), "--assert=plain"),
    ],
    ids=["-O", "PYTHONOPTIMIZE", "plain", "PYTEST_ADDOPTS"],
)
def test_assertions_must_exist(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    *,
    python: tuple[str, ...],
    environ: dict[str, str],
    arguments: tuple[str, ...],
    word: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    project.small(a="no")
    project.write("reports/verdict.json", GO_OF_YESTERDAY)
    project.pytest("--golive", *arguments, python=python).require_refusal(word, "Next:")


@pytest.mark.parametrize(
    ("conftest", "word"),
    [("def broken(:\n", "conftest.py"), ("import no_such_module_anywhere\n", "no_such_module_anywhere")],
    ids=["syntax", "import"],
)
def test_a_broken_conftest(project: Project, conftest: str, word: str) -> None:
    project.small(a="yes")
    project.write("conftest.py", conftest)
    project.write("reports/verdict.json", GO_OF_YESTERDAY)
    run = project.gate()
    assert (run.exit_status, run.verdict["verdict"]) == (4, "NO-GO")
    assert word in run.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--no-such-option",), ("--no-such-option",)),
        (("--kraken=moon",), ("--kraken", "moon")),
        (("--golive-deployment", "nowhere"), ("--golive-deployment", "nowhere")),
        (("--golive-arm-drills",), ("--golive-arm-drills",)),
        (("--golive-arm-orders=10",), ("--golive-arm-orders",)),
        (("--golive-runbook", "nowhere/*.md"), ("nowhere/*.md", "kraken-golive init")),
        (("config/runbooks/nothing.md",), ("nothing.md",)),
        (("config/runbooks/x.md::nothing",), ("nothing",)),
    ],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_meant(
    project: Project, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    project.small(a="yes")
    project.write("reports/verdict.json", GO_OF_YESTERDAY)
    run = project.gate(*arguments)
    assert (run.exit_status, run.verdict["verdict"]) in {(4, "NO-GO"), (4, "INCOMPLETE")}
    assert "Traceback" not in run.said
    for word in words:
        assert word in run.err


@pytest.mark.parametrize(
    ("arguments", "environ", "ini"),
    [
        (("-n", "many"), {}, ()),
        (("-n",), {}, ()),
        (("--golive-report-dir",), {}, ()),
        ((), {"PYTEST_ADDOPTS": "-n many"}, ()),
        ((), {"PYTEST_PLUGINS": "no_such_plugin"}, ()),
        ((), {}, ("required_plugins = no-such-plugin",)),
    ],
    ids=["value", "no value", "ours without a value", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "required_plugins"],
)
def test_a_start_that_pytest_itself_refuses(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    *,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    ini: tuple[str, ...],
) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    project.ini(*ini)
    run = project.gate(*arguments)
    assert (run.exit_status, run.verdict["verdict"]) == (4, "NO-GO")
    assert not (project.root / "reports/bundle").exists()
    assert "NO-GO" in (project.root / "reports/signoff.html").read_text(encoding="utf-8")


def test_a_start_that_is_refused_leaves_no_folder_where_there_was_none(project: Project) -> None:
    project.small(a="yes")
    assert project.gate("-n", "many").exit_status == 4
    assert not (project.root / "reports").exists()


def test_no_runbook_at_all(project: Project) -> None:
    project.conftest()
    project.gate().require_refusal("config/runbooks/*.md", "no runbook", "kraken-golive init")


def test_where_nothing_is_to_be_judged_the_verdict_alone_is_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider -p no:randomly\n")
    project.temporary.rmdir()
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name)
    run = project.gate()
    assert (run.exit_status, run.verdict["verdict"]) == (4, "NO-GO")
    assert {path.name for path in project.root.iterdir() if path.is_dir()} == {"reports"}


def test_a_folder_of_benchmarks_that_was_there_stays(project: Project) -> None:
    project.small(a="yes")
    project.write("pytest.ini", "[pytest]\n")
    (project.root / ".benchmarks").mkdir()
    project.gate("-n", "2").require("GO", 0)
    assert (project.root / ".benchmarks").is_dir()
    (project.root / ".benchmarks").rmdir()
    project.gate("-n", "2").require("GO", 0)
    assert not (project.root / ".benchmarks").exists()


def test_ini_options_of_ours_that_do_not_exist(project: Project) -> None:
    project.small(a="yes")
    for line in ("golive_runbook = config/runbooks/x.md", "kraken_mode = real", "GOLIVE_RUNBOOKS = x"):
        project.ini(line)
        project.gate().require_refusal("pytest.ini", line.partition(" ")[0], "golive_runbooks")


def test_a_pattern_of_the_ini_file_that_matches_nothing(project: Project) -> None:
    project.small(a="yes")
    project.ini("golive_runbooks = config/runbooks/x.md docs/*.md")
    project.gate().require_refusal("docs/*.md", "kraken-golive init")


def test_a_report_folder_that_cannot_be_written(project: Project) -> None:
    project.small(a="yes")
    project.write("reports", "a file")
    run = project.pytest("--golive", "--golive-report-dir", "reports")
    assert run.exit_status == 4
    assert "verdict.json" in run.err
    assert "--golive-report-dir" in run.err
    assert "Traceback" not in run.said


def test_everything_that_is_wrong_with_bindings_is_named_at_once(project: Project) -> None:
    project.conftest(
        "@check('counted')\ndef counted(evidence: Evidence, *, limit: int, note: str = 'none') -> None:\n"
        "    evidence.record('test', limit)\n"
    )
    project.runbook(
        "a holds value=yes",
        "b hold value=yes",
        "c holds value=yes more=1",
        "d holds",
        "e counted limit=many",
        "f counted limit=3.5",
        "g counted limit=",
        "A holds value=yes",
        "h holds value=[yes]",
    )
    project.runbook("B counted limit=3", "k counted limit=3", "K counted limit=4", name="y")
    run = project.gate()
    run.require_refusal(
        "config/runbooks/x.md:4: there is no check 'hold'; did you mean 'holds'",
        "config/runbooks/x.md:5: check 'holds' has no parameter 'more'; it has: value",
        "config/runbooks/x.md:6: check 'holds' needs the parameter 'value'",
        "config/runbooks/x.md:7: parameter 'limit' of check 'counted'",
        "found 'many'",
        "config/runbooks/x.md:8: parameter 'limit' of check 'counted'",
        "config/runbooks/x.md:9: parameter 'limit' of check 'counted'",
        "config/runbooks/x.md:10: the id 'A' is already at config/runbooks/x.md:3",
        "config/runbooks/x.md:11: parameter 'value' of check 'holds'",
        "config/runbooks/y.md:3: the id 'B' is already at config/runbooks/x.md:4",
        "config/runbooks/y.md:5: the id 'K' is already at config/runbooks/y.md:4",
        "Next:",
    )


def test_ids_that_pytest_could_not_select(project: Project) -> None:
    project.conftest()
    project.runbook("a/b holds value=yes", "c::d holds value=yes", "-e holds value=yes")
    project.gate().require_refusal("x.md:3", "x.md:4", "x.md:5", "Next:")


def test_a_runbook_without_a_bound_line(project: Project) -> None:
    project.conftest()
    project.runbook("Nobody checks this!", "Nor this!")
    project.gate().require_refusal("config/runbooks/x.md", "no line is bound", "Next:")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ("x.md:1", "no list item")),
        ("# Title\n\n- it h\xf6lds\n".encode("latin-1"), ("x.md:3", "UTF-8")),
        ("# Title\n\n- Holds. <!-- golive: {id: a, check: holds, value: yes\n", ("x.md:3",)),
        ("# Title\n\n- Holds. <!-- golive: {id: a, id: b, check: holds, value: yes} -->\n", ("x.md:3", "'id'")),
        ("# Title\n\nDo this:\n2. Check it.\n\n- It.\n", ("x.md:4",)),
    ],
    ids=["empty", "latin-1", "unclosed", "twice", "swallowed"],
)
def test_a_runbook_that_cannot_be_taken_at_its_word(
    project: Project, content: str | bytes, words: tuple[str, ...]
) -> None:
    project.conftest()
    project.write("config/runbooks/x.md", content)
    project.gate().require_refusal("config/runbooks/x.md", *words, "Next:")


def test_a_runbook_that_is_a_folder_or_gone(project: Project) -> None:
    project.small(a="yes")
    (project.root / "config/runbooks/folder.md").mkdir()
    project.gate("--golive-runbook", "config/runbooks/folder.md").require_refusal("folder.md")


CHECKS = {
    "defaulted": "def defaulted(evidence: Evidence, deployment=None) -> None: ...",
    "starred": "def starred(*fixtures, value: str) -> None: ...",
    "double_starred": "def double_starred(evidence: Evidence, **params) -> None: ...",
    "positional": "def positional(evidence: Evidence, /) -> None: ...",
    "untyped": "def untyped(evidence: Evidence, *, value) -> None: ...",
    "mistyped": "def mistyped(evidence: Evidence, *, value: NoSuchType) -> None: ...",
    "asynchronous": "async def asynchronous(evidence: Evidence) -> None: ...",
    "yielding": "def yielding(evidence: Evidence):\n    yield",
    "yielding_later": "async def yielding_later(evidence: Evidence):\n    yield",
    "wrapped": "@functools.lru_cache\ndef wrapped(evidence: Evidence) -> None: ...",
    "decorated": "@decorator\ndef decorated(evidence: Evidence) -> None: ...",
    "parametrized": "@pytest.mark.parametrize('x', [1])\ndef parametrized(evidence: Evidence, x) -> None: ...",
    "a_class": "class a_class: ...",
}
"""Ways to write a function that pytest would call passed without having checked anything."""


def test_checks_that_could_pass_without_checking(project: Project) -> None:
    defined = "".join(f"@check('{name}')\n{text}\n\n" for name, text in CHECKS.items())
    project.conftest(
        "import functools\n\ndef decorator(function):\n    @functools.wraps(function)\n"
        "    def wrapper(*arguments, **named):\n        return None\n    return wrapper\n\n"
        + defined
        + "@pytest.mark.parametrize('y', [1])\n@check('marked_outside')\n"
        "def marked_outside(evidence: Evidence, y) -> None: ...\n\n"
        "def named(evidence: Evidence) -> None: ...\n\nnamed_badly = check('Not A Name')(named)\n\n"
        "@check('holds')\ndef holds_again(evidence: Evidence) -> None: ...\n\n"
        "@check('alone', replaces='alone')\ndef alone(evidence: Evidence) -> None: ...\n\n"
        "@check('other', replaces='holds')\ndef other(evidence: Evidence) -> None: ...\n"
    )
    project.runbook("a holds value=yes")
    run = project.gate()
    names = [*CHECKS, "marked_outside", "Not A Name", "holds", "alone", "other"]
    run.require_refusal(*(f"'{name}'" for name in names), "conftest.py:", "Next:")


@pytest.mark.parametrize("name", ["defaulted", "yielding", "parametrized"])
def test_one_such_check_is_enough(project: Project, name: str) -> None:
    project.conftest(f"@check('{name}')\n{CHECKS[name]}\n")
    project.runbook("a holds value=yes", f"b {name}")
    project.gate().require_refusal(f"'{name}'", "conftest.py:")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("paper:\n  timeout_s: soon\n", ("config/golive.yaml:2", "paper.timeout_s", "'soon'")),
        ("paper:\n  timeout_s: 1\n  timeout_s: 2\n", ("config/golive.yaml:3", "timeout_s")),
        ("papr: {}\n", ("config/golive.yaml:1", "papr")),
        ("commands:\n  bot: []\n", ("config/golive.yaml:2", "commands.bot")),
        ("# caf\xe9\n".encode("latin-1"), ("config/golive.yaml", "UTF-8")),
        ("paper: [\n", ("config/golive.yaml",)),
    ],
    ids=["type", "twice", "unknown", "empty-command", "latin-1", "torn"],
)
def test_a_policy_that_cannot_be_taken_at_its_word(
    project: Project, policy: str | bytes, words: tuple[str, ...]
) -> None:
    project.small(a="yes")
    project.write("config/golive.yaml", policy)
    project.gate().require_refusal(*words, "Next:")


@pytest.mark.parametrize(
    "option",
    [
        *("--help", "--version", "--markers", "--fixtures", "--fixtures-per-test", "--golive-checks", "--cache-show"),
    ],
)
def test_what_only_informs_leaves_the_last_verdict_alone(project: Project, option: str) -> None:
    project.small(a="yes")
    file = project.write("reports/verdict.json", GO_OF_YESTERDAY)
    before = file.stat().st_mtime_ns
    run = project.gate(option)
    assert run.exit_status == 0
    assert file.read_text(encoding="utf-8") == GO_OF_YESTERDAY
    assert file.stat().st_mtime_ns == before
    if option == "--golive-checks":
        for word in ("holds  (your own)", "value: str", "<!-- golive: {id: …, check: holds, value: …} -->", "io_queue"):
            assert word in run.out


def test_the_list_of_checks_needs_no_gate(project: Project) -> None:
    project.conftest()
    run = project.pytest("--golive-checks")
    assert run.exit_status == 0
    assert "holds  (your own)" in run.out
    assert run.verdict == {}
