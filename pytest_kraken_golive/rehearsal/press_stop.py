"""Presses the dashboard's stop button while the live service trades: `python -m … RUNTIME_YAML DEPLOY_COMMAND…`.

Where it has been stopped before, it is deployed once more first.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.dashboard.kit import OpenPage
from pytest_kraken_golive.operations.health import ask_health
from pytest_kraken_golive.operations.records import read_deploy_record

OPEN_ORDER_WITHIN_S = 10.0
LOOK_S = 0.05
FRESH_S = 0.5
"""An order that has rested for longer may be over before the stop reaches the service."""


def main(words: Sequence[str]) -> int:
    """Deploy if need be, wait for an open order, press the button; 0 where the page says that it has stopped."""
    config, *deploy = words
    root = Path(config).parents[1]
    if not _runs(root):
        deployed = subprocess.run(deploy, check=False)  # noqa: S603 - the project's own command
        if deployed.returncode:
            return deployed.returncode
    try:
        page = OpenPage(Path(config))
        page.ask_to_stop()  # before: on a busy machine an order would be over by the time that the page asks back
        _wait_for_open_order(root)
    except (NotProven, Fault) as error:
        print(error)
        return 1
    look = page.confirm_stop()
    print(*look.crashes, *look.alerts, *look.praise, sep="\n")
    return 0 if any("STOPPED" in text for text in look.praise) else 1


def _runs(root: Path) -> bool:
    """Whether a service of this deployment answers."""
    try:
        url = read_deploy_record(root).health_url
        return url is not None and ask_health(url).get("status") == "ok"
    except (NotProven, Fault):
        return False


def _wait_for_open_order(root: Path) -> None:
    """A stop that finds an open order shows more than one that finds none."""
    url = read_deploy_record(root).health_url
    until = time.monotonic() + OPEN_ORDER_WITHIN_S
    while url is not None and time.monotonic() < until:
        health = ask_health(url)
        if health.get("orders_open") == 1 and health.get("last_order_age_s", 0.0) < FRESH_S:
            return
        time.sleep(LOOK_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
