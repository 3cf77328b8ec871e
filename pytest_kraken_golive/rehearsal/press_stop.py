"""Presses the dashboard's stop button while the live service trades: `python -m … RUNTIME_YAML DEPLOY_COMMAND…`.

The service has been stopped by the command before, so it is deployed once more first.
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


def main(words: Sequence[str]) -> int:
    """Deploy, wait for an open order, press the button; 0 where the page says that the service has stopped."""
    config, *deploy = words
    deployed = subprocess.run(deploy, check=False)  # noqa: S603 - the project's own command
    if deployed.returncode:
        return deployed.returncode
    try:
        _wait_for_open_order(Path(config).parents[1])
        page = OpenPage(Path(config))
    except (NotProven, Fault) as error:
        print(error)
        return 1
    page.ask_to_stop()
    look = page.confirm_stop()
    print(*look.crashes, *look.alerts, *look.praise, sep="\n")
    return 0 if any("STOPPED" in text for text in look.praise) else 1


def _wait_for_open_order(root: Path) -> None:
    """A stop that finds an open order shows more than one that finds none."""
    url = read_deploy_record(root).health_url
    until = time.monotonic() + OPEN_ORDER_WITHIN_S
    while url is not None and time.monotonic() < until and ask_health(url).get("orders_open") != 1:
        time.sleep(LOOK_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
