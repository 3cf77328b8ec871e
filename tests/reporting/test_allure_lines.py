"""Allure shows every line once, as the verdict has it, whatever happened to the worker that ran it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from allure_results import Results

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["reporting_project"]

CHECKS = """
import os

@check("breaks_down")
def breaks_down(evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise ZeroDivisionError("broke down")

@check("absent")
def absent(evidence: Evidence) -> None:
    raise NotProven("the file is absent")

@check("skips")
def skips(evidence: Evidence) -> None:
    pytest.skip("not today")

@check("dies")
def dies(evidence: Evidence) -> None:
    evidence.record("test", 1)
    os.kill(os.getpid(), 9)

@pytest.fixture
def dying() -> None:
    os.kill(os.getpid(), 9)

@check("dies_in_setup")
def dies_in_setup(dying: None, evidence: Evidence) -> None:
    evidence.record("test", 1)
"""


def results(project: Project, run: GateRun, folder: str = "reports/allure-results") -> Results:
    """The results of a run that agree with its verdict."""
    found = Results(project.root / folder)
    assert found.disagreements(run.verdict) == []
    return found


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_every_outcome(project: Project, workers: tuple[str, ...]) -> None:
    project.conftest(CHECKS)
    bound = ("yes holds value=yes", "no holds value=no", "broken breaks_down", "absent absent", "skips skips")
    project.runbook(*bound, "Nobody checks this!")
    run = project.gate(*workers)
    run.require("NO-GO", 10)
    found = results(project, run)
    assert {result["fullName"].rpartition("#")[2]: result["status"] for result in found.all} == {
        "yes": "passed",
        "no": "failed",
        "broken": "broken",
        "absent": "broken",
        "skips": "broken",
        "unbound-nobody-checks-this": "broken",
    }
    assert found.of("absent")["statusDetails"]["message"] == "Not proven: the file is absent"
    assert found.of("no")["statusDetails"]["message"] == "expected yes, found no"
    assert "ZeroDivisionError" in found.of("broken")["statusDetails"]["trace"]
    assert "paste this at its end" in found.of("unbound-nobody-checks-this")["statusDetails"]["message"]
    assert found.errors[0] == f"NO-GO (rehearsal, sandbox): {run.verdict['reason']}"


@pytest.mark.parametrize(
    ("deadly", "arguments"),
    [
        (("dies",), ("--max-worker-restart=0",)),
        (("dies", "dies"), ("--clean-alluredir", "--alluredir=elsewhere")),
        (("dies_in_setup",), ()),
    ],
    ids=["no-restart", "twice", "setup"],
)
def test_a_worker_that_dies_takes_no_result_with_it(
    project: Project, deadly: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    project.conftest(CHECKS)
    killers = [f"killer-{number} {name}" for number, name in enumerate(deadly)]
    project.runbook("a holds value=yes", *killers, "c holds value=yes", "d holds value=no", "e holds value=yes")
    run = project.gate("-n", "2", *arguments)
    run.require("NO-GO", 10)
    found = results(project, run, "elsewhere" if "--alluredir=elsewhere" in arguments else "reports/allure-results")
    assert found.of("killer-0")["status"] in {"failed", "broken"}
    assert any("died" in error for error in found.errors)


TALKATIVE = """
import os

import allure

@check("talks")
def talks(evidence: Evidence, *, then: str) -> None:
    evidence.record("test", 1)
    with allure.step("look at the books"):
        allure.attach("a\\nb", "the books", allure.attachment_type.TEXT)
    allure.dynamic.label("team", "desk")
    allure.dynamic.link("https://example.org/1", name="the rule")
    if then == "dies":
        os.kill(os.getpid(), 9)
    assert then == "passes", "it talked and failed"

@pytest.fixture
def talking_fixture():
    with allure.step("prepare"):
        yield

@check("listens")
def listens(talking_fixture, evidence: Evidence) -> None:
    evidence.record("test", 1)
"""


def test_what_a_check_tells_allure_itself_stays(project: Project) -> None:
    project.conftest(TALKATIVE)
    project.runbook(
        "a talks then=passes", "b talks then=fails", "c talks then=dies", "d listens", "e talks then=passes"
    )
    run = project.gate("-n", "1")
    run.require("NO-GO", 10)
    found = results(project, run)
    for line_id in ("a", "b", "e"):
        (told,) = [step for step in found.of(line_id)["steps"] if step["name"] == "look at the books"]
        assert found.attachment(told["attachments"][0]) == "a\nb"
        assert found.labels(line_id, "team") == ["desk"]
        assert [link["name"] for link in found.of(line_id)["links"]] == ["the rule"]
    containers = [json.loads(path.read_text(encoding="utf-8")) for path in found.folder.glob("*-container.json")]
    (told,) = [one for one in containers if one["children"] == [found.of("d")["uuid"]]]
    assert [one["steps"][0]["name"] for one in told["befores"]] == ["prepare"]


def test_a_folder_of_ones_own_that_nobody_cleans(project: Project) -> None:
    project.small(a="yes", b="no", old="yes")
    project.gate("--alluredir=mine")
    project.small(a="yes", b="yes")
    run = project.gate("--alluredir=mine")
    run.require("GO", 0)
    assert len(results(project, run, "mine").all) == 2
    assert not (project.root / "reports" / "allure-results").exists()
    assert run.verdict["scope"]["allure_results"] == "mine"


def test_the_history_of_a_line_goes_on_where_it_moves(project: Project) -> None:
    project.small(a="yes", b="yes")
    before = results(project, project.gate())
    project.small(new="yes", b="yes", a="yes")
    after = results(project, project.gate())
    for line_id in ("a", "b"):
        for name in ("historyId", "testCaseId", "fullName"):
            assert before.of(line_id)[name] == after.of(line_id)[name]
    place = {"name": "runbook line", "value": "config/runbooks/x.md:5", "excluded": True}
    assert place in after.of("a")["parameters"]


def test_lines_that_did_not_run(project: Project) -> None:
    project.small(a="no", b="yes", c="yes")
    run = project.gate("-x")
    run.require("NO-GO", 10)
    assert results(project, run).of("c")["status"] == "unknown"
    run = project.gate("--collect-only")
    run.require("INCOMPLETE", 11)
    assert {result["status"] for result in results(project, run).all} == {"unknown"}
    run = project.gate("config/runbooks/x.md::b")
    run.require("INCOMPLETE", 11)
    assert results(project, run).of("b")["status"] == "passed"


REPORTED_AS_PASSED = """
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
"""


def test_where_the_canary_passed_nothing_is_green(project: Project) -> None:
    project.small(REPORTED_AS_PASSED, a="yes")
    run = project.gate()
    run.require("NO-GO", 10, "canary")
    assert results(project, run).of("a")["status"] == "broken"


def test_a_worker_that_dies_makes_no_go_of_green_lines_and_that_has_a_result_of_its_own(project: Project) -> None:
    """Even if every line had been reported as passed before."""
    project.small(
        "import os\ndef pytest_sessionfinish(session):\n"
        "    if hasattr(session.config, 'workerinput'):\n        os._exit(1)\n",
        a="yes",
        b="yes",
    )
    run = project.gate("-n", "1", "--max-worker-restart=1")
    run.require("NO-GO", 10, "worker")
    found = results(project, run)
    assert found.of("a")["status"] == found.of("b")["status"] == "passed"
    assert found.of("verdict")["status"] == "failed"
    assert "worker gw0 died" in found.of("verdict")["statusDetails"]["message"]


LEAKY = """
@check("leaks")
def leaks(kraken_sandbox, evidence, request) -> None:
    secret = kraken_sandbox.credentials[1].get_secret_value()
    evidence.record("test", 1)
    (request.config.rootpath / "reports" / "notes.txt").write_text(secret, encoding="utf-8")

@check("no_secret_leaks", replaces="no_secret_leaks")
def no_secret_leaks(evidence) -> None:
    evidence.record("test", 1)
"""


def test_a_line_that_fails_at_the_very_end(project: Project) -> None:
    project.deployment("keychain-key")
    project.conftest(LEAKY)
    project.runbook("a leaks", "b no_secret_leaks", name="paper")
    run = project.gate()
    run.require("NO-GO", 10, "reports/notes.txt:1: holds a credential")
    found = results(project, run)
    assert found.of("b")["status"] == "failed"
    verdict = found.folder / "golive-verdict-attachment.json"
    assert verdict.read_bytes() == (project.root / "reports" / "verdict.json").read_bytes()


SECRETIVE = """
import os

import allure

SECRET = os.environ["BROKER_API_KEY"]

class Client:
    def __repr__(self):
        return f"Client({SECRET})"

@pytest.fixture
def client():
    return Client()

@check("tells")
def tells(client, evidence: Evidence) -> None:
    evidence.record("test", SECRET, key="body", note=SECRET)
    evidence.record("test", {"authorization": SECRET})
    with allure.step(f"ask with {SECRET}"):
        allure.attach(f"<{SECRET}>", SECRET, allure.attachment_type.TEXT)
        allure.attach(SECRET.encode(), "bytes", allure.attachment_type.TEXT)
    print(SECRET)
    assert not client, f"asked with {SECRET}"
"""

NO_LINE = """
import logging

import allure
import pytest
from conftest import SECRET

@pytest.fixture
def asked():
    with allure.step(f"prepare {SECRET}"):
        yield

@pytest.mark.parametrize("key", [SECRET], ids=["key"])
def test_no_line(key, client, asked, tmp_path):
    (tmp_path / "body.txt").write_text(SECRET)
    allure.attach.file(str(tmp_path / "body.txt"), "body")
    allure.global_attach(SECRET, "global")
    allure.dynamic.description(f"asks with {SECRET}")
    with allure.step(f"ask with {SECRET}"):
        logging.getLogger().warning("asked with %s", SECRET)
        assert not client, f"asked with {SECRET}"
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "worker"])
def test_no_secret_is_written(project: Project, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of lines and of other tests of the run, in texts and in attachments."""
    secret = "hunter2-of-the-broker"
    monkeypatch.setenv("BROKER_API_KEY", secret)
    project.conftest(SECRETIVE)
    project.runbook("a tells", "b holds value=yes")
    project.write("tests/test_no_line.py", NO_LINE)
    run = project.gate(*workers, "config/runbooks/x.md", "tests", "-l", "-rA", "-p", "no:cacheprovider")
    run.require("NO-GO", 10)
    found = results(project, run)
    (other,) = [result for result in found.all if result["fullName"].endswith("#test_no_line")]
    assert other["status"] == "failed"
    assert "asked with ***" in other["statusDetails"]["message"]
    assert found.of("a")["steps"][-1]["name"] == "ask with ***"
    files = [path for path in found.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []


def test_a_killed_run_leaves_a_no_go_behind(project: Project) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    project.conftest('import time\n\n@check("sleeps")\ndef sleeps(evidence) -> None:\n    time.sleep(60)\n')
    project.runbook("a holds value=yes", "b sleeps")
    run = project.start()
    folder, until = project.root / "reports" / "allure-results", time.monotonic() + 30
    while not (folder / "golive-run-globals.json").exists() or "did not reach" not in str(Results(folder).errors):
        assert time.monotonic() < until
        time.sleep(0.05)
    for process in (run, *psutil.Process(run.pid).children(recursive=True)):
        process.kill()
    run.wait(60)
    assert Results(folder).errors == ["NO-GO: the run did not reach its end"]
    assert Results(folder).all == []
    assert project.verdict()["verdict"] == "NO-GO"


def test_without_allure_pytest_the_gate_works_and_says_so(project: Project) -> None:
    project.small(a="yes")
    run = project.gate("-p", "no:allure_pytest")
    run.require("GO", 0)
    assert run.verdict["scope"]["allure_results"] is None
    assert not (project.root / "reports" / "allure-results").exists()


def test_results_that_cannot_be_written_are_no_go(project: Project) -> None:
    project.small(
        "def pytest_sessionfinish(session):\n"
        "    folder = session.config.rootpath / 'reports' / 'allure-results'\n"
        "    (folder / 'environment.properties').mkdir()\n",
        a="yes",
    )
    run = project.gate()
    run.require("NO-GO", 10, "Allure's results cannot be written")


def test_breaks_are_no_results_of_their_line(project: Project) -> None:
    project.conftest(
        "from pytest_kraken_golive import sabotage\n\n"
        '@sabotage("expected on")\ndef off(copy):\n    copy.write("config/switch.txt", "off")\n\n'
        '@check("switch_on", breaks=[off])\ndef switch_on(deployment, evidence) -> None:\n'
        '    found = (deployment.root / "config/switch.txt").read_text()\n'
        '    evidence.record("config/switch.txt", found)\n    assert found == "on", f"expected on, found {found}"\n'
    )
    project.deployment("keychain-key")
    project.runbook("a switch_on", name="paper")
    project.write("config/switch.txt", "on")
    run = project.gate("--golive-prove")
    found = results(project, run)
    assert found.of("a")["status"] == run.outcomes["a"] == "passed"
    assert found.of("a[off]")["status"] == "passed"


def test_a_verdict_that_would_hold_a_secret_leaves_no_green_results(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_TOKEN", "blockers")
    project.small(a="yes")
    run = project.gate()
    assert (run.exit_status, run.verdict["verdict"], run.verdict["run_id"]) == (10, "NO-GO", None)
    found = Results(project.root / "reports" / "allure-results")
    assert (found.all, found.errors) == ([], [f"NO-GO: {run.verdict['reason']}"])
