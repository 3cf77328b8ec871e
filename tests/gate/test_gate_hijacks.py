"""What plugins, conftests and checks do to a run by accident: none of it makes a GO of what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

SWALLOWED = {
    "pyfunc_call-returns-true": """
@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return True
""",
    "call-swallowed": """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except AssertionError:
        return None
""",
    "report-turned": """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
""",
    "report-replaced": """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    yield
    return pytest.TestReport(item.nodeid, item.location, {}, "passed", None, call.when)
""",
    "protocol-made-up": """
def pytest_runtest_protocol(item, nextitem):
    for when in ("setup", "call", "teardown"):
        report = pytest.TestReport(item.nodeid, item.location, {}, "passed", None, when)
        item.ihook.pytest_runtest_logreport(report=report)
    return True
""",
    "exit-status-set": """
@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
    session.testsfailed = 0
""",
    "exit-at-the-end": """
def pytest_sessionfinish(session):
    pytest.exit("all is well", returncode=0)
""",
    "marked-as-expected": """
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail(strict=False))
""",
}


@pytest.mark.parametrize("conftest", SWALLOWED.values(), ids=SWALLOWED)
def test_a_failing_line_stays_a_failing_line(project: Project, conftest: str) -> None:
    project.small(conftest, a="no")
    run = project.gate()
    run.require("NO-GO", 10, "a: ")
    assert run.outcomes["a"] != "passed"


def test_a_passing_line_does_not_count_where_the_canary_passes(project: Project) -> None:
    """Where failures are turned into passes, a pass says nothing."""
    project.small(SWALLOWED["report-turned"], a="yes")
    run = project.gate()
    run.require("NO-GO", 10, "canary")


def test_the_canary_sings_in_workers_too(project: Project) -> None:
    project.small(SWALLOWED["call-swallowed"], a="yes")
    run = project.gate("-n", "1")
    run.require("NO-GO", 10, "canary")


UNREPORTED = {
    "protocol-taken": """
def pytest_runtest_protocol(item, nextitem):
    return True
""",
    "deselected": """
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=items[1:])
    del items[1:]
""",
    "dropped": """
def pytest_collection_modifyitems(items):
    del items[1:]
""",
    "should-stop": """
def pytest_runtest_logfinish(nodeid):
    if nodeid.endswith("::a"):
        stop()

def pytest_sessionstart(session):
    global stop
    stop = lambda: setattr(session, "shouldstop", "enough")
""",
}


@pytest.mark.parametrize("conftest", UNREPORTED.values(), ids=UNREPORTED)
def test_what_is_not_reported_did_not_pass(project: Project, conftest: str) -> None:
    project.small(conftest, a="yes", b="yes")
    run = project.gate()
    assert run.exit_status in {2, 10, 11}
    assert run.verdict["verdict"] in {"INCOMPLETE", "NO-GO"}
    assert run.outcomes["b"] == "not_run"


EXITS = {
    "check": """
@check("leaves")
def leaves(evidence: Evidence) -> None:
    evidence.record("test", 1)
    pytest.exit("enough", returncode=0)
""",
    "teardown": """
@pytest.fixture
def leaving() -> None:
    yield
    pytest.exit("enough", returncode=0)

@check("leaves")
def leaves(leaving: None, evidence: Evidence) -> None:
    evidence.record("test", 1)
""",
    "configure": """
@check("leaves")
def leaves(evidence: Evidence) -> None:
    evidence.record("test", 1)

def pytest_configure(config):
    pytest.exit("enough", returncode=0)
""",
    "cmdline_main": """
@check("leaves")
def leaves(evidence: Evidence) -> None:
    evidence.record("test", 1)

