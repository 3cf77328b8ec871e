"""Presses the dashboard's stop button while the live service trades: `python -m … RUNTIME_YAML DEPLOY_COMMAND…`.

Where it has been stopped before, it is deployed once more first.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.dashboard.kit import OpenPage
from pytest_kraken_golive.operations.health import ask_health, wait_for_resting_order
from pytest_kraken_golive.operations.records import read_deploy_record


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
        wait_for_resting_order(root)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
