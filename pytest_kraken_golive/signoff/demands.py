"""What a deploy script may demand of a verdict, and why it is not met. Nothing is believed that can be derived."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.deployment.checkout import commit_of, git_state
from pytest_kraken_golive.kraken.endpoint import PRODUCTION_URL
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.runbook.model import RunbookError
from pytest_kraken_golive.runbook.parse import read_runbook
from pytest_kraken_golive.signoff.manifest import measured
from pytest_kraken_golive.signoff.places import BUNDLE, FOLDER, MANIFEST
from pytest_kraken_golive.signoff.record import Verdict, VerdictRecord
from pytest_kraken_golive.signoff.signatures import SKEW, Needs, Signatures, run_signatures
from pytest_kraken_golive.signoff.signers import signers_of
from pytest_kraken_golive.signoff.unchanged import REHEARSAL, changed_files
from pytest_kraken_golive.signoff.verify import subject_of, unlike

Level = Literal["rehearsal", "paper", "production"]
"""`rehearsal`: any GO. `paper`: of a deployment as it stands, by a paper runbook. `production`: also at the real
exchange, by a production runbook, and signed."""

REAL = "real"
HEAD = "HEAD"

_AGE = re.compile(r"(\d{1,6})(s|m|h|d)", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_RUN_AGAIN = "Next: run pytest --golive again"


def age(text: str) -> dt.timedelta:
    """A time span as people write it: `90s`, `30m`, `1h`, `2d`.

    Raises:
        ValueError: it is none, or nothing.
    """
    found = _AGE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"expected a time like 90s, 30m, 1h or 2d, found {text!r}")
    return dt.timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True)
class Demands:
    """What must hold."""

    level: Level
    commit: str | None
    """`HEAD`, or another name or id of the commit that the run must be of; None: any."""
    max_age: dt.timedelta | None
    """How old the verdict may be; None: until its own `valid_until`."""
    allow_dirty: bool
    """Whether files may differ from the commit."""
    required: Mapping[str, Sequence[str]]
    """Runbooks and lines that must exist, as the policy says. A run may have left out whole runbooks of them."""


def signatures_of(record: VerdictRecord, report_dir: Path, policy: Policy, now: dt.datetime) -> Signatures:
    """Who signed the run, by the signers and the rules of the policy."""
    needs = Needs(
        roles=policy.sign_off.roles,
        persons=policy.sign_off.persons,
        now=now,
        max_age=dt.timedelta(hours=policy.sign_off.max_age_h),
    )
    path = report_dir / BUNDLE / MANIFEST
    manifest = measured({MANIFEST: path})[MANIFEST][0] if path.is_file() else None
    return run_signatures(report_dir / FOLDER, subject_of(record, manifest), signers=signers_of(policy), needs=needs)


def against(record: VerdictRecord, signed: Signatures, demands: Demands, project: Path, now: dt.datetime) -> list[str]:
    """Every reason not to rely on a verdict, with its next step; empty if all demands are met.

    Args:
        record: the verdict.
        signed: as `signatures_of` gives it.
        demands: what must hold.
        project: the root that the gate ran in.
        now: the present, aware UTC.
    """
    data = record.data
    reasons = []
    if data.verdict != "GO":
        reasons.append(f"the verdict is {record.headline}. Next: remove what is in the way, and run the gate again")
    reasons += outdated(record, project, now)
    if demands.max_age is not None and now - data.finished_at > demands.max_age:
        reasons.append(f"the verdict is {span(now - data.finished_at)} old, older than was asked for. {_RUN_AGAIN}")
    reasons += _scope(data, demands.level)
    reasons += _left_out(data, demands, project)
    reasons += _commit(data, demands, project)
    reasons += [str(void) for void in signed.void if void.altered]
    if demands.level == "production" and not signed.suffice:
        reasons += [f"{lack}. Next: kraken-golive sign" for lack in signed.lacking]
        reasons += [str(void) for void in signed.void if not void.altered]
    return reasons


def outdated(record: VerdictRecord, project: Path, now: dt.datetime) -> list[str]:
    """Why a verdict does not count any more, whatever it says."""
    data = record.data
    reasons = []
    if data.finished_at > now + SKEW:
        reasons.append(f"the verdict is of {_shown(data.finished_at)}, in the future. Next: correct the clock")
    if now >= data.valid_until:
        reasons.append(f"the verdict counted until {_shown(data.valid_until)}. {_RUN_AGAIN}")
    used = {line.id: line.waiver for line in record.lines.values() if line.waiver and line.outcome == Outcome.WAIVED}
    ended = {one.line: one.expires_at for one in data.waivers if one.used}
    ended |= {line_id: waiver.expires_at for line_id, waiver in used.items()}
    reasons += [
        f"the waiver of {line_id} ended at {_shown(moment)}. Next: correct the line's fault, or renew the waiver and "
        "run the gate again"
        for line_id, moment in ended.items()
        if now >= moment
    ]
    reasons += [f"{change}. {_RUN_AGAIN}" for change in changed_files(data.scope, project)]
    bundle = record.path.parent / BUNDLE
    if os.path.lexists(bundle):  # a run that could make none says so, and nobody can sign it
        found = (problem.partition(" Next: ")[0].rstrip(".") for problem in unlike(bundle, record))
        reasons += [f"the bundle beside it: {problem}. {_RUN_AGAIN}" for problem in found]
    return reasons


def _scope(data: Verdict, level: Level) -> Iterator[str]:
    """Whether the run was what it has to be, by its own facts."""
    scope = data.scope
    if level == "rehearsal":
        return
    if scope.deployment == REHEARSAL:
        yield "a rehearsal was judged, no deployment. Next: pytest --golive --golive-deployment=PATH"
    for name, file in scope.overridden_fixtures.items():
        yield f"the fixture {name} of {file} is not the gate's own. Next: take it out, and run the gate again"
    for name in scope.replaced_checks:
        yield f"the check {name} is replaced. Next: take the replacement out, and run the gate again"
    if level not in {book.stage for book in data.runbooks}:
        yield f"no runbook of the stage {level} was run. Next: run it too"
    left_out = [line.id for book in data.runbooks for line in book.lines if line.outcome == Outcome.NOT_RUN]
    if left_out:
        yield f"{len(left_out)} lines did not run, the first is {left_out[0]}. Next: run all of them"
    if level != "production":
        return
    if not data.production_signoff:
        yield "the run is no production sign-off (production_signoff is false). Next: see the scope in verdict.json"
    if scope.not_asked:
        lines = ", ".join(one["line"] for one in scope.not_asked if "line" in one)
        yield f"stock lines were not asked: {lines}. Next: add them to the runbook, and run the gate again"
    answered = scope.answered or {}
    if scope.exchange != REAL or set(answered) != {PRODUCTION_URL} or not any(answered[PRODUCTION_URL].values()):
        who = ", ".join(answered) or "no real one answered"
        yield (
            f"the exchange was {scope.exchange} ({who}), not {PRODUCTION_URL} alone. "
            "Next: pytest --golive --kraken=real"
        )


def _left_out(data: Verdict, demands: Demands, project: Path) -> Iterator[str]:
    """Required runbooks of the stage, and lines of them, that the run did not have: somebody chose others."""
    if demands.level == "rehearsal":
        return
    had = {book.path: {line.id for line in book.lines} for book in data.runbooks}
    for path, ids in demands.required.items():
        missing = [line_id for line_id in ids if line_id not in had.get(path, ())]
        if path not in had and _may_be_of(demands.level, project / path):
            yield f"{path} is required by config/golive.yaml, and the run left it out. {_RUN_AGAIN}"
        elif path in had and missing:
            yield f"{path}: {', '.join(missing)}: required by config/golive.yaml, and not in the run. {_RUN_AGAIN}"


def _may_be_of(stage: str, runbook: Path) -> bool:
    """Whether a runbook is of this stage, as far as anybody can tell."""
    try:
        return read_runbook(runbook, str(runbook)).stage == stage
    except RunbookError:
        return True


def _commit(data: Verdict, demands: Demands, project: Path) -> Iterator[str]:
    wanted = demands.commit or (HEAD if demands.level == "production" else None)
    if wanted is None:
        return
    found = commit_of(project, wanted)
    if found is None and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", wanted):  # where git is not at hand
        found = wanted
    if found is None:
        yield f"git knows no commit {wanted} in {project}. Next: name it, or run this in the project"
    elif data.commit != found:
        yield f"the run is of the commit {data.commit or 'that git did not tell'}, not of {found}. {_RUN_AGAIN}"
    if demands.allow_dirty:
        return
    if data.dirty is not False:
        words = "nobody knows whether files differed" if data.dirty is None else "files differed"
        yield f"{words} from the commit when the gate ran. Next: commit, and run the gate again, or --allow-dirty"
    if wanted == HEAD and git_state(project)[1] is not False:
        yield "files differ from the commit now. Next: commit, and run the gate again, or --allow-dirty"


def _shown(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def span(time: dt.timedelta) -> str:
    """How long, in hours and minutes; in seconds what is shorter than a minute."""
    seconds = int(time.total_seconds())
    if 0 <= seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004 - minutes