@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    return 0
""",
}


@pytest.mark.parametrize("conftest", EXITS.values(), ids=EXITS)
def test_leaving_early_is_no_success(project: Project, conftest: str) -> None:
    project.conftest(conftest)
    project.runbook("a holds value=yes", "b leaves")
    run = project.gate()
    assert run.exit_status != 0
    assert run.verdict["verdict"] in {"INCOMPLETE", "NO-GO"}


@pytest.mark.parametrize(
    "conftest",
    [
        "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n",
        "def pytest_runtest_logfinish(nodeid):\n    SESSION.shouldfail = 'leaks found'\n"
        "def pytest_sessionstart(session):\n    global SESSION\n    SESSION = session\n",
    ],
    ids=["exit-status-1", "should-fail"],
)
def test_a_failure_that_another_plugin_reports_is_not_lost(project: Project, conftest: str) -> None:
    """As pytest-cov does with --cov-fail-under: every test passed, pytest says 1."""
    project.small(conftest, a="yes")
    run = project.gate()
    assert run.exit_status in {1, 2, 10}
    assert run.verdict["verdict"] == "NO-GO"


@pytest.mark.parametrize("status", [2, 6])
def test_what_pytest_says_is_not_lowered(project: Project, status: int) -> None:
    project.small(f"def pytest_sessionfinish(session):\n    session.exitstatus = {status}\n", a="yes")
    run = project.gate()
    assert run.exit_status == status
    assert run.verdict["verdict"] != "GO"


ENVIRONMENTS = {
    "conftest": "import os\nos.environ['BOT_SWITCH'] = 'planted-value'\n",
    "autouse": """
@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.setenv("BOT_SWITCH", "planted-value")
""",
    "session": """
@pytest.fixture(scope="session", autouse=True)
def own_environment():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOT_SWITCH", "planted-value")
        yield
""",
}


@pytest.mark.parametrize(("name", "arguments"), [("conftest", ()), ("autouse", ()), ("session", ("-n", "1"))])
def test_an_environment_that_is_not_the_users_own_fails(
    project: Project, name: str, arguments: tuple[str, ...]
) -> None:
    project.small(ENVIRONMENTS[name], a="yes")
    run = project.gate(*arguments)
    run.require("NO-GO", 10, "BOT_SWITCH")
    assert "planted-value" not in run.out
    assert run.outcomes == {"a": "failed"}


def test_a_check_that_leaves_a_changed_environment_spoils_the_next_line(project: Project) -> None:
    project.conftest(
        "import os\n@check('litters')\ndef litters(evidence: Evidence) -> None:\n"
        "    evidence.record('test', 1)\n    os.environ['BOT_SWITCH'] = 'left'\n"
    )
    project.runbook("a litters", "b holds value=yes")
    project.gate().require("NO-GO", 10, "b: environment: BOT_SWITCH")


FROZEN = """
import time

MOMENT = time.time()
time.time = lambda: MOMENT
time.time_ns = lambda: int(MOMENT * 1e9)
"""
FROZEN_FOR_TESTS = """
import time

@pytest.fixture(autouse=True)
def frozen():
    with pytest.MonkeyPatch.context() as patch:
        moment = time.time()
        patch.setattr(time, "time", lambda: moment)
        yield
"""
MOVING = """
import time

