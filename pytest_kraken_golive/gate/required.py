"""The runbooks and lines that must exist, as the policy says: one that is deleted or renamed leaves no other trace."""

from __future__ import annotations

import difflib

from pytest_kraken_golive.gate.plan import Plan
from pytest_kraken_golive.policy import Policy


def missing(plan: Plan, policy: Policy, *, all_runbooks: bool) -> list[str]:
    """What is required and is not in the plan, in words.

    Args:
        plan: the lines of the run.
        policy: says what is required.
        all_runbooks: False where somebody named the runbooks to run: the others are then not asked about.
    """
    books = {book.shown: book for book in plan.runbooks}
    said = []
    for runbook, ids in policy.required.items():
        place = policy.place("required", runbook)
        if runbook not in books:
            if all_runbooks:
                said.append(
                    f"{place}: this runbook is required, and the run has {', '.join(books) or 'none'}. Next: put it "
                    "back, name it in golive_runbooks, or take it out of required"
                )
            continue
        there = [planned.id for planned in plan.of(books[runbook].path) if planned.is_bound]
        for line_id in ids:
            if line_id not in there:
                near = difflib.get_close_matches(line_id, sorted(set(there) - set(ids)), n=1)
                renamed = f" (renamed to {near[0]!r}?)" if near else ""
                said.append(
                    f"{place}: the line {line_id!r} is required, and {runbook} has none of that id{renamed}. "
                    "Next: put it back, or take it out of required"
                )
    return said
