"""What all groups of endpoints share: how a method becomes a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pytest_kraken_golive.kraken.calls import Call
from pytest_kraken_golive.kraken.dispatch import Dispatch

T = TypeVar("T")


class Caller:
    """A group of endpoints of one client."""

    _dispatch: Dispatch

    def _call(self, call: Call, read: Callable[[str, Any], T], **parameters: str | None) -> T:
        """Make a call that may be repeated as its kind allows; a parameter that is None is left out."""
        fields = {name: value for name, value in parameters.items() if value is not None}
        return self._dispatch.call(call, lambda: fields, read)


def listed(names: Sequence[str]) -> str | None:
    """Names as Kraken lists them; None for none."""
    return ",".join(names) if names else None


def text(value: float | str | None) -> str | None:
    """A number as a parameter; None stays."""
    return None if value is None else str(value)


def flag(value: bool) -> str | None:
    """`true`, or nothing."""
    return "true" if value else None
