"""What the gate makes of a project's own test files: which tests count, and what must have happened at the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.checks import suite_scenes
from pytest_kraken_golive.checks.own_client import require_copes
from pytest_kraken_golive.checks.suite_scenes import ACCEPTED, REFUSED, RETRIED, missing, retried_reads
from pytest_kraken_golive.checks.suites import require_all_passed, require_believable
from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.rehearsal.child_pytest import (
    BAD_GATEWAY,
    RATE_LIMITED,
    SIGNED,
    Case,
    OwnClient,
    SuiteResult,
    run_suite,
)

BALANCE, TIME, ADD_ORDER = "/0/private/Balance", "/0/public/Time", "/0/private/AddOrder"


def report(when: str, outcome: str = "passed", message: str = "", *, expected_to_fail: bool = False) -> dict[str, Any]:
    return {"when": when, "outcome": outcome, "message": message, "expected_to_fail": expected_to_fail}


@pytest.mark.parametrize(
    ("reports", "calls", "expected"),
    [
        ([report("setup"), report("call"), report("teardown")], 1, "passed"),
        ([report("setup"), report("call"), report("teardown")], 0, "passed"),  # unittest's tests are called otherwise
        ([], 0, "error"),
        ([report("setup"), report("teardown")], 0, "error"),
        ([report("setup", "failed"), report("teardown")], 0, "error"),
        ([report("setup", "skipped"), report("teardown")], 0, "skipped"),
        ([report("setup"), report("call", "failed"), report("teardown")], 1, "failed"),
        ([report("setup"), report("call"), report("teardown", "failed")], 1, "error"),
        ([report("call", "failed"), report("call")], 1, "failed"),
        ([report("call", "rerun"), report("call")], 1, "skipped"),
        ([report("call", "skipped", expected_to_fail=True)], 1, "skipped"),
        ([report("call", expected_to_fail=True)], 1, "failed"),
        ([report("call")], 2, "run again"),
    ],
)
def test_of_several_reports_the_worst_counts(reports: list[dict[str, Any]], calls: int, expected: str) -> None:
    told = {"id": "a", "reports": reports, "calls": calls, "started_s": 0.0, "ended_s": 1.0}
    assert Case.of(told).outcome == expected


def books(*calls: tuple[float, str, int, list[str] | None], **changed: Any) -> dict[str, Any]:
    booked = [{"at_s": at, "path": path, "status": status, "errors": errors} for at, path, status, errors in calls]
    return {
        "requests": {"total": len(booked)},
        "signed_wrong": 0,
        "errors": {},
        "keys": {},
        "calls": booked,
        **changed,
    }


def case(name: str = "a", outcome: str = "passed", started_s: float = 0.0, ended_s: float = 10.0) -> Case:
    return Case(name, outcome, "said so.", started_s, ended_s)


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        ((1, BALANCE, 502, None), (2, BALANCE, 200, []), "a: /0/private/Balance after HTTP 502"),
        ((1, TIME, 0, None), (2, TIME, 200, []), "a: /0/public/Time after no whole answer"),
        ((2, BALANCE, 200, []), (1, BALANCE, 0, None), "a: /0/private/Balance after no whole answer"),
        ((1, BALANCE, 200, ["EService:Busy"]), (2, BALANCE, 200, []), "a: /0/private/Balance after EService:Busy"),
        ((1, BALANCE, 502, None), (2, BALANCE, 502, None), None),
        ((1, BALANCE, 502, None), (2, BALANCE, 200, ["EAPI:Invalid key"]), None),
        ((1, BALANCE, 502, None), (2, TIME, 200, []), None),
        ((1, BALANCE, 502, None), (11, BALANCE, 200, []), None),
        ((-1, BALANCE, 502, None), (2, BALANCE, 200, []), None),
        ((1, BALANCE, 200, ["EAPI:Rate limit exceeded"]), (2, BALANCE, 200, []), None),
        ((1, ADD_ORDER, 502, None), (2, ADD_ORDER, 200, []), None),
    ],
)
def test_a_retry_is_a_read_that_is_answered_within_the_same_test(first: Any, then: Any, expected: str | None) -> None:
    assert retried_reads(books(first, then), [case()]) == ([expected] if expected else [])


def test_what_did_not_happen_is_named_with_how_to_make_it_happen() -> None:
    scenes = (ACCEPTED, REFUSED, RETRIED, suite_scenes.RATE_LIMITED)
    full = books(
        (1, BALANCE, 502, None),
        (2, BALANCE, 200, []),
        signed_wrong=1,
        errors={"EAPI:Rate limit exceeded": 1},
        keys={"k": {"nonces_accepted": 2}},
    )
    assert missing(scenes, full, [case()]) is None
    ordered_refusal = {**full, "signed_wrong": 0, "errors": {"EAPI:Invalid signature": 1}}
    said = missing(scenes, ordered_refusal, [case()]) or ""
    assert "a wrong signature" in said
    assert "EAPI:Rate limit exceeded" in said
    assert "a signed call that it accepts" not in said
    assert "without a single call" in (missing(scenes, books(), [case()]) or "")


def result(*cases: Case, **changed: Any) -> SuiteResult:
    given: dict[str, Any] = {"exit_status": 0, "collected": len(cases), "left_out": [], "problems": []}
    given |= {"canary": None, "client": None, "made_reference": [], "plugins": [], "files": {}} | changed
    return SuiteResult(command="pytest t.py", cases=list(cases), books=books(), tail="", **given)


def test_all_tests_must_run_once_and_pass() -> None:
    require_all_passed(result(case()), "t.py")
    for unproven, words in (
        (result(), "no test ran"),
        (result(collected=1, left_out=["t.py::c"], exit_status=3), r"no test ran \(exit status 3\)"),
        (result(case(), case("b", "skipped")), "b: skipped"),
        (result(case("b", "run again")), "b: run again"),
        (result(case(), collected=2, left_out=["t.py::c"]), "1 of its 2 tests did not run: t.py::c"),
    ):
        with pytest.raises(NotProven, match=words):
            require_all_passed(unproven, "t.py")
    for wrong, words in (
        (result(case("b", "failed"), case("c", "skipped")), r"b: failed: said so\. Next"),
        (result(case(), problems=["t.py: SyntaxError"]), "SyntaxError"),
        (result(case(), exit_status=1), "exit status is 1"),
    ):
        with pytest.raises(AssertionError, match=words):
            require_all_passed(wrong, "t.py")


def test_what_passed_must_be_able_to_fail_and_be_about_the_own_client() -> None:
    own = OwnClient("conftest.py", "conftest.Mine", None, {})
    require_believable(result(case(), client=own), "t.py")
    require_believable(result(case(), made_reference=["t.py::a"]), "t.py")  # it has no client of its own
    with pytest.raises(NotProven, match=r"was reported as passed.*look at what tests/conftest\.py does"):
        require_believable(result(case(), canary="was reported as passed", files={"tests/conftest.py": ""}), "t.py")
    with pytest.raises(NotProven, match=r"t\.py::a: makes a reference client.*is conftest\.Mine \(conftest\.py\)"):
        require_believable(result(case(), client=own, made_reference=["t.py::a"]), "t.py")


LIMITED = ["EAPI:Rate limit exceeded"]
COPES: tuple[tuple[float, str, int, list[str] | None], ...] = (
    (1.0, BALANCE, 200, []),
    (2.0, BALANCE, 502, None),
    (2.5, BALANCE, 200, []),
    (3.0, BALANCE, 200, LIMITED),
    (3.2, BALANCE, 200, []),
)


def driven(**errors: str) -> OwnClient:
    names = {SIGNED: 1.0, BAD_GATEWAY: 2.0, RATE_LIMITED: 3.0}
    told = {name: {"started_s": at, "ended_s": at + 0.9, "error": errors.get(name)} for name, at in names.items()}
    return OwnClient("conftest.py", "conftest.Mine", None, told)


def test_an_own_client_that_copes() -> None:
    found = require_copes(driven(), books(*COPES))
    assert found == {
        SIGNED: 1,
        BAD_GATEWAY: ["bad_gateway: /0/private/Balance after HTTP 502"],
        RATE_LIMITED: pytest.approx(0.2),
    }


def test_an_own_client_that_does_not_cope() -> None:
    with pytest.raises(AssertionError, match=r"HTTP 502 is tried again and returns, found .*: OSError: bad.*Next: let"):
        require_copes(driven(bad_gateway="OSError: bad"), books(*COPES))
    with pytest.raises(
        AssertionError, match=r"waits, is tried again and returns, found that it asked again after 0\.01"
    ):
        require_copes(driven(), books(*COPES[:4], (3.01, BALANCE, 200, [])))
    for booked in (COPES[1:], (*COPES[:1], *COPES[2:]), COPES[:4]):  # it answers out of its head
        with pytest.raises(NotProven, match="it answered, but the books"):
            require_copes(driven(), books(*booked))
    with pytest.raises(NotProven, match="could not be asked: its setup failed"):
        require_copes(OwnClient("conftest.py", "x", "its setup failed", {}), books(*COPES))


SUITE = """
import os, pathlib, subprocess, sys, unittest
import httpx, pytest

