"""The client's four buckets: set on purpose, no larger than allowed, and drawn on by the calls that they are for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from pytest_kraken_golive.bot.names import LIMIT_VARIABLES, LIMITS
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import environment_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.environment import see_variables
from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Evidence, Found, NotProven, Words, check
from pytest_kraken_golive.kraken import calls
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import ExchangeError
from pytest_kraken_golive.kraken.limits import (
    GLOBAL,
    MARKET_DATA,
    ORDER,
    ORDER_STATUS,
    BucketName,
    RateLimits,
    TokenPacer,
)
from pytest_kraken_golive.kraken.orders import NewOrder
from pytest_kraken_golive.policy import FILE, Policy
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange

Tier = Literal["starter", "intermediate", "pro"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

DOCUMENTED_DECAY_PER_S: Final[dict[Tier, dict[BucketName, float]]] = {
    "starter": {GLOBAL: 0.33, MARKET_DATA: 1.0, ORDER: 1.0, ORDER_STATUS: 0.33},
    "intermediate": {GLOBAL: 0.5, MARKET_DATA: 1.0, ORDER: 2.34, ORDER_STATUS: 0.5},
    "pro": {GLOBAL: 1.0, MARKET_DATA: 1.0, ORDER: 3.75, ORDER_STATUS: 1.0},
}
"""What the exchange forgives in a second (Kraken: REST rate limits; trading rate limits, per pair; for public calls it
only advises a second between two)."""


Size = Annotated[dict[Literal["capacity", "fill_rate"], Positive], Field(min_length=2)]
"""The size of a bucket: tokens, and tokens per second."""
Sizes = Annotated[dict[Literal["global", "market_data", "order", "order_status"], Size], Field(min_length=4)]
"""The sizes of all four."""


def _require_set(settings: LiveSettings, evidence: Evidence) -> None:
    see_variables(settings, evidence, *LIMIT_VARIABLES)
    for name in LIMIT_VARIABLES:
        settings.variables.variable(name)


@check("rate_limit_buckets", breaks=broken.BUCKETS)
def rate_limit_buckets(live_settings: LiveSettings, evidence: Evidence, *, buckets: list[BucketName]) -> None:
    """The buckets are set from the environment, each value a positive finite number, and a client has just these."""
    _require_set(live_settings, evidence)
    wanted = live_settings.limits.by_bucket()
    for bucket in LIMITS:
        capacity, _ = live_settings.limit(bucket)
        assert capacity.value >= 1, capacity.unlike(
            Words("at least 1, since every call takes a token"), "raise it; with less no call would ever be made"
        )
    with KrakenClient(
        "limits",
        "bGltaXRz",
        base_url="http://127.0.0.1",
        use_sandbox=True,
        environ=live_settings.variables,
        clock=VirtualClock(),
    ) as client:  # fmt: skip - one argument is not worth a line
        in_force = dict(client.limits)
    evidence.record("client", {name: [size.capacity, size.fill_rate] for name, size in in_force.items()}, key="limits")
    assert sorted(in_force) == sorted(buckets), (
        f"client: expected the buckets {', '.join(buckets)}, found {', '.join(in_force)}. "
        "Next: name them in the line as the client does."
    )
    assert in_force == wanted, f"client: expected the limits {wanted}, as the variables say, found {in_force}."


@check("rate_limit_values", breaks=broken.VALUES)
def rate_limit_values(
    live_settings: LiveSettings,
    policy: Policy,
    golive_project: Path,
    evidence: Evidence,
    *,
    tier: Tier,
    limits: Sizes,
) -> None:
    """No bucket is larger than its starting value, unless golive.yaml names measurements that justify it."""
    _require_set(live_settings, evidence)
    for bucket in LIMITS:
        short = bucket.partition(":")[2]
        start = {str(name): size for name, size in limits.items()}[short]
        capacity, fill_rate = live_settings.limit(bucket)
        for part, found, largest in (
            ("capacity", capacity, start["capacity"]),
            ("fill_rate", fill_rate, start["fill_rate"]),
        ):
            if found.value > largest:
                files = _justified(found, largest, f"limits.{short}", part, policy)
                _require_measurements(files, f"{FILE} limits.{short}.measurements", golive_project)
                evidence.saw(found, f"above {largest:g}; justified by {', '.join(files)}")
        decay = DOCUMENTED_DECAY_PER_S[tier][bucket]
        if fill_rate.value > decay:
            note = f"{bucket}: above the {decay:g} calls a second that the tier {tier} has by the documents"
            evidence.saw(fill_rate, f"{note}: the exchange may refuse calls before this bucket holds them back")


def _justified(found: Found, largest: float, key: str, part: str, policy: Policy) -> list[str]:
    """The measurements because of which golive.yaml allows a value above the largest that the line allows."""
    raised = {f"limits.{name}": size for name, size in policy.limits.items()}.get(key)
    assert raised is not None, found.unlike(
        f"at most {largest:g}", f"lower it, or name the measurements that justify it in {FILE} {key}.measurements"
    )
    allowed: float = getattr(raised, part)
    assert found.value <= allowed, found.unlike(f"at most {allowed:g} ({FILE} {key}.{part})", "lower it")
    return raised.measurements


def _require_measurements(files: Sequence[str], place: str, project: Path) -> None:
    for name in files:
        path = project / name
        if not path.is_file() or path.stat().st_size == 0:
            found = "an empty one" if path.is_file() else "none"
            raise NotProven(
                f"{place}: expected a file {name} with the measurements, found {found}. "
                "Next: put it there, or lower the limit."
            )


STATUS_CALLS: Final = frozenset(
    {"OpenOrders", "ClosedOrders", "QueryOrders", "OrderAmends", "TradesHistory", "QueryTrades", "OpenPositions"}
)
ORDER_CALLS: Final = frozenset(
    {
        *("AddOrder", "AddOrderBatch", "EditOrder", "AmendOrder"),
        *("CancelOrder", "CancelOrderBatch", "CancelAll", "CancelAllOrdersAfter"),
    }
)
_NO_ORDER = "OAAAAA-AAAAA-AAAAAA"
_AN_ORDER = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.0001"), price=Decimal(10_000))

SAMPLES: Final[dict[str, Callable[[KrakenClient], object]]] = {
    "Time": lambda client: client.server_time(),
    "Depth": lambda client: client.depth("XBTUSD", 1),
    "Balance": lambda client: client.get_account_balance(),
    "OpenOrders": lambda client: client.open_orders(),
    "QueryOrders": lambda client: client.query_orders(_NO_ORDER),
    "AddOrder": lambda client: client.place_order(
        NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.0001"), price=Decimal(10_000)),
        validate=True,
    ),
    "CancelOrder": lambda client: client.cancel_order(_NO_ORDER),
}
"""Calls of each kind, which leave the account as it is."""


def right_buckets(endpoint: str, *, private: bool) -> frozenset[BucketName]:
    """The buckets that a call of an endpoint has to draw on."""
    if not private:
        return frozenset({GLOBAL, MARKET_DATA})
    if endpoint in ORDER_CALLS:
        return frozenset({GLOBAL, ORDER})
    return frozenset({GLOBAL, ORDER_STATUS} if endpoint in STATUS_CALLS else {GLOBAL})


class WatchedPacer(TokenPacer):
    """A pacer that says what was drawn since it was last asked, from its buckets' levels."""

    def __init__(self, limits: RateLimits) -> None:
        self._time = VirtualClock()
        super().__init__(limits, self._time)
        self._draws: list[tuple[BucketName, ...]] = []

    def wait_for(self, buckets: Sequence[BucketName]) -> float:
        """Draw, and remember it."""
        self._draws.append(tuple(buckets))
        return super().wait_for(buckets)

    def drawn(self) -> tuple[int, dict[BucketName, float]]:
        """How often calls drew, and the tokens that are gone, by bucket; fills the buckets again."""
        full = {name: float(size.capacity) for name, size in self.limits().items()}
        gone = {name: full[name] - left for name, left in self.tokens().items()}
        times = len(self._draws)
        self._draws.clear()
        slowest = min(size.fill_rate for size in self.limits().values())
        self._time.advance((max(full.values()) + max(gone.values())) / slowest)
        return times, {name: round(tokens, 6) for name, tokens in gone.items() if tokens}


