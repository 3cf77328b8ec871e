from __future__ import annotations

import pytest
from chaos import Chaos


@pytest.mark.parametrize("ahead_s", [0.0, -25.0, 1.0])
def test_every_order_stands_exactly_once_or_its_caller_was_told_otherwise(ahead_s: float) -> None:
    outcome = Chaos(seed=7, ahead_s=ahead_s).run(150)
    assert outcome.wrong == []
    assert {"placed", "found", "OrderNotPlaced", "(unknown at first)"} <= set(outcome.told)
    assert len([name for name in outcome.seen if name.endswith("AddOrder")]) >= 8, "the weather was bad enough"
