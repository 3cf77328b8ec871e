"""What each error string of the exchange means for the caller: Kraken's catalogue as data.

Grammar: ``<E|W><Category>:<Message>[:<detail>]``. A string is matched by its longest known prefix of whole parts,
so that details (a field name, a pair, a time) do not hide the class. Spaces around the colons vary and do not count.
Source: Kraken: API errors; strings that only the live exchange or other clients show are in as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RetryClass = Literal["never", "fix", "new_nonce", "backoff", "after_check", "slow", "unknown"]
"""never: stop; fix: change the request; new_nonce: once more with a new nonce; backoff: later; after_check: look at the
books first; slow: not for minutes; unknown: a string that nobody has catalogued."""


@dataclass(frozen=True)
class Meaning:
    """What one error string means."""

    retry: RetryClass
    """What the caller may do."""
    rate_limit: bool = False
    """True where the exchange says that there were too many calls."""
    may_have_acted: bool = False
    """True where the exchange may have placed an order although it answered with this error."""


_NEVER: Final = Meaning("never")
_FIX: Final = Meaning("fix")
_BACKOFF: Final = Meaning("backoff")
_UNSURE: Final = Meaning("backoff", may_have_acted=True)
_CHECK: Final = Meaning("after_check", may_have_acted=True)
_RATE: Final = Meaning("backoff", rate_limit=True)

LOCKOUT: Final = "EGeneral:Temporary lockout"
"""Too many bad keys, signatures or nonces: each further call restarts the timer (about 15 minutes)."""
THROTTLED: Final = "EService:Throttled"
"""Too many requests at once; the detail is the Unix time (s) from which calls are welcome again."""
UNKNOWN_ORDER: Final = "EOrder:Unknown order"
"""The order to cancel is not open (filled, cancelled, or of another account)."""
CL_ORD_ID_TAKEN: Final = "EGeneral:Invalid arguments:cl_ord_id not unique"
"""An open order has this client id already."""

CATALOGUE: Final[dict[str, Meaning]] = {
    "EGeneral:Invalid arguments": _FIX,
    CL_ORD_ID_TAKEN: _CHECK,
    "EGeneral:Permission denied": _NEVER,
    LOCKOUT: Meaning("slow"),
    "EGeneral:Internal error": _UNSURE,
    "EGeneral:Unknown method": _NEVER,
    "EGeneral:Too many requests": _RATE,
    "EAPI:Invalid key": _NEVER,
    "EAPI:Invalid signature": _NEVER,
    "EAPI:Invalid nonce": Meaning("new_nonce"),
    "EAPI:Rate limit exceeded": _RATE,
    "EAPI:Bad request": _FIX,
    "EAPI:Feature disabled": _NEVER,
    "EAuth:Account temporary disabled": _NEVER,
    "EAuth:Account unconfirmed": _NEVER,
    "EAuth:Failed": _NEVER,
    "EAuth:Rate limit exceeded": Meaning("slow", rate_limit=True),
    "EAuth:Too many requests": Meaning("slow", rate_limit=True),
    "EAccount:Invalid permissions": _NEVER,
    "ESession:Invalid session": _FIX,
    "EService:Unavailable": _UNSURE,
    "EService:Busy": _UNSURE,
    "EService:Timeout": _CHECK,
    "EService:Deadline elapsed": _CHECK,
    "EService:Market in cancel_only mode": _BACKOFF,
    "EService:Market in post_only mode": _FIX,
    "EService:Market in limit_only mode": _FIX,
    THROTTLED: _RATE,
    "EDatabase:Internal error": _UNSURE,
    "EOrder:Insufficient funds": _FIX,
    "EOrder:Order minimum not met": _FIX,
    "EOrder:Cost minimum not met": _FIX,
    "EOrder:Tick size check failed": _FIX,
    "EOrder:Invalid price": _FIX,
    "EOrder:Invalid order": _FIX,
    UNKNOWN_ORDER: _NEVER,
    "EOrder:Cancel pending": _NEVER,
    "EOrder:Rate limit exceeded": _RATE,
    "EOrder:Domain rate limit exceeded": _RATE,
    "EOrder:Orders limit exceeded": _FIX,
    "EOrder:Scheduled orders limit exceeded": _FIX,
    "EOrder:Positions limit exceeded": _FIX,
    "EOrder:Unknown position": _FIX,
    "EOrder:Cannot open position": _FIX,
    "EOrder:Cannot open opposing position": _FIX,
    "EOrder:Margin allowance exceeded": _FIX,
    "EOrder:Margin level too low": _FIX,
    "EOrder:Margin position size exceeded": _FIX,
    "EOrder:Insufficient margin": _BACKOFF,
    "EOrder:Trading agreement required": _FIX,
    "EOrder:Reduce only": _FIX,
    "EOrder:Post only order": _FIX,
    "EQuery:Unknown asset pair": _FIX,
    "EQuery:Unknown asset": _FIX,
    "EQuery:Invalid asset pair": _FIX,
    "ETrade:Invalid request": _FIX,
    "ETrade:User Locked": _NEVER,
    "ETrade:Locked": _NEVER,
    "EFunding:Max fee exceeded": _FIX,
    "EFunding:Unknown withdraw key": _FIX,
    "EFunding:Invalid amount": _FIX,
    "EFunding:No funding method": _FIX,
    "EFunding:Unknown asset": _FIX,
    "EFunding:Invalid reference id": _FIX,
    "EFunding:Unknown reference id": _FIX,
    "EFunding:Too many addresses": _FIX,
    "EBM:limit exceeded:CAL": _NEVER,
}
"""Known prefix to its meaning."""

# An uncatalogued error does not say that nothing happened, so an order that met one has an unknown outcome.
UNCATALOGUED: Final = Meaning("unknown", may_have_acted=True)


def parts_of(text: str) -> list[str]:
    """The parts of an error string between its colons, without surrounding spaces."""
    return [part.strip() for part in text.split(":")]


def is_about(text: str, known: str) -> bool:
    """True where the error string is the known one, with or without further details."""
    wanted = parts_of(known)
    return parts_of(text)[: len(wanted)] == wanted


def meaning_of(text: str) -> Meaning:
    """The meaning of an error string; `UNCATALOGUED` where no known prefix fits."""
    parts = parts_of(text)
    for length in range(len(parts), 1, -1):
        known = CATALOGUE.get(":".join(parts[:length]))
        if known is not None:
            return known
    return UNCATALOGUED


def throttled_until_s(text: str) -> float | None:
    """The Unix time (s) in a `Throttled` string from which calls are welcome again; None where it names none."""
    detail = parts_of(text)[-1]
    return float(detail) if is_about(text, THROTTLED) and detail.isascii() and detail.isdecimal() else None
