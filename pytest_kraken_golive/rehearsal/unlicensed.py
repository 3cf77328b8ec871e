"""The bot once more, in a copy of the deployment without its licence: it must refuse to start.

What a refusal looks like is known by contrast alone. Both runs begin with the same files, the same command and
environment, and an exchange with the same accounts and balances; they differ in the licence, so what only the second
one says or does is about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.rehearsal.bot_run import BotOrder, BotState
from pytest_kraken_golive.rehearsal.copying import copy_tree

LONGEST_S = 60.0
"""A bot that has neither ended nor used its key by then is ended."""

LICENCE = re.compile(r"licen[cs]e", re.IGNORECASE)

NO_COPY = (
    "there is no copy of the deployment without its licence: the licence lies elsewhere, or runtime.yaml does not say "
    "where. Next: name it in licensing.license.license_path, relative to the deployment's root."
)

_RELATIVE_PATH = re.compile(r"""[^\s'"]*[/\\][^\s'"]*\.\w+""")
_CHANGING = re.compile(r"[\w.+-]*\d[\w.+-]*")
"""Times, numbers and ids, which differ from run to run."""


@dataclass(frozen=True)
class Contrast:
    """How the bot ended without its licence, beside how it ran with it."""

    state: BotState
    """Without."""
    books: dict[str, Any] = field(default_factory=dict)
    """What its own exchange saw of it; see `Exchange.observed`."""
    licensed: BotState = field(default_factory=BotState)
    """With."""
    said: list[str] = field(default_factory=list)
    """Lines about the licence that it printed or reported without it, and not with it; see `said_only_there`."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` made of one."""
        states = {name: BotState.from_json(data[name]) for name in ("state", "licensed")}
        return cls(**{**data, **states})

    def as_json(self) -> dict[str, Any]:
        """The same in a form that travels between processes."""
        return asdict(self)


def without_paths(text: str, places: Iterable[str]) -> str:
    """A text without the names of files, which hold the word licence wherever a licence is kept.

    Args:
        text: what a bot said.
        places: folders of its run; whatever lies below them is taken out, with or without a suffix.
    """
    for place in places:
        text = re.sub(re.escape(place) + r"""[^\s'",;)\]]*""", "…", text)
    return _RELATIVE_PATH.sub("…", text)


def said_only_there(there: Iterable[str], elsewhere: Iterable[str]) -> list[str]:
    """The lines about a licence in one text that another does not hold; times, numbers and ids make no difference."""

    def gist(line: str) -> str:
        return " ".join(_CHANGING.sub("#", line).casefold().split())

    known = {gist(line) for line in elsewhere if LICENCE.search(line)}
    found = {gist(line): line.strip() for line in there if LICENCE.search(_CHANGING.sub("#", line))}
    return [line for key, line in found.items() if key not in known]


def copy_without_licence(root: Path, place: Path) -> bool:
    """Copy a deployment but for its licence; False, and no copy, where the licence is not below the root."""
    try:
        licence = Deployment(root).license_path
    except (Fault, NotProven):
        return False
    if not licence.is_relative_to(root):
        return False
    copy_tree(root, place)
    (place / licence.relative_to(root)).unlink(missing_ok=True)
    return True


def order_without_licence(order: BotOrder, root: Path, place: Path) -> dict[str, Any] | None:
    """Copy a deployment without its licence, and make the order for its bot there.

    Args:
        order: of the bot in the deployment.
        root: the deployment.
        place: gets the copy; its name should not say what it is, since bots print where they are.

    Returns:
        The same order there, as JSON data; None where there can be no such copy.
    """
    if not copy_without_licence(root, place):
        return None

    def moved(text: str) -> str:
        return str(place / Path(text).relative_to(root)) if Path(text).is_relative_to(root) else text

    other = replace(
        order,
        places={name: moved(text) for name, text in order.places.items()},
        cwd=str(place),
        report=moved(order.report),
        output=str(place.with_suffix(".log")),
        timeout_s=min(order.timeout_s, LONGEST_S),
    )
    return asdict(other)
