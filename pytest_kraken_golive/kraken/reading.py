"""From JSON to models: how Kraken writes numbers and rows, and what to say where an answer has another shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from pytest_kraken_golive.kraken.errors import MalformedAnswerError

T = TypeVar("T")

_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_PROBLEMS_SHOWN: Final = 3


class KrakenModel(BaseModel):
    """Frozen; keys that we do not know are ignored, because the exchange adds some now and then."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


def _amount(value: object) -> Decimal:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    raise ValueError("expected a decimal number as text")


def _seconds(value: object) -> float:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return float(value)
    raise ValueError("expected a number of seconds")


def _absent_text(value: object) -> object:
    return None if value == "None" else value


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("expected a whole number")


Amount = Annotated[Decimal, BeforeValidator(_amount)]
"""Money, volume or rate. Kraken writes text; some documented samples show numbers."""
Seconds = Annotated[float, BeforeValidator(_seconds)]
"""Seconds since the Unix epoch."""
Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number, as a JSON number."""
Reference = Annotated[str | None, BeforeValidator(_absent_text)]
"""An id or nothing; Kraken's samples also write the word None."""


def first(length: int) -> BeforeValidator:
    """Cut a row to its first `length` elements: the exchange has lengthened rows before."""

    def cut(value: object) -> object:
        if not isinstance(value, list) or len(value) < length:
            raise ValueError(f"expected a list of at least {length} elements")
        return value[:length]

    return BeforeValidator(cut)


def as_type(kind: type[T]) -> Callable[[str, Any], T]:
    """A reader that turns a result into `kind` (anything that pydantic has a schema for).

    The reader raises MalformedAnswerError, which names places and expectations, never the values found.
    """
    adapter = TypeAdapter(kind)

    def read(endpoint: str, result: Any) -> T:
        try:
            return adapter.validate_python(result)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False, include_context=False)
        # Raised without pydantic's exception and without the answer: both may hold the key, and reports print them.
        del result
        shown = [f"result.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems[:_PROBLEMS_SHOWN]]
        more = f" (and {len(problems) - _PROBLEMS_SHOWN} more)" if len(problems) > _PROBLEMS_SHOWN else ""
        raise MalformedAnswerError(endpoint, "; ".join(shown) + more)

    return read


def sole(endpoint: str, result: Any) -> tuple[str, Any]:
    """The one key of a market-data result that is not `last`, with its value.

    Kraken answers under a name of its own (`XBTUSD` in, `XXBTZUSD` out), so nothing is looked up by what was asked.
    """
    if not isinstance(result, dict):
        raise MalformedAnswerError(endpoint, "expected an object with one pair")
    names = [name for name in result if name != "last"]
    if len(names) != 1:
        raise MalformedAnswerError(endpoint, f"expected one pair, found {len(names)}")
    return names[0], result[names[0]]
