"""The names of the variables that this project's programs read, and which other names were meant to be one of them.

A misspelt variable is read by nobody: what it says gives way to a default without a word.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from pytest_kraken_golive.deployment.misspelt import letters, misspelt
from pytest_kraken_golive.deployment.secret_stores import KEY_VARIABLE, SECRET_VARIABLE, TOKEN_VARIABLE
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE
from pytest_kraken_golive.kraken.limits import GLOBAL, MARKET_DATA, ORDER, ORDER_STATUS, BucketName

BENCH_WAIT: Final = "SMC_BENCH_MAX_WAIT"
LARGEST_ORDER: Final = "KRAKEN_MAX_ORDER_USD"
TOGGLES: Final = "FEATURE_TOGGLES_ENABLED"

LIMIT_PREFIX: Final = "KRAKEN_RL_"
LIMITS: Final[dict[BucketName, tuple[str, str]]] = {
    GLOBAL: ("KRAKEN_RL_GLOBAL_CAP", "KRAKEN_RL_GLOBAL_FR"),
    MARKET_DATA: ("KRAKEN_RL_MD_CAP", "KRAKEN_RL_MD_FR"),
    ORDER: ("KRAKEN_RL_ORDER_CAP", "KRAKEN_RL_ORDER_FR"),
    ORDER_STATUS: ("KRAKEN_RL_ORDER_STATUS_CAP", "KRAKEN_RL_ORDER_STATUS_FR"),
}
"""A bucket's variables: capacity in tokens, fill rate in tokens per second."""
LIMIT_VARIABLES: Final = tuple(name for pair in LIMITS.values() for name in pair)

_COMPONENTS: Final = ("EXECUTION", "POLLER", "FEES")
_FLAGS: Final = ("MODE", "ROLLOUT_PCT", "MAX_CONSEC_FAIL", "ROLLBACK_TIMEOUT_S")
FLAG_VARIABLES: Final = (TOGGLES, *(f"FF_{component}_{flag}" for component in _COMPONENTS for flag in _FLAGS))

CONNECTION: Final = (KEY_VARIABLE, SECRET_VARIABLE, USE_SANDBOX_VARIABLE, BASE_URL_VARIABLE)
OWN: Final = (*CONNECTION, *LIMIT_VARIABLES, *FLAG_VARIABLES, BENCH_WAIT, LARGEST_ORDER)
"""What a live bot and its commands read."""
_KNOWN: Final = (*OWN, TOKEN_VARIABLE, "KRAKEN_GOLIVE_RUN_S", "KRAKEN_GOLIVE_WARM_UP_S", "KRAKEN_GOLIVE_HOLD")

_OTHER_WORDS: Final = {
    "MARKET_DATA": "MD",
    "MARKETDATA": "MD",
    "CAPACITY": "CAP",
    "FILL_RATE": "FR",
    "RATE": "FR",
    "EXECUTOR": "EXECUTION",
    "EXEC": "EXECUTION",
    "POLLING": "POLLER",
    "POLL": "POLLER",
    "FEE": "FEES",
}
"""What people write where the variables' names have another word."""
_WORDS: Final = re.compile(rf"(?<=_)({'|'.join(_OTHER_WORDS)})(?=_|$)")
_FEWEST_WORDS: Final = 2
_LETTERS: Final = {name: Counter(letters(name)) for name in _KNOWN}
_MOST_OTHER_LETTERS: Final = 3
"""No misspelling has more slips, and a slip exchanges a letter at most; comparing letter by letter is slow."""


def meant_by(name: str, set_names: Iterable[str]) -> str | None:
    """The known variable that another name was meant to be; None for a known one, or one that is about other things.

    Args:
        name: the name of a variable.
        set_names: all names that are set: `KRAKEN_SANDBOX` is a misspelling only where the right one is absent.
    """
    if name in _KNOWN:
        return None
    plain = _WORDS.sub(lambda word: _OTHER_WORDS[word[0]], name.upper())
    for meant in _alike(plain):
        if plain == meant or (misspelt(plain, meant) and not re.fullmatch(rf"{meant}_?[0-9]+", plain)):
            return meant
    if plain.startswith(LIMIT_PREFIX):
        return difflib.get_close_matches(plain, LIMIT_VARIABLES, n=1, cutoff=0.0)[0]
    return _shortened(plain, set(set_names))


def _alike(name: str) -> Iterator[str]:
    """The known names that have nearly the same letters, in whatever order: what only may be a misspelling of them."""
    has = Counter(letters(name))
    for known, wanted in _LETTERS.items():
        if abs(has.total() - wanted.total()) <= _MOST_OTHER_LETTERS:
            other = (has - wanted).total() + (wanted - has).total()
            if other <= 2 * _MOST_OTHER_LETTERS:
                yield known


def _shortened(name: str, set_names: set[str]) -> str | None:
    """The one connection variable that has all words of a name, which begins as they do: `KRAKEN_SANDBOX`."""
    words = set(name.split("_"))
    if len(words) < _FEWEST_WORDS or "KRAKEN" not in words:
        return None
    meant = [known for known in CONNECTION if known not in set_names and words < set(known.split("_"))]
    return meant[0] if len(meant) == 1 else None
