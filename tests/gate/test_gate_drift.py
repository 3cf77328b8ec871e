"""Lines that changed, went, or are waived: what nobody answers for is no GO."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import yaml
from accepted import accept_all

from pytest_kraken_golive.runbook.lock import FILE

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["golive_project"]

FAR = """
import words


@check("far")
def far(evidence: Evidence, *, value: str) -> None:
    evidence.record("test", value)
    assert value == words.GOOD
"""

HELPED = """
@check("helped")
def helped(evidence: Evidence, *, value: str) -> None:
    evidence.record("test", value)
    assert value == "yes", f"expected yes, {value}"


@check("near")
def near(evidence: Evidence, *, value: str) -> None:
    evidence.record("test", value)
    assert _fine(value)


def _fine(value: str) -> bool:
    return value == "yes"


@check("marked")
def marked(evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("never", waivable=False)
def never(evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise AssertionError("this is never so")


@check("unproven")
def unproven(evidence: Evidence) -> None:
    raise NotProven("there is no file. Next: write it.")


@check("broken")
def broken(evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise KeyError("a fault of the check itself")
"""


def accepted_by_alice(project: Project) -> None:
    """As it is now, by the command that people use; later changes are not."""
    project.accepts = False
    status, said = project.command("accept", "--all", "--by", "Alice Adams")
    assert (status, "0 waiting" in said) == (0, True), said


def accepted(project: Project) -> Project:
    """The same, quicker."""
    accept_all(project.root)
    project.accepts = False
    return project


def test_what_changed_since_it_was_accepted_is_suspect_and_nothing_else(project: Project) -> None:
    project.write("words.py", 'GOOD = "yes"\nOTHER = 1\n')
    project.conftest(HELPED + FAR)
    project.runbook(
        *("words holds value=yes", "bound holds value=yes", "same holds value=yes", "bad holds value=yes"),
        *("body helped value=yes", "mark marked", "module far value=yes", "helper near value=yes"),
    )
    accepted_by_alice(project)
    project.gate().require("GO", 0)
    project.edit("config/runbooks/x.md", "Line words is true", "Line words may be true")
    project.edit("config/runbooks/x.md", "id: bound, check: holds", "id: bound, check: near")
    project.edit("config/runbooks/x.md", "id: bad, check: holds, value: yes", "id: bad, check: holds, value: no")
    project.edit("config/runbooks/x.md", "# Small\n", "# Small\n\nWords that are no line.\n")
    project.edit("conftest.py", 'f"expected yes, {value}"', '"expected yes"')
    project.edit("conftest.py", '@check("marked")', '@check("marked", waivable=True)')
    project.edit("conftest.py", 'return value == "yes"', "return True")
    project.edit("conftest.py", "import pytest\n", "import pytest\nimport math\n\n\ndef other() -> None: ...\n")
    project.edit("words.py", '"yes"', '("yes")')
    project.edit("words.py", "OTHER = 1", "OTHER = 2")
    project.edit(
        "config/runbooks/x.md",
        "- Line same",
        "- Line new is true. <!-- golive: {id: new, check: marked} -->\n- Line same",
    )
    run = project.gate("-n", "1")
    changed = {
        "words": "its text",
        "bound": "its binding (check, parameters, signers) and its check's source",
        **dict.fromkeys(("body", "mark", "module", "helper"), "its check's source"),
    }
    assert run.outcomes == {"same": "passed", "bad": "failed", **dict.fromkeys([*changed, "new"], "suspect")}
    for line, what in changed.items():
        assert run.message(line).startswith(f"{what} changed since Alice Adams accepted the line on 20"), run.message(
            line
        )
    assert run.message("new").startswith("nobody has accepted this line yet: config/golive.lock.yaml does not have it")
    run.require("NO-GO", 10)
    status, said = project.command("accept", "new", "words", "--by", "Bob")
    assert (status, "2 accepted, 6 waiting" in said) == (1, True), said
    status, said = project.command("accept", "nwe", "--by", "Bob")
    assert status == 2
    assert "there is no line 'nwe'; did you mean 'new'" in said
    assert project.verdict() == run.verdict  # accepting leaves it alone


def test_a_line_that_is_gone_or_was_never_accepted_is_no_go(project: Project) -> None:
    project.small(a="yes", b="yes")
    accepted(project)
    project.runbook("a holds value=yes")
    run = project.gate()
    run.require("NO-GO", 10, "the line 'b' was accepted by a test on")
    assert "kraken-golive accept b" in run.verdict["reason"]
    assert project.command("accept", "b", "--by", "Bob")[0] == 0
    project.gate().require("GO", 0)
    (project.root / "config/runbooks/x.md").rename(project.root / "config/runbooks/y.md")
    run = project.gate()
    assert run.outcomes == {"a": "suspect"}
    run.require("NO-GO", 10, "config/runbooks/x.md: 1 lines of this runbook were accepted, and it is gone")
    project.gate("--golive-runbook=config/runbooks/y.md").require("NO-GO", 10, "does not have it")
    assert project.command("accept", "a", "--by", "Bob")[0] == 0
    project.gate().require("GO", 0)
    (project.root / FILE).unlink()
    run = project.gate()
    assert run.outcomes == {"a": "suspect"}
    run.require("NO-GO", 10, "nobody has accepted this line yet: there is no config/golive.lock.yaml")
    project.write(FILE, "config/runbooks/x.md: {a: 1, a: 2}")
    project.gate().require_refusal(f"{FILE}:1", "the key 'a' is written twice", "Next: restore it from version control")


def test_what_is_required_must_exist(project: Project) -> None:
    project.small(limits="yes", other="yes")
    project.runbook("risk holds value=yes", name="second")
    project.write(
        "config/golive.yaml",
        "required:\n  config/runbooks/x.md: [limits, other]\n  config/runbooks/second.md: [risk]\n",
    )
    project.gate().require("GO", 0)
    project.edit("config/runbooks/x.md", "id: limits,", "id: limits2,")
    (project.root / "config/runbooks/second.md").unlink()
    run = project.gate()
    run.require("NO-GO", 10, "the line 'limits' is required, and config/runbooks/x.md has none of that id")
    line, book = run.verdict["troubles"]
    assert line.startswith("config/golive.yaml:2 required.config/runbooks/x.md: ")
    assert "renamed to 'limits2'?" in line
    assert book.startswith("config/golive.yaml:3 required.config/runbooks/second.md: this runbook is required")
    project.edit("config/runbooks/x.md", "id: limits2,", "id: limits,")
    project.gate("--golive-runbook=config/runbooks/x.md").require("GO", 0)


def waive(project: Project, *waivers: dict[str, Any], **policy: Any) -> None:
    base = {"reason": "a known fault", "approver": "Carol", "ticket": "OPS-1", "expires": in_days(30)}
    document = {"waivers": [base | waiver for waiver in waivers], **policy}
    project.write("config/golive.yaml", yaml.safe_dump(document))


def in_days(days: int) -> str:
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)).isoformat()


def digests(run: GateRun) -> dict[str, str]:
    return {line_id: line["digest"][:16] for line_id, line in run.lines.items()}


def test_what_failed_can_be_waived_until_a_day_and_is_counted(project: Project) -> None:
    project.conftest(HELPED)
    project.runbook("a holds value=yes", "f holds value=no", "u unproven")
    digest = digests(project.gate())
    waive(project, *({"line": one, "digest": digest[one]} for one in "fu"), {"line": "a", "digest": digest["a"]})
    alone = project.gate()
    for run in (alone, project.gate("-n", "1")):
        run.require("GO", 0, "1 of 3 lines are proven, 2 waived (f, u), the first until ")
        assert run.outcomes == {"a": "passed", "f": "waived", "u": "waived"}
        assert re.search(r"^=+ 1 passed, 2 waived in ", run.out, re.MULTILINE)
        assert "1 failed" not in run.out
    waivers = {line: found["waiver"] and found["waiver"]["waived"] for line, found in alone.lines.items()}
    assert waivers == {"a": None, "f": "failed", "u": "not_proven"}
    assert "expected yes, found no" in alone.message("f")  # its check ran
    assert "f  Carol, OPS-1, ends with 20" in alone.out
    assert "the waiver for 'a' is not needed: the line passes" in alone.out
    assert {one["line"]: one["used"] for one in alone.verdict["waivers"]} == {"f": True, "u": True, "a": False}
    project.edit(
        "conftest.py",
        '@check("unproven")',
        'def pytest_sessionfinish(session):\n    session.testsfailed += 1\n\n\n@check("unproven")',
    )
    project.gate().require("NO-GO", 10, "another plugin or a conftest found fault")
    project.edit("conftest.py", "session.testsfailed += 1", "session.exitstatus = 1")
    project.gate().require("NO-GO", 10, "another plugin or a conftest found fault")


def test_a_waiver_that_cannot_be_taken_at_its_word_is_a_fault_and_no_waiver(project: Project) -> None:
    project.conftest(HELPED)
    project.runbook("f holds value=no", "n never", "k broken", "s holds value=yes")
    accepted(project)
    digest = digests(project.gate())
    project.edit("config/runbooks/x.md", "Line s is true", "Line s is other")
    waive(
        project,
        {"line": "f", "digest": digest["f"], "expires": in_days(-1)},
        {"line": "n", "digest": digest["n"]},
        {"line": "k", "digest": digest["k"]},
        {"line": "s", "digest": digest["s"]},
        {"line": "zz", "digest": digest["f"]},
    )
    run = project.gate()
    assert run.outcomes == {"f": "failed", "n": "failed", "k": "error", "s": "suspect"}
    expired, never, other, unknown = run.verdict["troubles"]
    assert expired.startswith("config/golive.yaml:2 waivers.0: the waiver for 'f' expired on ")
    assert "its check allows none" in never
    assert "is for another state of the line: its digest is " in other
    assert "names a line that no runbook of this run has" in unknown
    run.require("NO-GO", 10, "expired on")
