"""What has to be true before a run may trade: the exchange, the key and its rights, the pairs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Protocol

from pytest_kraken_golive.bot.plan import AccountPlan, EntrypointPlan, Findings
from pytest_kraken_golive.bot.strategy import PairRules
from pytest_kraken_golive.bot.watch import ExchangeWatch
from pytest_kraken_golive.contract import Fault, Found
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.market_data import AssetPair

RIGHTS = {
    "read": ("query-funds", "query-open-trades", "query-closed-trades"),
    "trade": ("modify-trades", "close-trades"),
    "withdraw": ("withdraw-funds", "add-withdraw-address", "update-withdraw-address"),
}
"""What the words of core.yaml's permission lists mean at the exchange (Kraken: Get API key info)."""

_RIGHTS_BY_NAME = {
    *("add-funds", "earn-funds", "query-ledger", "export-data", "create-ws-token"),
    *(right for rights in RIGHTS.values() for right in rights),
}


class Line(Protocol):
    """A connection to an account, such as a `Session`."""

    @property
    def account(self) -> AccountPlan:
        """Whose it is."""
        ...

    @property
    def client(self) -> KrakenClient:
        """Makes the calls."""
        ...

    @property
    def watch(self) -> ExchangeWatch:
        """Told about the exchange's state."""
        ...


def validation_section(mode: str, plan: EntrypointPlan | None) -> dict[str, Any]:
    """`validation` of the report, before the exchange has been asked; null where the configuration does not say."""
    return {
        "mode": mode,
        "environment": plan and plan.account.environment,
        "strategy": plan and plan.strategy,
        "risk_profile": plan and plan.risk_profile,
        "keychain_key": plan and plan.account.keychain_key,
        "expected_environment": mode,
        "credentials_validated": False,
        "symbols": list(plan.account.symbols) if plan else [],
    }


def validate_account(session: Line, findings: Findings) -> bool:
    """Ask the exchange about itself and the key; True if it accepts the key, whatever else is wrong."""
    try:
        session.watch.on_status(session.client.system_status().status == "online")
        permissions = session.client.api_key_info().permissions
    except KrakenError as error:
        findings.errors.append(
            f"the credentials behind {session.account.keychain_key} could not be validated at "
            f"{session.client.base_url}: {error}"
        )
        return False
    findings.read(lambda: _demand_rights(session.account.required_permissions, permissions, wanted=True))
    findings.read(lambda: _demand_rights(session.account.forbidden_permissions, permissions, wanted=False))
    return True


def pair_rules(session: Line, findings: Findings) -> dict[str, PairRules]:
    """The exchange's rules for each of the account's pairs; what it does not know is a finding."""
    symbols = session.account.symbols
    known: dict[str, tuple[str, AssetPair]] = {}
    try:
        if symbols:  # without names the exchange tells of all that it has
            known = {pair.altname: (name, pair) for name, pair in session.client.asset_pairs(*symbols).items()}
    except KrakenError:
        known = {}  # one of them is in its way: asked for one by one, it is known which
    rules = {}
    for symbol in symbols:
        try:
            name, pair = known[symbol] if symbol in known else _sole(session.client.asset_pairs(symbol))
        except KrakenError as error:
            findings.errors.append(f"the symbol {symbol} of {session.account.environment}: {error}")
        except ValueError:
            findings.errors.append(f"the symbol {symbol}: expected one pair in the exchange's answer, found another")
        else:
            rules[symbol] = _rules(name, pair)
    return rules


def _sole(found: dict[str, AssetPair]) -> tuple[str, AssetPair]:
    ((name, pair),) = found.items()
    return name, pair


def _rules(name: str, pair: AssetPair) -> PairRules:
    step = Decimal(1).scaleb(-pair.pair_decimals)
    return PairRules(
        base=pair.base,
        quote=pair.quote,
        order_min=pair.ordermin or Decimal(1).scaleb(-pair.lot_decimals),
        cost_min=pair.costmin or Decimal(0),
        tick=pair.tick_size or step,
        lot_decimals=pair.lot_decimals,
        id=name,
    )


def _demand_rights(words: Found, has: Iterable[str], *, wanted: bool) -> Found:
    """Hold a permission list of core.yaml against the rights that the exchange says the key has."""
    rights = [right for word in words.value for right in _rights(words, word)]
    held = set(has)
    wrong = sorted(right for right in rights if (right in held) != wanted)
    if wrong:
        state, step = ("lacks", "grant it") if wanted else ("has", "take away")
        raise Fault(
            f"{words.where}: {words.value} is {'required' if wanted else 'forbidden'}, but the key {state} "
            f"{', '.join(wrong)}. Next: correct this list, or {step} these rights at the exchange."
        )
    return words


def _rights(words: Found, word: str) -> tuple[str, ...]:
    if word in RIGHTS:
        return RIGHTS[word]
    if word in _RIGHTS_BY_NAME:
        return (word,)
    raise Fault(
        f"{words.where}: expected {', '.join(RIGHTS)} or one of the exchange's own names, found {word!r}. "
        "Next: correct the word."
    )