@check("bucket_names", breaks=[*broken.DRAWS, *real.ASKED], touches="validate")
def bucket_names(
    live_settings: LiveSettings,
    kraken_exchange: Exchange,
    golive_overridden: Mapping[str, str],
    evidence: Evidence,
    *,
    buckets: list[BucketName],
) -> None:
    """Each endpoint of the client names the right buckets, and calls that reach the exchange draw a token of each."""
    own = golive_overridden.get("kraken_client")
    if own is not None:
        raise NotProven(
            f"KrakenClient: what it draws on proves nothing about the client of {own}. "
            "Next: bind this line to a check of that client (replaces='bucket_names')."
        )
    see_variables(live_settings, evidence, *LIMIT_VARIABLES)
    limits = live_settings.limits
    assert sorted(limits.by_bucket()) == sorted(buckets), (
        f"client: expected the buckets {', '.join(buckets)}, found {', '.join(limits.by_bucket())}. "
        "Next: name them in the line as the client does."
    )
    for call in vars(calls).values():
        if isinstance(call, calls.Call):
            require_right(call.name, frozenset(call.buckets), right_buckets(call.name, private=call.private))
    pacer = WatchedPacer(limits)
    samples = dict(SAMPLES)
    with contextlib.ExitStack() as stack:
        if isinstance(kraken_exchange, RealExchange):
            del samples["CancelOrder"]
            evidence.record("client", sorted(ORDER_CALLS), key="endpoints", note="by its table; no cancel was sent")
            client: KrakenClient = stack.enter_context(kraken_exchange.client(limits=pacer))
        else:
            pair, url = kraken_exchange.credentials, kraken_exchange.url
            client = stack.enter_context(KrakenClient(*pair, base_url=url, use_sandbox=True, environ={}, limits=pacer))
        for endpoint, sample in samples.items():
            evidence.record("client", see_draw(client, pacer, kraken_exchange, endpoint, sample), key=endpoint)


