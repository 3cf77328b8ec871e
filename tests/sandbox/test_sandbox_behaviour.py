"""Recordings of the embedded exchange are stale when it answers otherwise: then `BEHAVIOUR` is raised, by hand."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from sandbox_user import Venue, order

from pytest_kraken_golive.sandbox.behaviour import BEHAVIOUR

ANSWERS = {"1": "e07ccd3c4b2b5abdf288c26a7c5bf291be5f1bca82774063db7a8dd25c23c0b4"}
"""Behaviour to the SHA-256 of what the exchange of that version answers in `_session`."""


def _session() -> list[Any]:
    """What a client of the paper gate asks, in virtual time and from a seed."""
    venue = Venue()
    answers = [venue.public(name, pair="XBTUSD") for name in ("Ticker", "Depth", "AssetPairs", "Trades")]
    answers += [venue.public(name) for name in ("Time", "SystemStatus", "Assets")]
    answers += [venue.private(name) for name in ("GetApiKeyInfo", "Balance", "BalanceEx", "TradeBalance")]
    bought = venue.private("AddOrder", order(ordertype="market", volume="0.5"))
    resting = venue.private("AddOrder", order(cl_ord_id="resting"))
    refused = [venue.private("AddOrder", order(**wrong)) for wrong in ({"volume": "9999"}, {"pair": "NONE"})]
    answers += [bought, resting, *refused, venue.private("OpenOrders"), venue.private("TradesHistory")]
    answers += [venue.private("CancelOrder", {"cl_ord_id": "resting"}), venue.private("ClosedOrders")]
    answers += [venue.private("CancelOrder", {"txid": "OAAAAA-AAAAA-AAAAAA"}), venue.private("Ledgers")]
    return [*answers, venue.private("Balance", nonce="1"), venue.private("Balance", secret="AAAA")]


def test_what_it_answers_is_what_its_version_says() -> None:
    text = json.dumps(_session(), sort_keys=True)
    key = re.search(r'"apiKey": "([^"]+)"', text)
    assert key is not None
    found = hashlib.sha256(text.replace(key[1], "KEY").encode()).hexdigest()
    assert found == ANSWERS.get(BEHAVIOUR), (
        f"The exchange answers otherwise than behaviour {BEHAVIOUR} did. If that is meant: raise BEHAVIOUR in "
        f"sandbox/behaviour.py, add its digest {found} here, and record again: pytest --golive --kraken=record"
    )
