"""Verdict documents for the page: made by the gate's own rules, with the fields that people decide upon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.causes import with_causes
from pytest_kraken_golive.gate.document import verdict_document
from pytest_kraken_golive.gate.result import LineResult
from pytest_kraken_golive.gate.verdict import decide
from pytest_kraken_golive.reporting.histogram import histogram_svg
from pytest_kraken_golive.runbook.model import Runbook
from pytest_kraken_golive.signoff.waivers import InForce

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
BOOK = "config/runbooks/paper.md"
SCOPE: dict[str, Any] = {
    "name": "rehearsal, sandbox",
    "deployment": "rehearsal",
    "exchange": "sandbox",
    "hosts": ["127.0.0.1"],
    "recordings": {},
    "overridden_fixtures": {},
    "own_checks": [],
    "replaced_checks": [],
    "not_asked": [],
    "unproven_checks": [],
    "arguments": ["--golive"],
    "addopts": [],
    "plugins": ["pytest-xdist 3.8.0"],
    "digests": {"config/runtime.yaml": "ab" * 32, ".env": "absent"},
    "bot": None,
}
IDENTITY = {
    "python": "3.11.7",
    "implementation": "CPython",
    "platform": "Linux-6.1-x86_64",
    "machine": "desk-7",
    "packages": {"pytest-kraken-golive": "0.1.0", "pytest": "9.2.0"},
}


WAIVER = InForce("line", "why", "Carol", "T-1", dt.datetime(2027, 1, 1, tzinfo=dt.UTC))


def line(
    number: int,
    outcome: Outcome = Outcome.PASSED,
    message: str = "",
    *,
    text: str | None = None,
    section: tuple[str, ...] = ("Paper", "Keys"),
    evidence: Sequence[dict[str, Any]] | None = None,
    distance: int = 0,
    name: str | None = None,
) -> LineResult:
    seen = {
        "source": "config/core.yaml",
        "line": number + 1,
        "key": f"accounts.a{number}.key",
        "value": f"key-{number}",
    }
    return LineResult(
        id=name or f"line-{number}",
        runbook=BOOK,
        line=number + 3,
        text=text or f"Requirement {number} holds.",
        section=section,
        check="holds",
        params={"number": number},
        outcome=outcome,
        waiver=WAIVER if outcome is Outcome.WAIVED else None,
        waived=Outcome.FAILED if outcome is Outcome.WAIVED else None,
        message=message,
        duration_s=0.0123,
        evidence=[seen] if evidence is None else evidence,
        order=number,
        distance=distance,
    )


def document(
    *lines: LineResult, troubles: tuple[str, ...] = (), scope: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The verdict over these lines; `more` replaces or adds fields."""
    found = with_causes(lines)
    made = verdict_document(
        run_id="0123456789abcdef0123456789abcdef",
        verdict=decide(found, troubles),
        results=found,
        troubles=troubles,
        warnings=(),
        waivers=(),
        runbooks=[Runbook(Path(BOOK), BOOK, "cd" * 32, "paper", "Paper go-live", "desk")],
        scope={**SCOPE, **(scope or {})},
        started_at=NOW - dt.timedelta(seconds=51),
        production_signoff=False,
        finished_at=NOW,
        valid_until=NOW + dt.timedelta(hours=24),
        git=("0123456789abcdef0123456789abcdef01234567", False),
    )
    for book in made["runbooks"]:
        for one in book["lines"]:
            one |= {"digest": "ef" * 32, "waivable": True, "waiver": None, "manual": None, "signatures": []}
    return made | {"warnings": [], "identity": IDENTITY, "waivers": []} | more


def of_line(made: dict[str, Any], line_id: str) -> dict[str, Any]:
    """A line of a document."""
    found: dict[str, Any] = next(one for book in made["runbooks"] for one in book["lines"] if one["id"] == line_id)
    return found


