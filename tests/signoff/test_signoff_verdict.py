"""`kraken-golive verdict`: the one thing that a deploy script calls."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.reporting.verdict_file import VerdictFile, iso
from pytest_kraken_golive.signoff.demands import age
from pytest_kraken_golive.signoff.record import read_verdict

if TYPE_CHECKING:
    from click.testing import Result
    from signed_project import Desk

pytest_plugins = ["signed_project"]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def ready(make_desk: Callable[[], Desk]) -> Desk:
    """All is well: a signed GO of the real thing, at this commit."""
    desk = make_desk()
    desk.git()
    desk.finish()
    assert desk.sign().exit_code == 0
    return desk


def production(desk: Desk, *words: str) -> Result:
    return desk.run("verdict", "--require", "production", "--commit", "HEAD", "--max-age", "1h", *words)


def refused(desk: Desk, reason: str, *words: str) -> None:
    done = production(desk, *words)
    assert done.exit_code == 1, done.output
    rows = done.stderr.splitlines()
    assert all(row.startswith("refused: ") and "Next: " in row for row in rows), rows
    assert reason in done.stderr, done.stderr


def test_it_is_0_where_all_holds(ready: Desk) -> None:
    done = production(ready)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Alice Adams (alice) as risk" in done.stdout


def changed(desk: Desk, **more: Any) -> None:
    """A run that was otherwise, signed as it is."""
    desk.document |= more
    desk.finish()


def one_byte(desk: Desk) -> None:
    path = desk.bundle / "verdict.json"
    path.write_bytes(path.read_bytes().replace(b"all 2 lines", b"all 3 lines"))


def of_another_run(desk: Desk) -> None:
    desk.document["run_id"] = "fedcba9876543210"
    desk.put()


def spoilt_manifest(desk: Desk) -> None:
    (desk.bundle / "manifest.json").write_bytes(b"{}\n")


def without_manifest(desk: Desk) -> None:
    (desk.bundle / "manifest.json").unlink()


def emptied(desk: Desk) -> None:
    shutil.rmtree(desk.bundle)
    desk.bundle.mkdir()


def without_a_file(desk: Desk) -> None:
    (desk.bundle / "project/config/golive.yaml").unlink()


def with_another_file(desk: Desk) -> None:
    desk.write("reports/bundle/more.txt", "more")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (one_byte, "verdict.json: was altered"),
        (of_another_run, "manifest.json: is of the run 0123456789abcdef, verdict.json of fedcba9876543210"),
        (spoilt_manifest, "manifest.json"),
        (without_manifest, "manifest.json: is missing"),
        (emptied, "expected a bundle"),
        (without_a_file, "project/config/golive.yaml: is missing"),
        (with_another_file, "more.txt: does not belong to the bundle"),
    ],
)
def test_a_bundle_beside_an_unsigned_verdict_is_of_it(
    make_desk: Callable[[], Desk], spoil: Callable[[Desk], None], reason: str
) -> None:
    desk = make_desk()
    desk.git()
    desk.finish()
    assert desk.run("verdict", "--require", "rehearsal").exit_code == 0
    spoil(desk)
    for words in (("--require", "rehearsal"), ()):
        done = desk.run("verdict", *words)
        assert done.exit_code == 1, done.output
        rows = [row for row in done.stderr.splitlines() if reason in row]
        assert rows, done.stderr
        assert all(row.count("Next: ") == 1 for row in rows)


def test_a_verdict_without_a_bundle_is_judged_alone(make_desk: Callable[[], Desk]) -> None:
    desk = make_desk()
    desk.git()
    desk.finish()
    shutil.rmtree(desk.bundle)
    assert desk.run("verdict", "--require", "rehearsal").exit_code == 0


SCOPES: dict[str, tuple[dict[str, Any], str]] = {
    "rehearsal": ({"deployment": "rehearsal"}, "a rehearsal was judged, no deployment"),
    "sandbox": ({"exchange": "sandbox"}, "the exchange was sandbox"),
    "nobody_answered": ({"answered": {}}, "the exchange was real (no real one answered)"),
    "nobody_looked": ({"answered": None}, "the exchange was real (no real one answered)"),
    "no_call": ({"answered": {"https://api.kraken.com": {}}}, "not https://api.kraken.com alone"),
    "another_too": (
        {"answered": {"https://api.kraken.com": {"Balance": 1}, "https://kraken.example": {"Balance": 1}}},
        "not https://api.kraken.com alone",
    ),
    "another": ({"answered": {"https://api.kraken.com.example": {"Balance": 1}}}, "not https://api.kraken.com alone"),
    "stock": (
        {"not_asked": [{"line": "x", "check": "limits"}]},
        "stock lines were not asked",
    ),
    "fixture": (
        {"overridden_fixtures": {"latency": "conftest.py"}},
        "the fixture latency of conftest.py is not the gate's own",
    ),
    "check": ({"replaced_checks": ["limits"]}, "the check limits is replaced"),
}


@pytest.mark.parametrize("name", SCOPES)
def test_production_is_derived_and_not_believed(ready: Desk, name: str) -> None:
    """`production_signoff` says true in each of these."""
    scope, reason = SCOPES[name]
    changed(ready, scope={**ready.document["scope"], **scope})
    ready.sign()
    assert ready.document["production_signoff"] is True
    refused(ready, reason)


def test_production_takes_the_runs_own_word_too(ready: Desk) -> None:
    changed(ready, production_signoff=False)
    ready.sign()
    refused(ready, "production_signoff is false")


def test_production_takes_a_production_runbook(ready: Desk) -> None:
    ready.document["runbooks"][0]["stage"] = "paper"
    changed(ready)
    ready.sign()
    refused(ready, "no runbook of the stage production was run")
    assert ready.run("verdict", "--require", "paper").exit_code == 0


def test_a_required_runbook_that_somebody_did_not_choose(ready: Desk) -> None:
    path = ready.document["runbooks"][0]["path"]
    line_id = ready.document["runbooks"][0]["lines"][0]["id"]
    ready.write("config/runbooks/live.md", "---\nstage: production\n---\n\n- Unbound.\n")
    ready.write("config/runbooks/paper.md", "---\nstage: paper\n---\n\n- Unbound.\n")
    ready.write_policy(
        f"required:\n  config/runbooks/live.md: []\n  config/runbooks/paper.md: []\n  {path}: [{line_id}, x]\n"
    )
    changed(ready, commit=ready.git())
    ready.sign()
    refused(ready, "config/runbooks/live.md is required by config/golive.yaml, and the run left it out")
    done = production(ready)
    assert f"{path}: x: required by config/golive.yaml, and not in the run" in done.stderr
    assert "paper.md" not in done.stderr, "another stage"
    (ready.root / "config/runbooks/paper.md").unlink()
    changed(ready, commit=ready.git())
    assert "config/runbooks/paper.md is required" in production(ready).stderr, "nobody can tell its stage"


def test_nobody_signed(ready: Desk) -> None:
    ready.finish()
    refused(ready, "0 of 1 needed persons have signed. Next: kraken-golive sign")
    assert ready.run("verdict", "--require", "rehearsal").exit_code == 0, "only production asks for signatures"


def test_who_must_sign_is_the_policys_word(ready: Desk) -> None:
    ready.write_policy("sign_off: {roles: [trader], persons: 2}\n")
    changed(ready, commit=ready.git())
    ready.sign(by="bob")
    refused(ready, "nobody has signed as trader")
    ready.sign(by="alice", role="trader")
    refused(ready, "1 of 2 needed persons have signed")


def test_a_verdict_edited_after_it_was_signed(ready: Desk) -> None:
    path = ready.reports / "verdict.json"
    path.write_text(path.read_text().replace("all 2 lines are proven", "all 2 lines are perfect"))
    refused(ready, "alice signed another verdict.json than there is now")
    done = ready.run("verdict", "--require", "rehearsal")
    assert done.exit_code == 1, "whatever is required, a verdict that was edited is not relied upon"


def test_a_bundle_of_another_run_beside_it(ready: Desk) -> None:
    manifest = ready.bundle / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"0123456789abcdef", b"fedcba9876543210"))
    refused(ready, "alice signed another bundle's manifest")
    shutil.rmtree(ready.bundle)
    assert production(ready).exit_code == 0, "it may have been moved to where records are kept"


def test_a_signature_that_is_too_old(ready: Desk) -> None:
    ready.write_policy("sign_off: {max_age_h: 1.0e-6}\n")
    changed(ready, commit=ready.git())
    ready.sign()
    refused(ready, "older than 1e-06 hours")


@pytest.mark.parametrize("verdict", ["NO-GO", "INCOMPLETE"])
def test_no_go(ready: Desk, verdict: str) -> None:
    outcome = {"NO-GO": "failed", "INCOMPLETE": "not_run"}[verdict]
    ready.line("limits")["outcome"] = outcome
    changed(ready, verdict=verdict, reason="limits: too many", production_signoff=False)
    refused(ready, f"the verdict is {verdict} (deployment, real): limits: too many")
    assert ready.run("verdict").exit_code == {"NO-GO": 10, "INCOMPLETE": 11}[verdict]


def times(**ago: dt.timedelta) -> dict[str, str]:
    return {name: iso(now() - span) for name, span in ago.items()}


HOUR = dt.timedelta(hours=1)


def test_too_old(ready: Desk) -> None:
    changed(ready, **times(started_at=3 * HOUR, finished_at=2 * HOUR))
    ready.sign()
    refused(ready, "the verdict is 2 h ")
    assert production(ready, "--max-age", "3h").exit_code == 0
    changed(ready, **times(started_at=HOUR, finished_at=dt.timedelta(seconds=20)))
    ready.sign()
    refused(ready, " s old, older than was asked for", "--max-age", "1s")
    changed(ready, **times(started_at=30 * HOUR, finished_at=29 * HOUR, valid_until=5 * HOUR))
    ready.sign()
    refused(ready, "the verdict counted until", "--max-age", "2d")
    assert ready.run("verdict").exit_code == 1, "a GO that does not count any more is no GO"


def test_a_clock_that_was_set_back(ready: Desk) -> None:
    changed(ready, **times(started_at=-HOUR, finished_at=-2 * HOUR, valid_until=-24 * HOUR))
    refused(ready, "in the future. Next: correct the clock")


def test_another_commit(ready: Desk) -> None:
    first = ready.document["commit"]
    ready.write("bot.py", "print('other')\n")
    second = ready.git()
    refused(ready, f"the run is of the commit {first}, not of {second}")
    assert ready.run("verdict", "--require", "production", "--commit", first).exit_code == 0
    assert ready.run("verdict", "--require", "production", "--commit", first[:12]).exit_code == 0
    for name in ("deadbeef", "--help", "no such branch"):
        done = ready.run("verdict", "--require", "production", f"--commit={name}")
        assert done.exit_code == 1
        assert f"git knows no commit {name}" in done.stderr


def test_production_is_of_this_commit_also_if_nobody_says_so(ready: Desk) -> None:
    ready.write("bot.py", "print('other')\n")
    ready.git()
    assert ready.run("verdict", "--require", "production").exit_code == 1
    assert ready.run("verdict", "--require", "rehearsal").exit_code == 0


def test_a_commit_is_known_without_git_by_its_whole_id(make_desk: Callable[[], Desk]) -> None:
    desk = make_desk()
    desk.document["commit"] = "a" * 40
    desk.finish()
    desk.sign()
    assert desk.run("verdict", "--require", "production", "--commit", "a" * 40).exit_code == 0
    assert desk.run("verdict", "--require", "production", "--commit", "a" * 12).exit_code == 1
    assert desk.run("verdict", "--require", "production").exit_code == 1


@pytest.mark.parametrize(("dirty", "words"), [(True, "files differed from the commit"), (None, "nobody knows whether")])
def test_a_run_with_changes_that_are_in_no_commit(ready: Desk, dirty: bool | None, words: str) -> None:
    changed(ready, dirty=dirty)
    ready.sign()
    refused(ready, words)
    assert production(ready, "--allow-dirty").exit_code == 0


def test_files_that_differ_from_the_commit_now(ready: Desk) -> None:
    ready.write("bot.py", "print('one')\n")
    changed(ready, commit=ready.git())
    ready.sign()
    assert production(ready).exit_code == 0
    ready.write("bot.py", "print('two')\n")
    refused(ready, "files differ from the commit now")


@pytest.mark.parametrize("name", ["config/runtime.yaml", "config/golive.yaml", "config/runbooks/x.md"])
def test_a_judged_file_that_changed(ready: Desk, name: str) -> None:
    path = ready.root / name
    kept = path.read_bytes()
    path.write_bytes(kept + b"\n")
    refused(ready, f"{name} was changed since the run")
    path.write_bytes(kept.replace(b"\n", b"\r\n"))
    refused(ready, f"{name} was changed since the run")
    path.write_bytes(kept)
    assert production(ready).exit_code == 0


def test_a_judged_file_that_is_gone_or_new(ready: Desk) -> None:
    ready.write("config/runbooks/more.md", "- more\n")
    ready.write(".env", "KRAKEN_USE_SANDBOX=false\n")
    (ready.root / "config/runtime.yaml").unlink()
    refused(ready, "config/runbooks/more.md was not there when the run judged the others")
    refused(ready, ".env was not there when the run judged the others")
    refused(ready, "config/runtime.yaml is gone since the run")


def test_a_waiver_that_ended_meanwhile(ready: Desk) -> None:
    waiver = {
        "reason": "known",
        "approver": "Bob",
        "ticket": "T-1",
        "expires_at": iso(now() + HOUR),
        "waived": "failed",
    }
    ready.line("limits").update(outcome="waived", waiver=waiver)
    changed(ready)
    ready.sign()
    assert production(ready).exit_code == 0
    assert "waiver      limits until" in ready.run("verdict").stdout
    waiver["expires_at"] = iso(now() - HOUR)
    changed(ready)
    ready.sign()
    refused(ready, "the waiver of limits ended at")


def edited(desk: Desk, edit: Callable[[str], str]) -> Result:
    path = desk.reports / "verdict.json"
    path.write_text(edit(path.read_text()))
    return production(desk)


CONTRADICTIONS: dict[str, tuple[str, str, str]] = {
    "failed_line": ('"outcome": "passed"', '"outcome": "failed"', "counts are not those"),
    "no_evidence": ('"evidence": [{"source": "test", "value": 1}]', '"evidence": []', "passed without evidence"),
    "trouble": ('"troubles": []', '"troubles": ["a worker died"]', "GO in spite of a worker died"),
    "blocker": ('"blockers": []', '"blockers": ["limits"]', "GO in spite of limits"),
    "unwaived": ('"outcome": "passed"', '"outcome": "waived"', "counts are not those"),
    "twice": ('"id": "risk-reviewed"', '"id": "limits"', "the line limits stands there 2 times"),
    "no_go_for_production": ('"verdict": "GO"', '"verdict": "NO-GO"', "NO-GO is a production sign-off"),
    "duplicate_key": ('"verdict": "GO"', '"verdict": "NO-GO",\n"verdict": "GO"', "verdict"),
    "schema": ('"schema_version": 1', '"schema_version": 2', "expected 1, found 2"),
    "schema_true": ('"schema_version": 1', '"schema_version": true', "expected 1, found true"),
    "text_for_flag": ('"production_signoff": true', '"production_signoff": "true"', "production_signoff"),
    "no_zone": ("Z", "", "no time zone"),
    "huge": ('"passed": 2', f'"passed": {"9" * 5000}', "too many digits"),
    "infinite": ('"passed": 2', '"passed": 1e999', "finite number"),
    "nan": ('"passed": 2', '"passed": NaN', "finite number"),
    "torn": ('"counts"', "", "expected JSON"),
    "other_word": ('"verdict": "GO"', '"verdict": "GO!"', "verdict"),
    "unknown_outcome": ('"outcome": "passed"', '"outcome": "fine"', "outcome"),
    "control_characters": ('"run_id": "0', '"run_id": "\\u001b[2J', "control characters"),
    "no_digest_of_the_runbook": ('"path": "config/runbooks/x.md"', '"path": "config/y.md"', "is not that of the scope"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_verdict_that_contradicts_itself_cannot_be_read(ready: Desk, name: str) -> None:
    old, new, reason = CONTRADICTIONS[name]
    done = edited(ready, lambda text: text.replace(old, new, 1))
    assert done.exit_code == 2, done.output
    assert reason in done.stderr
    assert "Next: " in done.stderr
    assert "Traceback" not in done.output


def test_production_signoff_edited_to_true(ready: Desk) -> None:
    changed(ready, production_signoff=False, scope={**ready.document["scope"], "exchange": "sandbox"})
    ready.sign()
    done = edited(ready, lambda text: text.replace('"production_signoff": false', '"production_signoff": true'))
    assert done.exit_code == 1
    assert "the exchange was sandbox" in done.stderr
    assert "alice signed another verdict.json" in done.stderr


def test_a_run_that_did_not_reach_its_end(ready: Desk) -> None:
    VerdictFile(ready.reports).say_no_go("the run did not reach its end")
    refused(ready, "the run did not reach its end")
    assert ready.run("verdict").exit_code == 10


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"schema_version": 1}'])
def test_what_is_no_verdict_cannot_be_read(ready: Desk, content: str) -> None:
    done = edited(ready, lambda _: content)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    (ready.reports / "verdict.json").unlink()
    assert production(ready).exit_code == 2


def test_without_a_requirement_it_shows_the_verdict(ready: Desk) -> None:
    done = ready.run("verdict")
    assert done.exit_code == 0
    for words in (
        "GO (deployment, real)",
        "commit ",
        "exchange    real (127.0.0.1, api.kraken.com)",
        "age ",
        "signed ",
    ):
        assert words in done.stdout


@pytest.mark.parametrize("words", [["--commit", "HEAD"], ["--max-age", "1h"], ["--allow-dirty"]])
def test_a_demand_without_a_requirement_is_not_passed_over(ready: Desk, words: list[str]) -> None:
    done = ready.run("verdict", *words)
    assert done.exit_code == 2
    assert "need --require" in done.stderr


def test_json(ready: Desk) -> None:
    told = json.loads(production(ready, "--json").stdout)
    assert (told["exit_status"], told["reasons"], told["verdict"]) == (0, [], "GO")
    assert [one["signer"] for one in told["signatures"]] == ["alice"]
    ready.finish()
    told = json.loads(production(ready, "--json").stdout)
    assert told["exit_status"] == 1
    assert len(told["reasons"]) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172_800), ("999999d", 86_399_913_600)]
)
def test_times(text: str, seconds: int) -> None:
    assert age(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1w", "-1h", "1.5h", " 1h", "1h\n", "0s", "1H", "\u0661h", "9999999d"])
def test_what_is_no_time(ready: Desk, text: str) -> None:
    with pytest.raises(ValueError, match="expected a time like"):
        age(text)
    assert ready.run("verdict", "--require", "rehearsal", f"--max-age={text}").exit_code == 2


def test_git_is_asked_about_the_project(ready: Desk) -> None:
    """Not about the folder that the script happens to be called from."""
    other = ready.root / "other"
    other.mkdir()
    subprocess.run(["git", "-C", str(other), "init", "-q"], check=True)
    done = ready.run("verdict", "--require", "production", "--project", "other")
    assert done.exit_code == 1
    assert "git knows no commit HEAD" in done.stderr


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_at_a_key_is_read_or_refused(desk: Desk, data: st.DataObject) -> None:
    """Never a trace-back, and never a verdict out of a wrong type."""
    document = json.loads((desk.reports / "verdict.json").read_text())
    place = data.draw(st.sampled_from([(), ("scope",), ("runbooks", 0), ("runbooks", 0, "lines", 0)]))
    at: Any = document
    for key in place:
        at = at[key]
    key = data.draw(st.sampled_from(sorted(at)))
    kept = at[key]
    at[key] = data.draw(json_data)
    path = desk.write("reports/other.json", json.dumps(document))
    at[key] = kept
    said = "Next: "
    try:
        read_verdict(path, "other.json")
    except (Fault, NotProven) as error:
        said = str(error)
    assert "Next: " in said
