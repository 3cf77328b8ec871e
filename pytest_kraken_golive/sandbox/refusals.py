"""What the exchange says when it refuses a request, in Kraken's words.

The strings come from Kraken's error guide and, where the running exchange words them otherwise, from recorded
answers; grammar `<E|W><Category>:<Message>[:detail]`.
"""

from __future__ import annotations


class Refusal(Exception):
    """A request that is answered with an error array. `error` is the string as Kraken writes it."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
RATE_LIMIT = "EAPI:Rate limit exceeded"
BAD_REQUEST = "EAPI:Bad request"
PERMISSION_DENIED = "EGeneral:Permission denied"
TEMPORARY_LOCKOUT = "EGeneral:Temporary lockout"
UNKNOWN_METHOD = "EGeneral:Unknown method"
INTERNAL_ERROR = "EGeneral:Internal error"
UNAVAILABLE = "EService:Unavailable"
THROTTLED = "EService: Throttled"
DEADLINE_ELAPSED = "EService:Deadline elapsed"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
UNKNOWN_ASSET = "EQuery:Unknown asset"
UNKNOWN_ORDER = "EOrder:Unknown order"
INVALID_ORDER = "EOrder:Invalid order"
INSUFFICIENT_FUNDS = "EOrder:Insufficient funds"
COST_MINIMUM = "EOrder:Cost minimum not met"
ORDER_MINIMUM = "EOrder:Order minimum not met"
ORDER_MINIMUM_LIVE = "EGeneral:Invalid arguments:volume minimum not met"
TICK_SIZE = "EOrder:Tick size check failed"
INVALID_PRICE = "EOrder:Invalid price"
POST_ONLY = "EOrder:Post only order"
ORDER_RATE_LIMIT = "EOrder:Rate limit exceeded"
ORDERS_LIMIT = "EOrder:Orders limit exceeded"
CANNOT_OPEN_POSITION = "EOrder:Cannot open position"
UNKNOWN_POSITION = "EOrder:Unknown position"
NO_POSITION = "EOrder:Reduce only:No position exists"
CL_ORD_ID_TAKEN = "EGeneral:Invalid arguments:cl_ord_id not unique"


def invalid(field: str) -> Refusal:
    """The refusal of a field that is missing, malformed or out of range."""
    return Refusal(f"EGeneral:Invalid arguments:{field}")


def market_mode(mode: str) -> Refusal:
    """The refusal of an order that the market's mode does not let through."""
    return Refusal(f"EService:Market in {mode} mode")
