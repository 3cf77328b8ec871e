from __future__ import annotations

import pytest
from chaos import Chaos


@pytest.mark.parametrize("ahead_s", [0.0, -25.0, 1.0])
def test_every_order_and_change_is_there_exactly_once_or_its_caller_was_told_otherwise(ahead_s: float) -> None:
    outcome = Chaos(seed=7, ahead_s=ahead_s).run(200)
    assert outcome.wrong == []
    assert {"placed", "found", "OrderNotPlaced", "(unknown at first)"} <= set(outcome.told)
    assert {"(change made)", "(change: ChangeNotMade)", "(cancelled)"} <= set(outcome.told)
    for endpoint, least in {"AddOrder": 8, "AddOrderBatch": 3, "AmendOrder": 3, "EditOrder": 3}.items():
        assert len([name for name in outcome.seen if name.endswith(f" {endpoint}")]) >= least, "the weather was bad"
