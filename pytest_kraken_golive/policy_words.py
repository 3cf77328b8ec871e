"""What pydantic finds wrong with `config/golive.yaml`, in the words of the house: expected, found, next step."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pytest_kraken_golive.contract import show

_KINDS = {
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list of words",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
}
"""pydantic's names for what has the wrong type, and what is expected instead."""


def explained(error: ErrorDetails, path: Sequence[str], value: Any, model: type[BaseModel]) -> str:
    """What is wrong at a place and what to do about it.

    Args:
        error: the first of pydantic's.
        path: the keys that lead to the place, as they are written in the file.
        value: what stands there.
        model: what the whole file must be.
    """
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path, value, model)
    if kind == "missing":
        return "expected this key, found none. Next: write it."
    bounds = {
        "greater_than": f"more than {limits.get('gt')}",
        "less_than_equal": f"at most {limits.get('le')}",
        "too_short": f"at least {limits.get('min_length')} word",
    }
    expected = bounds.get(kind) or _KINDS.get(kind)
    if expected is None:  # a rule of a later pydantic: in its own words
        return f"{error['msg']}, found {show(value)}. Next: correct it, or take it out for the default."
    return f"expected {expected}, found {show(value)}. Next: correct it, or take it out for the default."


def _unknown(path: Sequence[str], value: Any, model: type[BaseModel]) -> str:
    keys = _keys(model, path[:-1])
    near = difflib.get_close_matches(path[-1], keys, n=1)
    meant = f"did you mean {near[0]}?" if near else f"take it out; there is {', '.join(keys)}."
    return f"no such key, found {show(value)}. Next: {meant}"


def _keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys that there are below a path."""
    for part in path:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if part not in fields:  # a key of the user's own, whose values are of the model that was found
            continue
        kinds = [kind for kind in _alternatives(fields[part].annotation) if _is_model(kind)]
        model = kinds[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _alternatives(annotation: Any) -> Sequence[Any]:
    return typing.get_args(annotation) or (annotation,)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
