"""Ask a service how it is."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import httpx

from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.operations.records import read_deploy_record

TIMEOUT_S = 3.0
LOOK_S = 0.05
FRESH_S = 1.0
"""An order that is younger rests a while yet."""
RESTS_WITHIN_S = 15.0
"""So long a drill of the stop waits for an order that rests: as long as three take in the service's usual pace."""


def ask_health(url: str) -> dict[str, Any]:
    """What the service says at its health URL; no redirect is followed.

    Raises:
        NotProven: nobody answers there.
        Fault: the answer is no health.
    """
    try:
        answer = httpx.get(url, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotProven(
            f"{url}: expected the service to say how it is, found no answer ({type(error).__name__}). "
            "Next: see logs/service.log, and deploy it."
        ) from error
    try:
        data = answer.json() if answer.status_code == httpx.codes.OK else None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise Fault(
            f"{url}: expected 200 and a JSON object, found {answer.status_code} {show(answer.text[:80])}. "
            "Next: see what listens there."
        )
    return data


def wait_for_resting_order(root: Path, within_s: float = RESTS_WITHIN_S) -> bool:
    """Wait until the service that was deployed has just placed an order that rests, for so long at most; if it has.

    A stop with an open order shows more than one without; the new execution path rests its orders for a while.
    """
    until = time.monotonic() + within_s
    with contextlib.suppress(NotProven, Fault):  # it has been stopped before, or was never deployed
        url = read_deploy_record(root).health_url
        while url is not None and time.monotonic() < until:
            health = ask_health(url)
            resting = health.get("orders_open") == 1 and health.get("execution_path") == "new"
            if resting and health.get("last_order_age_s", FRESH_S) < FRESH_S:
                return True
            time.sleep(LOOK_S)
    return False
