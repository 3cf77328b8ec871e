"""The project's own programs: found, given a clean environment, and never left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_kraken_golive.rehearsal.program import Program, ProgramError, clean_environment, command_for, search_path

PLACES = {"mode": "paper", "entrypoint": "desk", "config": "/x/runtime.yaml", "report": "/x/report.json"}
PATIENCE_S = 10.0
"""How long something that must happen is waited for; never how long it takes."""

Start = Callable[..., Program]


def until(happened: Callable[[], object], seconds: float = PATIENCE_S) -> bool:
    """Whether it happens."""
    end = time.monotonic() + seconds
    while not (done := bool(happened())) and time.monotonic() < end:
        time.sleep(0.01)
    return done


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a Python script; whatever it leaves is ended after the test."""
    programs: list[Program] = []

    def make(script: str, *arguments: str) -> Program:
        file = tmp_path / f"script{len(programs)}.py"
        file.write_text(script, encoding="utf-8")
        output = tmp_path / f"output{len(programs)}"
        environ = clean_environment(tmp_path, {})
        programs.append(Program([sys.executable, str(file), *arguments], cwd=tmp_path, environ=environ, output=output))
        return programs[-1]

    yield make
    for program in programs:
        program.kill("the test is over")
        program.let_go()
    for pid in pids_in(tmp_path):
        if not is_gone(pid):
            psutil.Process(pid).kill()


def pids_in(folder: Path) -> list[int]:
    """Process ids that scripts have left in files, `<name>.pid`."""
    return [int(file.stem) for file in folder.glob("*.pid")]


PARENT = """
import os, subprocess, sys, pathlib
child = "import os, pathlib, time; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(600)"
for _ in range(int(sys.argv[1])):
    subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.DEVNULL)
while len(list(pathlib.Path(".").glob("*.pid"))) < int(sys.argv[1]):
    pass
print("ready", flush=True)
"""
WAIT_FOR_EVER = "import time\ntime.sleep(600)\n"
WAIT_FOR_THE_END = "import sys\nsys.stdin.read()\n"


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        (["python", "{mode}", "--to={report}"], ["paper", "--to=/x/report.json"]),
        (["python", "{mode}{entrypoint}", "plain"], ["paperdesk", "plain"]),
        (["python", "{{mode}}", "a b", ""], ["{mode}", "a b", ""]),
    ],
)
def test_placeholders_are_filled_in(tmp_path: Path, words: list[str], filled: list[str]) -> None:
    assert command_for(words, PLACES, tmp_path)[1:] == filled


@pytest.mark.parametrize(
    "word",
    [
        *("{config_path}", "{}", "{0}", "{", "}", "{mode", '{"a": 1}', "{mode.x}", "{mode[x]}", "{mode:d}", "{Mode}"),
        *("{mode.upper}", "{mode[0]}", "{mode!r}", "{mode:>9}"),
    ],
)
def test_what_cannot_be_filled_in_is_named_with_what_there_is(tmp_path: Path, word: str) -> None:
    with pytest.raises(ProgramError) as caught:
        command_for(["python", word], PLACES, tmp_path)
    assert repr(word) in str(caught.value)
    assert "{mode} {entrypoint} {config} {report}" in str(caught.value)


def test_programs_of_this_python_are_found_whether_it_is_activated_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (path,) = command_for(["kraken-golive"], PLACES, tmp_path)
    assert Path(path).is_absolute()
    assert Path(path).parent == Path(search_path().split(os.pathsep)[0])


def test_files_of_the_project_are_found_from_everywhere(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "bot.py").write_text("", encoding="utf-8")
    (tmp_path / "run.py").write_text("", encoding="utf-8")
    script = str((tmp_path / "tools" / "bot.py").resolve())
    assert command_for(["tools/bot.py", "{mode}"], PLACES, tmp_path) == [sys.executable, script, "paper"]
    assert command_for(["python", "tools/bot.py"], PLACES, tmp_path)[1:] == [script]
    assert command_for(["run.py"], PLACES, tmp_path) == [sys.executable, str((tmp_path / "run.py").resolve())]
    assert command_for(["python", "tools/none.py"], PLACES, tmp_path)[1:] == ["tools/none.py"]


