"""The head of the page: the verdict in words that cannot be misread, and why it is a sign-off for production or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.failures import counted

_GOOD = frozenset({Outcome.PASSED, Outcome.SIGNED, Outcome.WAIVED})

EXCHANGES = {
    "sandbox": "the embedded exchange on the machine of the run",
    "record": "an exchange for tests whose answers were recorded",
    "replay": "recorded answers of an exchange, played again",
    "real": "the exchange that the deployment itself calls",
}
"""What the modes of `--kraken` stand for."""


@dataclass(frozen=True)
class Standing:
    """What the page says first."""

    tone: str
    """`go`, `rehearsal`, `no-go` or `open`: the colour of the head."""
    sign: str
    verdict: str
    scope: str
    """In brackets behind the verdict."""
    call: str
    """What to do, in a few words."""
    sentence: str
    """What the verdict rests on, or what it lacks."""
    production: bool
    """Whether this may be signed for production."""
    why: tuple[str, ...]
    """The reasons, each a sentence."""


def standing(document: dict[str, Any]) -> Standing:
    """Read the document's head; a GO that its own lines contradict is none."""
    verdict, scope = str(document["verdict"]), document["scope"]
    name = str((scope or {}).get("name", "scope unknown"))
    lines = [line for book in document["runbooks"] for line in book["lines"]]
    against = [line["id"] for line in lines if line["outcome"] not in _GOOD]
    production = document["production_signoff"] is True and verdict == "GO"
    if verdict == "GO" and (against or document["troubles"] or not lines):
        return Standing(
            "no-go",
            "✘",
            "GO, contradicted",
            name,
            "Do not go live.",
            "The verdict says GO, and what it holds speaks against it. Run the gate again.",
            production=False,
            why=("The verdict contradicts itself.",),
        )
    if verdict == "GO" and production:
        return Standing("go", "✔", "GO", name, "May go live.", _rests_on(document, lines), production, _why(document))
    if verdict == "GO":
        return Standing(
            "rehearsal",
            "✔",
            "GO",
            name,
            "This is no sign-off for production.",
            f"{_rests_on(document, lines)} It says nothing about real money.",
            production,
            _why(document),
        )
    if verdict == "INCOMPLETE":
        left = sum(line["outcome"] == Outcome.NOT_RUN for line in lines)
        return Standing(
            "open",
            "…",
            verdict,
            name,
            "No decision. Do not go live on this.",
            f"Nothing failed, but {left} of {counted(len(lines), 'line')} did not run.",
            production,
            _why(document),
        )
    return Standing(
        "no-go", "✘", verdict, name, "Do not go live.", _lacks(document, lines, against), production, _why(document)
    )


def _rests_on(document: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    counts = document["counts"]
    parts = [
        f"{counts[outcome]} {words}"
        for outcome, words in (
            (Outcome.PASSED, "proven by evidence"),
            (Outcome.SIGNED, "judged and signed by people"),
            (Outcome.WAIVED, "waived although not proven"),
        )
        if counts.get(outcome)
    ]
    if len(parts) == 1 and counts.get(Outcome.PASSED):
        return f"All {counted(len(lines), 'line')} are proven by evidence."
    return f"Of {counted(len(lines), 'line')}: {', '.join(parts)}."


def _lacks(document: dict[str, Any], lines: list[dict[str, Any]], against: list[str]) -> str:
    if not lines:
        return "No line was judged: nothing is known about what was to go live."
    in_the_way, troubles = len(document["blockers"]), len(document["troubles"])
    parts = []
    if in_the_way:
        verb = "stands" if in_the_way == 1 else "stand"
        parts.append(f"{in_the_way} of {counted(len(lines), 'line')} {verb} in the way")
    if troubles:
        parts.append("the run itself cannot be trusted")
    if not parts:
        parts.append(f"{len(against)} of {counted(len(lines), 'line')} are not proven")
    said = ", and ".join(parts)
    return f"{said[0].upper()}{said[1:]}."


def _why(document: dict[str, Any]) -> tuple[str, ...]:
    """Why the gate grants or refuses a sign-off for production."""
    scope = document["scope"]
    if not scope:
        return ("It is not known what was judged, and against which exchange.",)
    if document["production_signoff"] is True and document["verdict"] == "GO":
        return (
            f"The deployment itself was judged: {scope['deployment']}.",
            f"Against {EXCHANGES.get(scope['exchange'], scope['exchange'])}.",
            "Nothing that checks rely on was overridden, and every line is in.",
        )
    return tuple(_refusals(document, scope)) or ("The gate does not grant it; see “What it is about” below.",)


def _refusals(document: dict[str, Any], scope: dict[str, Any]) -> list[str]:
    why = [] if document["verdict"] == "GO" else [f"The verdict is {document['verdict']}."]
    if scope.get("exchange") == "real" and "sign_off_lacks" in scope:
        lacks = (reason for reason in scope["sign_off_lacks"] if not reason.startswith("the verdict"))
        return [*why, *(f"{reason[0].upper()}{reason[1:]}." for reason in lacks)]
    if scope.get("deployment") == "rehearsal":
        why.append(
            "What was judged is a rehearsal: a copy of config/ with credentials and a licence made up for the run."
        )
    exchange = scope.get("exchange")
    if exchange is not None and exchange != "real":
        why.append(f"The exchange was {EXCHANGES.get(exchange, exchange)}, not the real Kraken.")
    if overridden := scope.get("overridden_fixtures"):
        why.append(f"Parts that checks rely on were replaced: {', '.join(overridden)}.")
    if replaced := scope.get("replaced_checks"):
        why.append(f"Stock checks were replaced: {', '.join(replaced)}.")
    if scope.get("not_asked"):
        why.append("Lines of the stock runbook are not asked.")
    return why
