"""How the gate's words are said in Allure's: outcome and status, what a waiver may do and severity."""

from __future__ import annotations

import re
from typing import Any

from pytest_kraken_golive.reporting.failures import also

STATUSES = {
    "passed": "passed",
    "signed": "passed",
    "waived": "skipped",
    "failed": "failed",
    "error": "broken",
    "not_proven": "broken",
    "unbound": "broken",
    "suspect": "broken",
    "pending": "broken",
    "not_run": "unknown",
}
"""Allure's status of each outcome. Green is what is proven or signed, and nothing else; what stands in the way of a GO
is red or yellow; what was excused or did not run is neither."""

TITLES = {
    "error": "The check itself broke",
    "not_proven": "Not proven",
    "unbound": "Bound to no check",
    "suspect": "Changed since it was last accepted",
    "pending": "A person must sign",
    "waived": "Waived",
    "signed": "Signed by a person",
    "not_run": "Not run",
}
"""Outcomes that share a status with another one: they are told apart by the message's first words, and by category."""


def message(line: dict[str, Any]) -> str:
    """What Allure says beside the status; empty for a line that passed."""
    outcome, text = line["outcome"], "\n".join([line["message"], *also(line)]).rstrip("\n")
    excuse = line.get("waiver")
    if outcome == "waived" and excuse is not None:
        text = (
            f"{excuse['waived'].replace('_', ' ')}, and excused until {excuse['expires_at']} by {excuse['approver']} "
            f"({excuse['ticket']}): {excuse['reason']}" + (f"\n{text}" if text else "")
        )
    title = TITLES.get(outcome)
    if title is None:
        return str(text)
    return f"{title}: {text}" if text else title


def severity(line: dict[str, Any]) -> str:
    """Every line blocks a GO. `blocker`: no waiver may excuse it; `critical`: one may."""
    return "blocker" if line.get("waivable") is False else "critical"


def categories() -> list[dict[str, Any]]:
    """A group for each outcome that is not green, as `categories.json` and Allure 3's configuration have it."""
    groups: list[dict[str, Any]] = [{"name": "Failed", "matchedStatuses": ["failed"]}]
    for outcome, title in TITLES.items():
        if STATUSES[outcome] != "passed":
            # Allure 2 matches the whole message, Allure 3 a part of it.
            pattern = rf"^{re.escape(title).replace(chr(92) + ' ', ' ')}(:[\s\S]*)?$"
            groups.append({"name": title, "matchedStatuses": [STATUSES[outcome]], "messageRegex": pattern})
    return groups