@pytest.mark.skipif(os.name == "nt", reason="what may be run is said by its name there")
def test_an_executable_of_the_project_is_run_and_another_file_is_not(tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "bot"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n", encoding="utf-8")
    with pytest.raises(ProgramError):
        command_for(["bin/bot"], PLACES, tmp_path)
    tool.chmod(0o755)
    assert command_for(["./bin/bot"], PLACES, tmp_path) == [str(tool.resolve())]


@pytest.mark.parametrize("name", ["no-such-program-anywhere", "tools/none", ""])
def test_a_program_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProgramError, match=rf"no program '.*{name}'.*Next: .*golive\.yaml"):
        command_for([name], PLACES, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        *("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONHOME", "COV_CORE_SOURCE"),
        *("KRAKEN_API_KEY", "KRAKEN_API_SECRET", "KRAKEN_USE_SANDBOX", "FF_EXECUTION_MODE"),
    ],
)
def test_what_would_make_it_another_program_is_scrubbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "of the user")
    assert clean_environment(tmp_path, {}).get(name) != "of the user"


def test_the_rest_of_the_environment_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLIVE_TEST_OWN", "kept")
    monkeypatch.setenv("NO_PROXY", "example.invalid")
    environ = clean_environment(tmp_path, {"KRAKEN_BASE_URL": "http://127.0.0.1:1", "GOLIVE_TEST_MORE": "x"})
    assert (environ["GOLIVE_TEST_OWN"], environ["GOLIVE_TEST_MORE"]) == ("kept", "x")
    assert environ["KRAKEN_BASE_URL"] == "http://127.0.0.1:1"
    assert environ["PYTHONPATH"] == str(tmp_path)
    assert "127.0.0.1" in environ["NO_PROXY"].split(",")
    assert "127.0.0.1" in environ["no_proxy"].split(",")


def test_a_program_that_ends_by_itself(start: Start) -> None:
    program = start("print('said é', flush=True)\nraise SystemExit(3)\n")
    assert program.wait(PATIENCE_S) == 3
    assert (program.exit_status(), program.ended_by) == (3, "itself")
    assert program.tail().strip() == "said é"
    assert program.end(1.0) == 3
    assert program.ended_by == "itself"


def test_waiting_has_an_end(start: Start) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        start(WAIT_FOR_EVER).wait(0.05)


def test_of_much_output_the_end_is_kept(start: Start) -> None:
    program = start("import sys\nprint('x' * 100_000 + 'end', flush=True)\nprint('error', file=sys.stderr)\n")
    program.wait(PATIENCE_S)
    assert len(program.tail()) <= 4000
    assert program.tail().split() == [program.tail().split()[0], "error"]
    assert program.tail().split()[0].endswith("xend")


def test_output_that_is_no_text_is_shown_as_well_as_it_goes(start: Start) -> None:
    program = start(r"import sys; sys.stdout.buffer.write(b'\xff\xfe bytes')")
    program.wait(PATIENCE_S)
    assert program.tail().endswith(" bytes")


def test_a_program_that_listens_ends_when_its_input_closes(start: Start) -> None:
    program = start(WAIT_FOR_THE_END)
    assert program.exit_status() is None
    assert program.end(PATIENCE_S) == 0
    assert program.ended_by == "its standard input was closed"


@pytest.mark.skipif(os.name == "nt", reason="termination cannot be refused there")
def test_a_program_that_does_not_listen_is_terminated_and_then_killed(start: Start) -> None:
    program = start(WAIT_FOR_EVER)
    assert program.end(0.1) != 0
    assert program.ended_by == "it was terminated"
    stubborn = start(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on', flush=True)\n" + WAIT_FOR_EVER
    )
    assert until(stubborn.tail)
    stubborn.end(0.1)
    assert stubborn.ended_by is not None
    assert stubborn.ended_by.startswith("it was killed")
    assert is_gone(stubborn.pid)


def test_a_command_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"cannot be started: .* Next: "):
        Program([str(tmp_path / "none")], cwd=tmp_path, environ={}, output=tmp_path / "out")


def test_killing_a_program_kills_its_children(start: Start, tmp_path: Path) -> None:
    program = start(PARENT + WAIT_FOR_EVER, "3")
    assert until(lambda: "ready" in program.tail())
    program.kill("the test says so")
    assert program.ended_by == "the test says so"
    assert is_gone(program.pid)
    assert len(pids_in(tmp_path)) == 3
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))), 2)


@pytest.mark.parametrize("rest", [WAIT_FOR_THE_END, WAIT_FOR_EVER], ids=["listens", "does-not-listen"])
def test_ending_a_program_leaves_no_child(start: Start, tmp_path: Path, rest: str) -> None:
    program = start(PARENT + rest, "2")
    assert until(lambda: "ready" in program.tail())
    program.end(PATIENCE_S if rest is WAIT_FOR_THE_END else 0.1)
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))), 2)


