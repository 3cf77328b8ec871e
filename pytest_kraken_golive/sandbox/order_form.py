"""An order request read from its parameters (Kraken: add order)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, get_args

from . import refusals
from .appraisal import affordable
from .market import Pair
from .orders import LIMITED, TRAILING, TRIGGERED, CloseTerms, Order, OrderType, SelfTrade, Signal, TimeInForce
from .price_terms import PriceTerm, price_term
from .refusals import Refusal, invalid
from .terms import price_count, working_terms
from .wire import Params, choice, flag, integer, names, number

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

DEADLINE_S = (2.0, 60.0)
"""How far ahead a deadline lies at least and at most when the order arrives (Kraken: add order)."""
EXPIRY_S = (5.0, 31 * 86_400.0)
"""How far ahead an expiry lies at least and at most (Kraken: add order, five seconds to a month)."""
_ORDER_TYPES, _SELF_TRADES = get_args(OrderType), get_args(SelfTrade)
_SIGNALS, _TIMES_IN_FORCE = get_args(Signal), get_args(TimeInForce)
_FLAGS = {"post", "fcib", "fciq", "nompp", "viqc"}
_POSTING = {"limit", "iceberg"}
_TIMES = {"timeinforce", "starttm", "expiretm"}
_CLOSING = tuple(sorted((LIMITED | TRIGGERED) - {"iceberg"}))
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_FREE_TEXT = re.compile(r"[!-~]{1,18}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MOMENT = re.compile(r"(\+?)([0-9]{1,12}(?:\.[0-9]{1,9})?)")
_LEVERAGE = re.compile(r"[0-9]{1,3}(:1)?")
_NO_LEVERAGE = {"none", "", "0", "1", "1:1"}


class Draft(NamedTuple):
    """An order that is asked for."""

    order: Order
    """The order, if it is accepted."""
    stated: tuple[PriceTerm, ...]
    """All prices of the request, its follower's included."""


def read_order(exchange: Exchange, session: Session, params: Params) -> Draft:
    """The order that parameters ask for; refused where they are malformed or contradict one another."""
    _refuse_margin(params)
    ordertype: OrderType = choice(params, "ordertype", _ORDER_TYPES, "")  # type: ignore[assignment]  # as checked
    side = choice(params, "type", ("buy", "sell"), "")
    volume = number(params, "volume")
    flags = _order_flags(params, ordertype, side)
    timeinforce, starts_at, expires_at = _times(params, session.now)
    if timeinforce in {"IOC", "FOK"} and ("post" in flags or ordertype == "iceberg"):
        raise invalid("timeinforce")
    userref, cl_ord_id = _references(params)
    self_trade = choice(params, "stptype", _SELF_TRADES, "cancel-newest")
    signal: Signal = choice(params, "trigger", _SIGNALS, "last")  # type: ignore[assignment]  # as checked
    prices = _prices(params, ordertype, "price", "price2")
    close = _close(params)
    display = _display(params, ordertype, volume)
    pair = named_pair(exchange, params)
    book = exchange.engine.books[pair.id]
    price, trigger = working_terms(ordertype, side, prices, signal, book)  # type: ignore[arg-type]  # side as checked
    order = Order(
        txid=exchange.desk.ids.next("O"),
        account=session.account,
        pair=pair,
        side=side,  # type: ignore[arg-type]  # one of the two by `choice`
        ordertype=ordertype,
        volume=volume,
        price=price,
        opened_at=session.now,
        touched_monotonic_s=session.monotonic_s,
        trigger=trigger,
        display=display,
        post_only="post" in flags,
        fee_in_base="fcib" in flags,
        timeinforce=timeinforce,
        starts_at=starts_at,
        expires_at=expires_at,
        self_trade=self_trade,  # type: ignore[arg-type]  # as checked
        userref=userref,
        cl_ord_id=cl_ord_id,
        close=close,
        door=session.door,
        taker_rate=exchange.desk.taker_rate(session.account, session.now),
    )
    if starts_at > session.now:
        order.status = "pending"
    if "viqc" in flags:
        order.budget, order.volume = volume, affordable(volume, order, book)
    followed = () if close is None else (close.price, close.price2)
    return Draft(order, tuple(term for term in (*prices, *followed) if term is not None))


def named_pair(exchange: Exchange, params: Params) -> Pair:
    """The pair that a request names."""
    if not params.get("pair"):
        raise invalid("pair")
    if params.get("asset_class") not in {None, "", "tokenized_asset"}:
        raise invalid("asset_class")
    pair = exchange.market.find_pair(params["pair"])
    # There are no tokenized assets here, so none of them has a pair.
    if pair is None or params.get("asset_class"):
        raise Refusal(refusals.UNKNOWN_PAIR)
    return pair


