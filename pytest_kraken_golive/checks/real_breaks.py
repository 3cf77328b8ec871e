"""How a real exchange can be taken for proof and be none: away, another, or another's account.

In a rehearsal the exchange that plays production stands for it: it is asked as with `--kraken=real`.
"""

from __future__ import annotations

import base64
from pathlib import Path

from pytest_kraken_golive.contract import Break, sabotage
from pytest_kraken_golive.rehearsal.altered import FinishedCopy

_NOBODY = "http://127.0.0.1:9"


@sabotage("expected an answer, found none")
def real_exchange_away(copy: FinishedCopy) -> None:
    """Nobody answers where the deployment's calls go."""
    copy.judge_as_real()
    copy.set_variable("KRAKEN_BASE_URL", _NOBODY)


@sabotage("expected calls to go to https://api.kraken.com")
def real_exchange_elsewhere(copy: FinishedCopy) -> None:
    """What is called real is another host."""
    copy.judge_as_real()


@sabotage("EAPI:Invalid key")
def real_key_unknown(copy: FinishedCopy) -> None:
    """The real exchange does not know the key that goes live."""
    copy.judge_as_real()
    copy.set_variable("KRAKEN_API_KEY", "B" * 56)


@sabotage("EAPI:Invalid signature")
def real_secret_of_another_key(copy: FinishedCopy) -> None:
    """Key and secret do not belong together."""
    copy.judge_as_real()
    copy.set_variable("KRAKEN_API_SECRET", base64.b64encode(bytes(64)).decode())


@sabotage("expected production, found sandbox")
def real_in_sandbox_mode(copy: FinishedCopy) -> None:
    """The deployment is none for real money."""
    copy.judge_as_real()
    copy.set_variable("KRAKEN_USE_SANDBOX", "true")


def _of_another(copy: FinishedCopy) -> None:
    copy.judge_as_real()
    folder = Path("secrets/kraken_paper_trading")
    for name, file in (("KRAKEN_API_KEY", "api_key"), ("KRAKEN_API_SECRET", "api_secret")):
        copy.set_variable(name, copy.read((folder / file).as_posix()).strip())


@sabotage("in the exchange's books, found none")
def real_account_of_another(copy: FinishedCopy) -> None:
    """The key is a good one, of an account in which the service does not trade."""
    _of_another(copy)


@sabotage("in its books, found 0")
def real_ladder_of_another(copy: FinishedCopy) -> None:
    """The key is a good one, of an account in which no ladder was climbed."""
    _of_another(copy)


ASKED: list[Break] = [real_exchange_away, real_in_sandbox_mode]
"""For lines that ask a real exchange without a key."""
SIGNED: list[Break] = [*ASKED, real_key_unknown, real_secret_of_another_key]
"""For those that ask it with the key."""