def test_plain(kraken_sandbox):
    with httpx.Client(base_url=kraken_sandbox.url, trust_env=False, timeout=60) as client:
        kraken_sandbox.fault("latency", "Time", latency_s=1)
        with pytest.raises(httpx.TimeoutException):
            client.get("/0/public/Time", timeout=0.1)
        assert client.get("/0/public/Time").json()["error"] == []

def test_the_order_is_not_inherited():
    assert "GOLIVE_SUITE" not in os.environ

@pytest.mark.parametrize("one", [])
def test_no_parameters(one):
    pass

@pytest.mark.skip(reason="not today")
def test_skipped():
    pass

@pytest.mark.xfail(strict=False)
def test_expected_to_fail():
    pass

def test_left_out():
    pass

def test_left_out_loudly():
    pass

class TestOld(unittest.TestCase):
    def test_old(self):
        self.assertTrue(True)
"""

CONFTEST = """
def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=[one for one in items if one.name == "test_left_out_loudly"])
    items[:] = [one for one in items if not one.name.startswith("test_left_out")]
"""


STRICT = "cache_dir = .kept\nstrict_config = true\nfilterwarnings = error\n"
"""An ini file that refuses a child which left out a plugin whose keys it holds."""


def test_the_child_tells_everything_that_pytest_did(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = -k nothing\n{STRICT}", encoding="utf-8")
    found = run_suite(tmp_path, "test_suite.py")
    assert {one.id.rpartition("::")[2]: one.outcome for one in found.cases} == {
        "test_plain": "passed",
        "test_the_order_is_not_inherited": "passed",
        "test_no_parameters[NOTSET]": "skipped",
        "test_skipped": "skipped",
        "test_expected_to_fail": "failed",
        "test_old": "passed",
    }
    assert next(one.message for one in found.cases if one.id.endswith("test_skipped")) == "not today"
    assert found.left_out == ["test_suite.py::test_left_out", "test_suite.py::test_left_out_loudly"]
    assert (found.collected, found.problems, found.exit_status) == (8, [], 0)
    assert (found.canary, found.client, found.made_reference) == (None, None, [])
    assert list(found.files) == ["conftest.py", "test_suite.py"]
    assert "conftest.py" in found.plugins
    assert not (tmp_path / ".kept").exists()
    assert retried_reads(found.books, found.cases) == [
        "test_suite.py::test_plain: /0/public/Time after no whole answer"
    ]


def test_a_child_without_an_account_of_its_tests_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text("import os\nos._exit(0)\n", encoding="utf-8")
    with pytest.raises(NotProven, match="exit status 0 and left no account"):
        run_suite(tmp_path, "test_suite.py")
