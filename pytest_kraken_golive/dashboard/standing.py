"""What the gate's last verdict is worth now: a rehearsal's GO, or one of yesterday, is no leave to trade."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..contract import show
from .sources import VERDICT, Read

Weight = Literal["go", "notice", "alert"]

_AHEAD_S = 60.0
"""Clocks of two machines may differ by so much."""


@dataclass(frozen=True)
class Standing:
    """The verdict as people should take it."""

    weight: Weight
    """`go`: a production sign-off that counts now; `notice`: a GO of something else; `alert`: no leave to trade."""
    headline: str
    """In capitals what it is."""
    detail: str
    """About what, when, and the next step."""


def standing(read: Read, now: float) -> Standing:
    """Judge the verdict file.

    Args:
        read: what `reports/verdict.json` holds.
        now: epoch seconds.
    """
    if read.data is None:
        if read.absent:
            return Standing("alert", "? NO VERDICT", f"{VERDICT} is not there. Next: run pytest --golive.")
        return Standing("alert", "! VERDICT UNREADABLE", read.problem or f"{VERDICT} cannot be read.")
    document = read.data
    decision = document.get("verdict")
    about = _about(document, now)
    if decision in ("NO-GO", "INCOMPLETE"):
        reason = document.get("reason")
        why = reason if isinstance(reason, str) else "it gives no reason"
        return Standing("alert", f"✘ {decision}", f"{about} {why}")
    if decision != "GO":
        wrong = f"{VERDICT} verdict: expected GO, NO-GO or INCOMPLETE, found {show(decision, 40)}."
        return Standing("alert", "! VERDICT UNREADABLE", f"{wrong} Next: run pytest --golive again.")
    return _go(document, about, now)


def _go(document: Mapping[str, Any], about: str, now: float) -> Standing:
    finished, until = (_epoch(document.get(key)) for key in ("finished_at", "valid_until"))
    if finished is None or until is None or finished > now + _AHEAD_S:
        wrong = "it does not say when it was given and until when it counts, or says a time that is still to come."
        return Standing("alert", "! GO WITHOUT A TIME", f"{about} {wrong} Next: run pytest --golive again.")
    if until <= now:
        return Standing("alert", "~ GO EXPIRED", f"{about} It counts no more. Next: run pytest --golive again.")
    left = f"It counts for {age(until - now)} more."
    if document.get("production_signoff") is not True:
        return Standing("notice", "○ GO OF A REHEARSAL", f"{about} This is no production sign-off. {left}")
    if not _of_production(document.get("scope")):
        wrong = "It calls itself a production sign-off, and its scope is none. Next: run pytest --golive again."
        return Standing("alert", "! GO CONTRADICTS ITSELF", f"{about} {wrong}")
    return Standing("go", "✔ GO FOR PRODUCTION", f"{about} {left}")


def _of_production(scope: Any) -> bool:
    """Whether the scope is a deployment on the real exchange."""
    if not isinstance(scope, Mapping):
        return False
    deployment = scope.get("deployment")
    return isinstance(deployment, str) and deployment not in ("", "rehearsal") and scope.get("exchange") == "real"


def _about(document: Mapping[str, Any], now: float) -> str:
    scope = document.get("scope")
    name = scope.get("name") if isinstance(scope, Mapping) else None
    commit = document.get("commit")
    finished = _epoch(document.get("finished_at"))
    parts = [
        f"Scope: {name if isinstance(name, str) else 'not told'}",
        f"given {age(now - finished)} ago" if finished is not None else "not finished",
        f"commit {commit[:12]}" if isinstance(commit, str) else "commit not told",
        *(["with changes that are not committed"] if document.get("dirty") is True else []),
    ]
    return ", ".join(parts) + "."


def age(seconds: float) -> str:
    """A length of time in the two largest units that say something."""
    total = math.floor(abs(seconds))
    days, hours, minutes = total // 86_400, total // 3600 % 24, total // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{total} s"


def _epoch(text: Any) -> float | None:
    """Epoch seconds of an ISO time with its zone; None of anything else."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        return None if moment is None or moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None