def test_killing_a_supervisor_leaves_none_of_the_children_that_it_starts_anew(start: Start, tmp_path: Path) -> None:
    script = """
import subprocess, sys
child = "import os, pathlib, time; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(600)"
running = []
print("on", flush=True)
while True:
    running = [one for one in running if one.poll() is None]
    while len(running) < 6:
        running.append(subprocess.Popen([sys.executable, "-S", "-c", child], stdin=subprocess.DEVNULL))
"""
    program = start(script)
    assert until(lambda: len(pids_in(tmp_path)) >= 6)
    program.kill("the test says so")
    time.sleep(0.3)  # a child that was started in the last moment needs time to write its file
    assert [pid for pid in pids_in(tmp_path) if not is_gone(pid)] == []


def test_a_program_that_ended_and_left_a_child_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    program = start(PARENT, "1")
    assert until(lambda: program.exit_status() is not None)
    program.end(0.5)
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))), 2)


LEAVES = """
import os, subprocess, sys, pathlib
child = "import os, pathlib, time; pathlib.Path(f'{os.getpid()}.pid').touch(); time.sleep(600)"
own = {} if sys.argv[1] == "forgets" else None
subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.DEVNULL, start_new_session=True, env=own)
while not list(pathlib.Path(".").glob("*.pid")):
    pass
print("ready", flush=True)
"""
"""A child in a session of its own, with the environment or without it."""


def test_a_daemon_does_not_outlive_the_program_that_left_it(start: Start, tmp_path: Path) -> None:
    program = start(LEAVES, "keeps")
    assert until(lambda: program.exit_status() is not None)
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))), 2)


@pytest.mark.parametrize("environment", ["keeps", "forgets"])
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "ended"])
def test_a_daemon_does_not_outlive_a_program_that_is_ended(
    start: Start, tmp_path: Path, environment: str, kill: bool
) -> None:
    program = start(LEAVES + WAIT_FOR_EVER, environment)
    assert until(lambda: "ready" in program.tail())
    if kill:
        program.kill("the test says so")
    else:
        program.end(0.1)
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))), 2)


@pytest.mark.parametrize("script", [PARENT, PARENT + WAIT_FOR_EVER], ids=["program-ended", "program-runs"])
def test_nothing_outlives_an_owner_that_is_killed(tmp_path: Path, script: str) -> None:
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    (tmp_path / "owner.py").write_text(
        "import os, sys, time\nfrom pathlib import Path\n"
        "from pytest_kraken_golive.rehearsal.program import Program\nhere = Path(__file__).parent\n"
        "Program([sys.executable, 'script.py', '2'], cwd=here, environ=dict(os.environ), output=here / 'output')\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    environ = clean_environment(Path(__file__).parents[2], {})
    owner = subprocess.Popen([sys.executable, str(tmp_path / "owner.py")], env=environ)
    try:
        assert until(lambda: (tmp_path / "output").exists() and "ready" in (tmp_path / "output").read_text("utf-8"))
    finally:
        owner.kill()
        owner.wait()
    assert len(pids_in(tmp_path)) == 2
    assert until(lambda: all(map(is_gone, pids_in(tmp_path))))


def test_a_program_that_is_over_has_no_process_left_that_watches_it(start: Start) -> None:
    before = {one.pid for one in psutil.Process().children()}
    programs = [start("pass"), start(WAIT_FOR_THE_END), start(WAIT_FOR_EVER)]
    programs[0].wait(PATIENCE_S)
    programs[1].end(PATIENCE_S)
    programs[2].kill("the test says so")
    assert {one.pid for one in psutil.Process().children()} <= before


def test_a_command_that_cannot_be_started_leaves_no_process(tmp_path: Path) -> None:
    before = {one.pid for one in psutil.Process().children()}
    with pytest.raises(ProgramError):
        Program([str(tmp_path / "none")], cwd=tmp_path, environ={}, output=tmp_path / "out")
    with pytest.raises(ProgramError, match=r"null byte|embedded null"):
        Program([sys.executable, "a\0b"], cwd=tmp_path, environ={}, output=tmp_path / "out")
    assert {one.pid for one in psutil.Process().children()} <= before


def test_a_killed_program_leaves_nothing_open(tmp_path: Path) -> None:
    program = Program(
        [sys.executable, "-c", WAIT_FOR_EVER],
        cwd=tmp_path,
        environ=clean_environment(tmp_path, {}),
        output=tmp_path / "out",
    )
    open_before = program._process.stdin
    program.kill("the test says so")
    assert open_before is not None
    try:
        assert open_before.closed
    finally:
        program.let_go()
        gc.collect()
