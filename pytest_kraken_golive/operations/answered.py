"""What a command's file says of a call: `ok`, or the error."""

from __future__ import annotations

from collections.abc import Callable

from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.redact import Redactor

OK = "ok"
NOT_ASKED = "error: not asked, because the settings cannot be used"
_LONGEST = 400


def answered(call: Callable[[], object], redactor: Redactor) -> str:
    """Make a call; `ok`, or `error: ` and what went wrong, without secrets."""
    try:
        call()
    except KrakenError as error:
        return redactor.text(f"error: {type(error).__name__}: {error}")[:_LONGEST]
    return OK
