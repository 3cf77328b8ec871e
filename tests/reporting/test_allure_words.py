"""Allure's words for what the gate says: whatever is not proven is not green, and everything leads back to its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from allure_results import Results
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import GOOD, Outcome
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.allure.folder import AllureFolder, Run
from pytest_kraken_golive.reporting.allure.forge import Links, repository
from pytest_kraken_golive.reporting.allure.html import OutsideError, made_safe
from pytest_kraken_golive.reporting.allure.surroundings import environment, executor
from pytest_kraken_golive.reporting.allure.words import STATUSES, categories, message, severity

EXCUSE = {
    "reason": "the feed is down",
    "approver": "alice",
    "ticket": "OPS-1",
    "expires_at": "2026-12-24T00:00:00Z",
    "waived": "not_proven",
}


def line(outcome: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"line-{outcome}",
        "line": 7,
        "text": f"It is {outcome}.",
        "section": ["Runbook", "Keys", "Rights"],
        "check": "holds",
        "params": {"value": "yes", "live": False},
        "outcome": outcome,
        "message": "" if outcome in {"passed", "signed"} else "config/core.yaml:3 a.b: expected 1, found 2.",
        "duration_s": 0.5,
        "evidence": [
            {"source": "config/core.yaml", "line": 3, "key": "a.b", "value": 2},
            {"source": "exchange", "key": "books", "value": {"orders": 1}, "note": "its own books"},
            {"source": "latency/x.svg", "value": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
            {"source": "bot.log", "value": "first\nsecond"},
            {"source": "cassettes/x.yaml", "key": "recording", "value": {"interactions": 1}},
        ],
        "waiver": EXCUSE if outcome == "waived" else None,
        **more,
    }


def document(*lines: dict[str, Any], verdict: str = "NO-GO") -> dict[str, Any]:
    return {
        "run_id": "r",
        "verdict": verdict,
        "reason": "a: expected ü",
        "troubles": [],
        "production_signoff": False,
        "scope": {"name": "rehearsal, sandbox", "deployment": "rehearsal", "exchange": "sandbox", "hosts": ["::1"]},
        "started_at": "2026-11-20T12:00:00.000Z",
        "finished_at": "2026-11-20T12:01:00.000Z",
        "valid_until": "2026-11-21T12:01:00.000Z",
        "commit": "c0ffee",
        "dirty": False,
        "runbooks": [
            {
                "path": "config/runbooks/x.md",
                "sha256": "5" * 64,
                "stage": "paper",
                "title": "Runbook",
                "owner": "desk",
                "lines": list(lines),
            }
        ],
    }


def written(
    tmp_path: Path, *lines: dict[str, Any], verdict: str = "NO-GO", environ: dict[str, str] | None = None
) -> Results:
    folder = AllureFolder(tmp_path / "results")
    folder.begin("it did not end")
    links = Links(repository("git@github.com:desk/bot.git", {}), "c0ffee")
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "cassettes" / "x.yaml").write_text("interactions: [secret-key]\n", encoding="utf-8")
    run = Run(tmp_path, Redactor(["secret-key"]), links, environ or {}, {"line-passed": 1.8e9})
    folder.write(document(*lines, verdict=verdict), run)
    folder.close()
    found = Results(folder.path)
    assert found.disagreements(document(*lines)) == []
    return found


def test_only_what_counts_for_a_go_is_green() -> None:
    assert set(STATUSES) == {str(outcome) for outcome in Outcome}
    for outcome in Outcome:
        is_green = STATUSES[outcome] == "passed"
        assert is_green == (outcome in GOOD and outcome is not Outcome.WAIVED)
        if outcome not in GOOD and outcome is not Outcome.NOT_RUN:
            assert STATUSES[outcome] in {"failed", "broken"}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_category_of_its_own(outcome: Outcome) -> None:
    """Allure 2 matches the whole message, Allure 3 searches in it."""
    said = message(line(outcome))
    matching = [
        group["name"]
        for group in categories()
        if STATUSES[outcome] in group["matchedStatuses"]
        and re.fullmatch(group.get("messageRegex", r"[\s\S]*"), said)
        and re.search(group.get("messageRegex", ""), said)
    ]
    assert len(matching) == (STATUSES[outcome] != "passed")


def test_a_waiver_is_told() -> None:
    said = message(line("waived"))
    for word in ("Waived: not proven", "until 2026-12-24T00:00:00Z", "alice", "OPS-1", "the feed is down", "found 2"):
        assert word in said


def test_severity_says_what_a_waiver_may_do() -> None:
    assert severity(line("failed", waivable=False)) == "blocker"
    assert severity(line("failed", waivable=True)) == "critical"


def test_a_result_tells_what_its_line_says_and_what_was_seen(tmp_path: Path) -> None:
    found = written(tmp_path, line("passed"), line("failed"), line("signed"), line("waived"), line("pending"))
    failed = found.of("line-failed")
    assert failed["name"] == "It is failed."
    labels = {label["name"]: label["value"] for label in failed["labels"]}
    expected = {"epic": "Runbook", "feature": "Keys", "story": "Rights", "check": "holds", "stage": "paper"}
    assert (
        labels.items() >= {**expected, "scope": "rehearsal, sandbox", "owner": "desk", "severity": "critical"}.items()
    )
    parameters = {one["name"]: one["value"] for one in failed["parameters"]}
    assert parameters == {"value": "yes", "live": "false", "runbook line": "config/runbooks/x.md:7"}
    (link,) = failed["links"]
    assert link["name"] == "config/runbooks/x.md:7"
    assert link["url"] == "https://github.com/desk/bot/blob/c0ffee/config/runbooks/x.md?plain=1#L7"
    assert [step["status"] for step in failed["steps"]] == ["failed", *["unknown"] * 4]
    assert {step["status"] for step in found.of("line-passed")["steps"]} == {"passed"}
    assert failed["steps"][0]["name"] == "config/core.yaml:3 a.b = 2"
    assert {"name": "note", "value": "its own books"} in failed["steps"][1]["parameters"]
    files = [one for step in failed["steps"] for one in step.get("attachments", [])]
    types = [file["type"] for file in files]
    assert types == ["application/json", "image/svg+xml", "text/plain", "application/json", "application/yaml"]
    assert json.loads(found.attachment(files[0])) == {"orders": 1}
    assert found.attachment(files[-1]) == "interactions: [***]\n"
    assert found.of("line-passed")["stop"] == 1_800_000_000_000
    assert found.of("line-passed")["start"] == 1_799_999_999_500
    assert found.of("line-waived")["status"] == "skipped"


def test_what_only_the_run_knows_is_global(tmp_path: Path) -> None:
    found = written(tmp_path, line("passed"), line("waived"), environ={"GITHUB_ACTIONS": "true", **GITHUB})
    assert found.errors == ["NO-GO (rehearsal, sandbox): a: expected ü"]
    assert found.of("verdict")["status"] == "failed"  # no line says so
    assert json.loads((found.folder / "executor.json").read_text())["buildUrl"].endswith("/actions/runs/99")
    assert {"allurerc.mjs", "categories.json", "environment.properties"} <= {one.name for one in found.folder.iterdir()}


def test_a_go_has_lines_alone(tmp_path: Path) -> None:
    found = written(tmp_path, line("passed"), verdict="GO")
    assert (len(found.all), found.errors) == (1, [])
    assert not (found.folder / "executor.json").exists()


GITHUB = {
    "GITHUB_SERVER_URL": "https://github.example.org",
    "GITHUB_REPOSITORY": "desk/bot",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_RUN_ID": "99",
    "GITHUB_WORKFLOW": "gate",
}


def test_who_ran_it() -> None:
    assert executor({}) is None
    assert executor({"GITHUB_ACTIONS": "true", **GITHUB}) == {
        "name": "GitHub Actions",
        "type": "github",
        "url": "https://github.example.org/desk/bot",
        "buildOrder": 12,
        "buildName": "gate #12",
        "buildUrl": "https://github.example.org/desk/bot/actions/runs/99",
    }
    assert executor({"JENKINS_URL": "https://ci.example.org/"}) == {
        "name": "Jenkins",
        "type": "jenkins",
        "url": "https://ci.example.org/",
    }


@given(st.text())
def test_the_environment_is_what_java_reads(reason: str) -> None:
    text = environment({**document(), "reason": reason})
    assert text.isascii()
    rows = text.splitlines()
    assert len(rows) == 14
    (said,) = [row.removeprefix("reason=") for row in rows if row.startswith("reason=")]
    utf16 = re.sub(r"\\(?:u([0-9a-f]{4})|(.))", lambda one: chr(int(one[1], 16)) if one[1] else one[2], said)
    read = utf16.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")
    assert read == (" ".join(reason.split()) or "none")
    assert r"sha256\ of\ config/runbooks/x.md=" in text


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@github.com:desk/bot.git", "https://github.com/desk/bot/blob/c/r.md?plain=1#L2"),
        ("https://user:token@github.com/desk/bot", "https://github.com/desk/bot/blob/c/r.md?plain=1#L2"),
        ("ssh://git@gitlab.com:22/a/b/c.git", "https://gitlab.com/a/b/c/-/blob/c/r.md?plain=1#L2"),
        ("https://bitbucket.org/a/b.git", "https://bitbucket.org/a/b/src/c/r.md#lines-2"),
        ("https://codeberg.org/a/b.git", "https://codeberg.org/a/b/src/commit/c/r.md?display=source#L2"),
        ("https://git.example.org/a/b.git", None),
        ("https://github.com.example.org/a/b.git", None),
        ("/srv/git/bot.git", None),
        ("../github.com:bot", None),
        (None, None),
    ],
)
def test_links_to_forges(remote: str | None, url: str | None) -> None:
    page = repository(remote, {})
    assert Links(page, "c").to("r.md", 2) == url
    assert Links(page, None).to("r.md", 2) is None
    assert Links(page, "c").to("../r.md", 2) is None


def test_links_of_a_project_within_its_repository() -> None:
    page = repository(None, {"GITLAB_CI": "true", "CI_PROJECT_URL": "https://git.example.org/a/b"})
    assert (
        Links(page, "c", "bots/one/").to("a b.md", 2)
        == "https://git.example.org/a/b/-/blob/c/bots/one/a%20b.md?plain=1#L2"
    )


def test_a_page_without_head_is_no_page() -> None:
    with pytest.raises(OutsideError, match="head"):
        made_safe("<p>nothing</p>")


@pytest.mark.parametrize(
    ("outside", "named"),
    [
        ('<script src="https://cdn.example.org/a.js"></script>', "https://cdn.example.org/a.js"),
        ("<img src='//pixel.example.org/1.gif'>", "//pixel.example.org/1.gif"),
        ("<IMG SRC=http://pixel.example.org/1.gif>", "http://pixel.example.org/1.gif"),
        ('<link rel="stylesheet" href="styles.css">', "styles.css"),
        ("<iframe src='https://example.org'></iframe>", "https://example.org"),
        ("<script>window.gtag('event')</script><script>gtag('js')</script>", "gtag("),
        ('<script data-x src="https://www.googletagmanager.com/gtm.js?id=" defer>1</script>', "googletagmanager"),
    ],
    ids=["script", "image", "capitals", "beside", "frame", "another-tag", "filled-script"],
)
def test_a_page_that_would_fetch_or_tell_is_refused(outside: str, named: str) -> None:
    with pytest.raises(OutsideError, match=re.escape(named)):
        made_safe(f"<html><head></head><body>{outside}</body></html>")