def see_draw(
    client: KrakenClient,
    pacer: WatchedPacer,
    exchange: Exchange,
    endpoint: str,
    sample: Callable[[KrakenClient], object],
) -> dict[BucketName, float]:
    """Let a client make one call, which arrives at the exchange, and hold the tokens that are gone against the rule."""
    before = exchange.count(endpoint)
    pacer.drawn()
    try:
        sample(client)
    except ExchangeError as error:  # the exchange's own refusal, of an order that is not there: the call was made
        refused = str(error)
    else:
        refused = ""
    times, gone = pacer.drawn()
    if exchange.count(endpoint) <= before:
        raise NotProven(
            f"exchange: its books show no {endpoint} of the client {refused}, so that nothing is known of its buckets. "
            "Next: see whether the exchange answers."
        )
    private = endpoint in ORDER_CALLS | STATUS_CALLS or endpoint == "Balance"
    require_right(endpoint, frozenset(gone), right_buckets(endpoint, private=private))
    assert set(gone.values()) == {float(times)}, (
        f"client {endpoint}: expected a token of each bucket for each of {times} draws, found {gone}."
    )
    return gone


def require_right(endpoint: str, drawn: frozenset[BucketName], right: frozenset[BucketName]) -> None:
    """Do nothing if a call draws on the right buckets."""
    assert drawn == right, (
        f"client {endpoint}: expected it to draw on {', '.join(sorted(right))}, found "
        f"{', '.join(sorted(drawn)) or 'no bucket'}. Next: let the client's table of calls name the right ones."
    )
