"""Ask a service how it is."""

from __future__ import annotations

from typing import Any

import httpx

from pytest_kraken_golive.contract import Fault, NotProven, show

TIMEOUT_S = 3.0


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
