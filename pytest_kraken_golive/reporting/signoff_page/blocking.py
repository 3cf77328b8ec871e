"""What stands in the way, nearest the cause first, as cards: each with its fact, its next step and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.failures import also, grouped, in_the_way, parted
from pytest_kraken_golive.reporting.page import SIGNS, WORDS

CARDS_SHOWN = 200
"""Causes that are told in full; what is beyond is named, and stands below with all others."""


@dataclass(frozen=True)
class Card:
    """A cause and all that has it."""

    line: dict[str, Any]
    fact: str
    step: str
    also: tuple[tuple[str, str], ...]
    """Further faults of the line, each with its next step."""
    same: tuple[str, ...]
    """Lines that give the same reason."""
    follows: tuple[str, ...]
    """Lines that follow for certain."""
    may_follow: tuple[tuple[str, str], ...]
    """Lines that may follow, with what they found."""


@dataclass(frozen=True)
class Blocking:
    """All that is in the way of a GO."""

    troubles: tuple[tuple[str, str], ...]
    """What is wrong beside the lines, with the next step."""
    cards: tuple[Card, ...]
    beyond: tuple[str, ...]
    """Causes that have no card."""
    not_run: tuple[str, ...]

    @property
    def one_alone(self) -> bool:
        """Whether there is one fault, from which nothing follows: the page's head tells all of it."""
        if len(self.troubles) + len(self.cards) != 1 or self.beyond or self.not_run:
            return False
        return not any(card.same or card.follows or card.may_follow for card in self.cards)


def blocking(document: dict[str, Any]) -> Blocking:
    """Read from the document what is in the way."""
    lines = in_the_way(document)
    followers: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if line["follows_from"] is not None:
            followers.setdefault(line["follows_from"]["id"], []).append(line)
    causes = list(grouped([line for line in lines if line["follows_from"] is None]))
    return Blocking(
        tuple(parted(trouble) for trouble in document["troubles"]),
        tuple(_card(same, followers) for same in causes[:CARDS_SHOWN]),
        tuple(line["id"] for same in causes[CARDS_SHOWN:] for line in same),
        tuple(
            line["id"] for book in document["runbooks"] for line in book["lines"] if line["outcome"] == Outcome.NOT_RUN
        ),
    )


def _card(same: list[dict[str, Any]], followers: dict[str, list[dict[str, Any]]]) -> Card:
    first, *others = same
    behind = followers.get(first["id"], [])
    fact, step = said(first)
    return Card(
        first,
        fact,
        step,
        further(first),
        tuple(line["id"] for line in others),
        tuple(line["id"] for line in behind if line["follows_from"]["sure"]),
        tuple((line["id"], said(line)[0]) for line in behind if not line["follows_from"]["sure"]),
    )


def said(line: dict[str, Any]) -> tuple[str, str]:
    """What a line found itself, and the next step; without the pointer to another line, which has a link."""
    message = str(line["message"]) or f"The line is {words_of(line['outcome'])}."
    if line["follows_from"] is not None:
        message = message.rpartition(" (This ")[0] or message
    return parted(message)


def further(line: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Further faults that a line's check found, each with its next step."""
    return tuple(parted(message) for message in also(line))


def sign_of(outcome: str) -> str:
    """An outcome's sign; one that this page does not know has the sign of a fault."""
    return SIGNS.get(outcome, "!")


def words_of(outcome: str) -> str:
    """An outcome in words."""
    return WORDS.get(outcome, outcome)