def _refuse_margin(params: Params) -> None:
    """Refuse what takes margin, as an account that has none is refused."""
    leverage = params.get("leverage", "none")
    if leverage not in _NO_LEVERAGE:
        raise Refusal(refusals.CANNOT_OPEN_POSITION) if _LEVERAGE.fullmatch(leverage) else invalid("leverage")
    if flag(params, "reduce_only"):
        raise Refusal(refusals.NO_POSITION)
    if params.get("ordertype") == "settle-position":
        raise Refusal(refusals.UNKNOWN_POSITION)


def order_flags(params: Params) -> set[str]:
    """The flags of a request, all of them known."""
    flags = set(names(params, "oflags")) - {""}
    if not flags <= _FLAGS or {"fcib", "fciq"} <= flags:
        raise invalid("oflags")
    return flags


def _order_flags(params: Params, ordertype: str, side: str) -> set[str]:
    if "oflags" not in params:
        return set()
    flags = order_flags(params)
    if "post" in flags and ordertype not in _POSTING:
        raise invalid("oflags")
    if "viqc" in flags and (ordertype, side) != ("market", "buy"):
        raise invalid("viqc")  # as seen (ccxt#22521)
    return flags


def _prices(params: Params, ordertype: str, first: str, second: str) -> tuple[PriceTerm | None, PriceTerm | None]:
    """The prices that an order type takes; others are not looked at."""
    count = price_count(ordertype)
    price = price_term(params, first) if count else None
    price2 = price_term(params, second) if count > 1 else None
    check_trailing(ordertype, price, price2)
    return price, price2


def check_trailing(ordertype: str, price: PriceTerm | None, price2: PriceTerm | None) -> None:
    """A trailing stop takes a distance with a plus, and with a limit the offset of that limit from the trigger."""
    if ordertype in TRAILING:
        shapes = price is not None and price.sign == "+" and (price2 is None or price2.is_relative)
        if not shapes:
            raise Refusal(f"{refusals.INVALID_PRICE}:Invalid price argument")


def _close(params: Params) -> CloseTerms | None:
    if "close[" not in "".join(params):
        return None
    ordertype = choice(params, "close[ordertype]", _CLOSING, "")
    price, price2 = _prices(params, ordertype, "close[price]", "close[price2]")
    assert price is not None  # every such type has one
    return CloseTerms(ordertype, price, price2)  # type: ignore[arg-type]  # one of them by `choice`


def _display(params: Params, ordertype: str, volume: Decimal) -> Decimal | None:
    """What an iceberg shows; `admission` knows the least."""
    if ordertype != "iceberg":
        if params.get("displayvol", "0") not in {"0", ""}:
            raise invalid("displayvol")
        return None
    return display_volume(params, "displayvol", volume)


def display_volume(params: Params, name: str, volume: Decimal) -> Decimal:
    """The shown part of a volume of which the rest is hidden."""
    display = number(params, name)
    if not 0 < display <= volume:
        raise invalid(name)
    return display


def _times(params: Params, now: float) -> tuple[TimeInForce, float, float]:
    """How long an order may rest, and the Unix times of its start and its expiry; 0 stands for none."""
    if _TIMES.isdisjoint(params):
        return "GTC", 0.0, 0.0
    text = choice(params, "timeinforce", _TIMES_IN_FORCE, "GTC")
    starts_at, expires_at = _moment(params, "starttm", now), _moment(params, "expiretm", now)
    if expires_at:
        least, most = EXPIRY_S
        if text in {"IOC", "FOK"} or not least <= expires_at - now <= most or expires_at <= starts_at:
            raise invalid("expiretm")
        text = "GTD"
    elif text == "GTD":
        raise invalid("expiretm")
    return text, starts_at if starts_at > now else 0.0, expires_at  # type: ignore[return-value]  # as checked


def _moment(params: Params, name: str, now: float) -> float:
    """A Unix time, or with a plus seconds from now; 0 if there is none."""
    text = params.get(name) or "0"
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise invalid(name)
    seconds = float(match[2])
    return now + seconds if match[1] and seconds else seconds


def read_userref(params: Params) -> int:
    """The client's reference; 0 stands for none."""
    return integer(params, "userref", 0, -(2**31), 2**31 - 1)


def _references(params: Params) -> tuple[int | None, str | None]:
    """`userref` and `cl_ord_id`, of which an order has at most one."""
    cl_ord_id = params.get("cl_ord_id")
    if cl_ord_id is None:
        return read_userref(params), None
    if "userref" in params or not (_UUID.fullmatch(cl_ord_id) or _FREE_TEXT.fullmatch(cl_ord_id)):
        raise invalid("cl_ord_id")
    return None, cl_ord_id


def check_deadline(params: Params, session: Session) -> None:
    """A deadline lies in its window when the order arrives, and ahead when it is handled."""
    text = params.get("deadline")
    if text is None:
        return
    if _TIMESTAMP.fullmatch(text) is None:
        raise invalid("deadline")
    try:
        deadline = datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        raise invalid("deadline") from None
    if deadline <= session.now:
        raise Refusal(refusals.DEADLINE_ELAPSED)
    least, most = DEADLINE_S
    if not least <= deadline - session.arrived_at <= most:
        raise invalid("deadline")
