"""Checks in the words of somebody who binds a line: parameters and types, a comment to paste, the nearest name."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import PydanticUserError

from pytest_kraken_golive.contract import Break, Check
from pytest_kraken_golive.gate.registry import Signature

_NAMES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}


def parameter(signature: Signature, name: str) -> str:
    """A parameter as `name: type = default`."""
    default = signature.params[name].default
    text = f"{name}: {_type(signature, name)}"
    return text if default is inspect.Parameter.empty else f"{text} = {default}"


def parameters(signature: Signature) -> str:
    """All parameters of a check, in a row."""
    return ", ".join(parameter(signature, name) for name in signature.params) or "none"


def comment(
    check: Check, signature: Signature, line_id: str = "…", values: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The comment that binds a line to the check; of the values that it must have, unknown ones are left open."""
    pairs = [f"id: {line_id}", f"check: {check.name}"]
    pairs += [f"{name}: {values.get(name, '…')}" for name in needed(signature)]
    return f"<!-- golive: {{{', '.join(pairs)}}} -->"


def needed(signature: Signature) -> list[str]:
    """The parameters without which a line cannot be bound."""
    return [name for name, one in signature.params.items() if one.default is inspect.Parameter.empty]


def nearest(name: str, known: Iterable[str]) -> str:
    """A question after the name that was probably meant; empty if none is near."""
    near = difflib.get_close_matches(name.casefold(), list(known), n=2)
    return f"; did you mean {' or '.join(map(repr, near))}" if near else ""


def purpose(check: Check) -> str:
    """What the check proves, as its author says it."""
    return inspect.getdoc(check.function) or "no description"


def what_breaks(sabotage: Break) -> str:
    """What a break does, in one line."""
    return (sabotage.act.__doc__ or sabotage.name.replace("_", " ")).strip().split("\n", 1)[0]


def choices(signature: Signature, name: str) -> list[str]:
    """The words that a parameter can be, where there are only some."""
    try:
        schema = signature.adapters[name].json_schema()
    except PydanticUserError:
        return []
    return [str(one) for one in schema.get("enum", [])]


def _type(signature: Signature, name: str) -> str:
    try:
        return _words(signature.adapters[name].json_schema())
    except PydanticUserError:  # a type of the project's own that has no schema
        return str(signature.params[name].annotation)


def _words(schema: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "const" in schema or "enum" in schema:
        return " or ".join(map(str, schema.get("enum", [schema.get("const")])))
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_words(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {_words(values)}]" if isinstance(values, dict) else "dict"
    least = f" from {schema['minimum']}" if "minimum" in schema else ""
    return f"{_NAMES.get(str(kind), 'value')}{least}"