real, real_ns = time.time, time.time_ns
time.time = lambda: real() + 3600
time.time_ns = lambda: real_ns() + 3600 * 10**9
"""
CLOCKS = {
    "frozen": FROZEN,
    "moved": MOVING,
    "frozen-for-tests": FROZEN_FOR_TESTS,
    "monotonic": "import time\nreal = time.monotonic\ntime.monotonic = lambda: 5.0 + real() * 0\n",
}


@pytest.mark.parametrize("conftest", CLOCKS.values(), ids=CLOCKS)
def test_a_clock_that_is_not_the_real_one_fails(project: Project, conftest: str) -> None:
    project.small(conftest, a="yes")
    run = project.gate()
    run.require("NO-GO", 10, "clock")


def test_a_clock_that_was_frozen_before_the_gate_began(project: Project) -> None:
    project.write("freezer.py", FROZEN)
    project.small(a="yes")
    run = project.pytest("--golive", "-p", "freezer")
    run.require("NO-GO", 10, "clock")


def test_plugins_and_arguments_are_on_record(project: Project) -> None:
    project.write("quiet_plugin.py", "")
    project.small(a="yes")
    run = project.gate("-p", "quiet_plugin", "-q")
    run.require("GO", 0)
    scope = run.verdict["scope"]
    assert "quiet_plugin" in str(scope["plugins"])
    assert {"conftest.py"} < set(scope["plugins"])
    assert any(one.startswith("allure-pytest ") for one in scope["plugins"])
    assert scope["arguments"] == ["--golive", "-p", "quiet_plugin", "-q"]
    assert scope["own_checks"] == scope["unproven_checks"] == ["holds"]
    assert scope["hosts"] in ([], ["127.0.0.1"])


OVERRIDDEN = ("kraken_client", "deployment", "policy", "golive_world", "paper_report", "kraken_environment")


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_overridden_fixtures_are_on_record(project: Project, arguments: tuple[str, ...]) -> None:
    """Also those that other fixtures of ours rest on: whoever overrides the world overrides everything in it."""
    project.conftest(
        "".join(
            f"@pytest.fixture(scope='session')\ndef {name}():\n    return 'mine'\n\n"
            f"@check('uses_{name}')\ndef uses_{name}({name}, evidence: Evidence) -> None:\n"
            f"    evidence.record('test', {name})\n    assert {name} == 'mine'\n\n"
            for name in OVERRIDDEN
        )
    )
    project.runbook("a holds value=yes", *(f"{name} uses_{name}" for name in OVERRIDDEN))
    run = project.gate(*arguments)
    run.require("GO", 0)
    assert run.verdict["scope"]["overridden_fixtures"] == dict.fromkeys(OVERRIDDEN, "conftest.py")


AROUND = """
class Meddler:
    def pytest_runtest_teardown(self, item):
        pass


def pytest_configure(config):
    config.pluginmanager.register(Meddler())


@pytest.fixture(autouse=True)
def around():
    yield
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["alone", "worker"])
def test_what_runs_around_lines_is_on_record_and_no_sign_off(project: Project, arguments: tuple[str, ...]) -> None:
    """Also where another object than the conftest itself has the hook, and where only workers load the conftest."""
    project.write("config/runbooks/conftest.py", "import pytest\n" + AROUND)
    project.small(a="yes")
    run = project.gate(*arguments)
    run.require("GO", 0)
    scope = run.verdict["scope"]
    assert scope["overridden_fixtures"] == {"around": "config/runbooks/conftest.py"}
    assert "config/runbooks/conftest.py" in scope["plugins"]
    assert "a conftest or plugin can change results" in scope["sign_off_lacks"]
    (project.root / "config/runbooks/conftest.py").unlink()
    scope = project.gate(*arguments).verdict["scope"]
    assert scope["overridden_fixtures"] == {}
    assert "a conftest or plugin can change results" not in scope["sign_off_lacks"]


def test_evidence_cannot_be_overridden(project: Project) -> None:
    project.small(
        "@pytest.fixture\ndef evidence(request):\n"
        "    request.node.evidence.record('nowhere', 'made up')\n    return request.node.evidence\n",
        a="yes",
    )
    run = project.gate()
    assert run.exit_status in {4, 10}
    assert run.verdict["verdict"] == "NO-GO"
    assert "evidence" in run.verdict["reason"]
    assert "conftest.py" in run.said


def test_a_replaced_check_is_on_record(project: Project) -> None:
    project.conftest(
        "@check('summary_status', replaces='summary_status')\n"
        "def summary_status(evidence: Evidence, *, equals: str) -> None:\n    evidence.record('test', equals)\n"
    )
    project.runbook("a holds value=yes", "b summary_status equals=ok")
    run = project.gate()
    run.require("GO", 0)
    assert run.verdict["scope"]["replaced_checks"] == ["summary_status"]
    assert "summary_status" in run.verdict["scope"]["own_checks"]
