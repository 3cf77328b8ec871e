"""Each paper entrypoint really traded, as the exchange's books say.

Entrypoints on one exchange share its metrics, so a sample says nothing about which of them ran. Their orders do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Evidence, Found, NotProven, Words, show
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig

PREFIX, USERREF = "cl_ord_id_prefix", "userref"
SHORTEST_PREFIX = 3
"""Characters: fewer say too little, since every order's id begins with something."""
MARKS = f"`orders`: {{{PREFIX}: …}} or {{{USERREF}: …}}"

Book = Mapping[str, Any]


def paper_names(runtime: RuntimeConfig, core: CoreConfig) -> list[str]:
    """The names of all paper entrypoints.

    Raises:
        NotProven: there is none; also as with `RuntimeConfig.paper_entrypoints`.
        Fault: as with that.
    """
    found = runtime.paper_entrypoints(core)
    if not found.value:
        raise NotProven(f"{found.where}: no entrypoint is a paper one. Next: point one at a paper environment.")
    return list(found.value)


def keys_of(names: Sequence[str], runtime: RuntimeConfig, core: CoreConfig) -> dict[str, Found]:
    """The name of the keychain key that each entrypoint trades with.

    Raises:
        NotProven: the configuration does not say.
        Fault: it says it wrongly.
    """
    return {name: core.environment(runtime.entrypoint(name).environment).keychain_key for name in names}


@dataclass(frozen=True)
class Mark:
    """By what an entrypoint's orders are told from those of the others on its account."""

    field: str
    """Of an order."""
    value: str | int
    """All of it, or what it begins with."""
    said: Found
    """Where the report says so."""

    def is_on(self, order: Book) -> bool:
        """Whether an order of the books carries it."""
        if self.field == USERREF:
            return bool(order[USERREF] == self.value)
        return str(order["cl_ord_id"] or "").startswith(str(self.value))

    def hides(self, other: Mark) -> bool:
        """Whether an order could carry both, so that nobody knows whose it is."""
        if self.field == other.field == PREFIX:
            return str(self.value).startswith(str(other.value)) or str(other.value).startswith(str(self.value))
        return self.field == other.field and self.value == other.value


def require_each_traded(report: PaperReport, keys: Mapping[str, Found], books: Book, evidence: Evidence) -> None:
    """Demand an order of every entrypoint in the exchange's books.

    An entrypoint that has an account to itself is known by the account's key. Those that share one are told apart by
    what their entries in the report say of their orders, `orders`: {cl_ord_id_prefix: text} or {userref: number}.

    Args:
        report: the bot's report.
        keys: entrypoint to the name of its keychain key; see `keys_of`.
        books: the exchange's books of the bot.
        evidence: takes how many orders each placed.

    Raises:
        NotProven: an entrypoint placed no order, or nobody can tell whose the orders are; names it.
        Fault: what the report says of the orders is of the wrong type.
        AssertionError: it is no mark, or the same for two.
    """
    accounts = {fingerprint: book["name"] for fingerprint, book in books["keys"].items()}
    orders: dict[str, list[Book]] = {}
    for order in books["orders"]:
        orders.setdefault(accounts[order["key"]], []).append(order)
    placed: dict[str, int] = {}
    nobodys: list[str] = []
    for key in dict.fromkeys(found.value for found in keys.values()):
        names = [name for name, found in keys.items() if found.value == key]
        counted, unmarked = _counted(report, names, orders.get(key, []))
        placed |= counted
        nobodys += unmarked
    evidence.record("exchange", placed, key="books.bot.orders by entrypoint")
    if nobodys:
        note = "on a shared account with no entrypoint's mark, as an order has that follows from another"
        evidence.record("exchange", nobodys, key="books.bot.orders of nobody", note=note)
    idle = [name for name, count in placed.items() if not count]
    if idle:
        raise NotProven(
            f"exchange: its books show no order of the paper entrypoint {idle[0]} ({_sought(report, idle[0])}), so "
            "nothing says that it ran, and what the report measured is about the others. Next: let the bot start it "
            "and trade, or take it out of config/runtime.yaml."
        )


def _counted(report: PaperReport, names: Sequence[str], orders: Sequence[Book]) -> tuple[dict[str, int], list[str]]:
    """How many orders each entrypoint of one account placed, and the ids of those that carry nobody's mark."""
    if len(names) == 1:
        return {names[0]: len(orders)}, []
    marks = {name: _mark(report, name) for name in names}
    for name, mark in marks.items():
        for other, its in marks.items():
            assert other == name or not mark.hides(its), mark.said.unlike(
                Words(f"a mark that tells {name} from {other} ({show(its.value)})"),
                "mark the orders of each differently",
            )
    nobodys = [order["txid"] for order in orders if not any(mark.is_on(order) for mark in marks.values())]
    return {name: sum(mark.is_on(order) for order in orders) for name, mark in marks.items()}, nobodys


def _mark(report: PaperReport, name: str) -> Mark:
    entry = report.entry(name)
    if not entry.has("orders"):
        raise NotProven(
            f"{entry.found.where}.orders: absent. {name} shares its account and its metrics with other paper "
            "entrypoints, so only its orders can show that it ran. Next: let the bot begin the cl_ord_id of its orders "
            f"with something of its own, or give them a userref, and report it here as {MARKS}."
        )
    said = entry.mapping("orders")
    assert list(said.value) in ([PREFIX], [USERREF]), said.unlike(
        Words(f"one of {PREFIX} and {USERREF}"), f"write {MARKS}"
    )
    if entry.has("orders", PREFIX):
        found = entry.text("orders", PREFIX)
        assert len(found.value.strip()) >= SHORTEST_PREFIX, found.unlike(
            Words(f"the beginning of its client order ids, at least {SHORTEST_PREFIX} characters"), f"write {MARKS}"
        )
        return Mark(PREFIX, found.value, found)
    found = entry.whole("orders", USERREF)
    assert found.value != 0, found.unlike(
        Words("a number other than 0, which every order has that was given none"),
        "give its orders a userref of their own",
    )
    return Mark(USERREF, found.value, found)


def _sought(report: PaperReport, name: str) -> str:
    entry = report.entry(name)
    return f"orders marked {show(entry.at('orders').value)}" if entry.has("orders") else "on its own account"
