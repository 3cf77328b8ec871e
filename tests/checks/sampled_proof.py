"""A plugin for a proof that is to be short: of each check's breaks some, and every line unbroken.

A check's breaks are of two kinds: most act on a copy of the finished rehearsal, some must act before bot and exchange
start. Of each kind the first few are tried, on the first line that is bound to the check.
"""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_kraken_golive.gate.proof import ProofLine

SO_MANY = {True: 1, False: 2}
"""By whether they act before the run: such a break starts an exchange and a bot of its own."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept: Counter[tuple[str, bool]] = Counter()
    lines: dict[str, str] = {}
    left_out = []
    for item in items:
        if not isinstance(item, ProofLine) or item.planned.check is None:
            continue
        check, kind = item.planned.check.name, item.sabotage.before_run
        if lines.setdefault(check, item.planned.id) != item.planned.id or kept[check, kind] == SO_MANY[kind]:
            left_out.append(item)
        else:
            kept[check, kind] += 1
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left_out)