def no_go() -> dict[str, Any]:
    """A NO-GO with a fault of every kind, and people's part in it."""
    chart = histogram_svg("place-order-latency", [0.002 + n % 17 / 10_000 for n in range(300)], {"p95": 0.0031})
    keys, run, risk = ("Paper", "1. Keys"), ("Paper", "2. The run"), ("Paper", "3. Risk")
    made = document(
        line(0, section=keys, text="In config/core.yaml, the environment kraken_paper maps to kraken_spot."),
        line(
            1,
            Outcome.FAILED,
            "config/runtime.yaml:64 execution.paper_profiles.kraken_paper.metrics.thresholds.network_errors_max: "
            "expected 0, found 5. Next: set it to 0, or change the line if the runbook is wrong.",
            section=keys,
            name="paper-thresholds",
            text="The thresholds of the paper profile tolerate no rate limit and no network error.",
        ),
        line(2, Outcome.UNBOUND, "Bind it: <!-- golive: {id: …, check: holds, number: …} -->", section=keys),
        line(
            3,
            Outcome.FAILED,
            "reports/paper_report.json:1 errors: expected an empty list, found ['network']. Next: look at its log.",
            section=run,
            name="paper-run",
            distance=1,
            text="The bot runs on paper for kraken_desktop_paper and ends well.",
            evidence=[
                {"source": "reports/paper_report.json", "line": 1, "key": "errors", "value": ["network"]},
                {"source": "exchange", "key": "books.bot", "value": {f"Endpoint{n}": n for n in range(40)}},
                {"source": "http://127.0.0.1:4041/metrics", "value": 1.0, "note": "scraped while it ran"},
            ],
        ),
        line(
            4,
            Outcome.NOT_PROVEN,
            "reports/paper_report.json summary: there is none. Next: let the bot run to its end.",
            section=run,
            name="report-confirmed",
            distance=2,
        ),
        line(5, Outcome.ERROR, "KeyError: 'place_order' (tests/checks.py:12)", section=run, name="own-check"),
        line(
            6,
            section=run,
            name="place-order-latency",
            text="place_order stays within its latency budgets.",
            evidence=[{"source": "latency/place-order-latency.svg", "value": chart, "note": "picture (SVG)"}],
        ),
        line(7, Outcome.PENDING, "risk-reviewed: nobody has signed. Next: kraken-golive sign risk-reviewed.",
             section=risk, name="risk-reviewed", text="Somebody of risk has read the limits."),
        line(8, Outcome.SIGNED, section=risk, name="desk-informed", text="The desk knows the day and the hour."),
        line(9, Outcome.WAIVED, "config/core.yaml:9 x: expected 1, found 2.", section=risk, name="old-limit"),
        line(10, Outcome.SUSPECT, "its text changed since it was accepted. Next: kraken-golive accept moved-line.",
             section=risk, name="moved-line"),
        troubles=("tests/test_other.py::test_x failed, which is no line but was selected with them",),
        warnings=["waiver for line-0: the line passes without it. Next: remove it from config/golive.yaml."],
        dirty=True,
    )  # fmt: skip
    waiver = {
        "reason": "The exchange raises the limit on Monday.",
        "approver": "Bob Brown",
        "ticket": "OPS-7",
        "expires_at": "2026-12-01T00:00:00Z",
    }
    signature = {
        "signer": "alice",
        "name": "Alice Adams",
        "role": "risk",
        "signed_at": "2026-11-20T11:00:00Z",
        "statement": "Told at the morning call.",
    }
    of_line(made, "old-limit")["waiver"] = waiver | {"waived": "failed"}
    of_line(made, "desk-informed")["signatures"] = [signature]
    for name in ("risk-reviewed", "desk-informed"):
        of_line(made, name)["manual"] = {"roles": ["risk"], "persons": 1, "subject": {}}
    made["waivers"] = [
        {"line": "old-limit", "used": True, **waiver},
        {"line": "line-0", "used": False, **waiver},
    ]
    return made


def many(count: int, in_the_way: int = 0) -> dict[str, Any]:
    """A runbook of so many lines, the last of which are in the way."""
    return document(
        *(
            line(
                number,
                Outcome.PASSED if number < count - in_the_way else Outcome.FAILED,
                ""
                if number < count - in_the_way
                else f"config/a.yaml:{number} k{number}: expected 1, found 2. Next: x.",
                section=("Paper", f"{number // 50}. Section"),
                evidence=[
                    {"source": "config/core.yaml", "line": number, "key": f"a.b{part}.c{number}", "value": f"v{part}"}
                    for part in range(3)
                ],
            )
            for number in range(count)
        )
    )
