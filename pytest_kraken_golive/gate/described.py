"""Checks in the words of somebody who binds a line: parameters and types, a comment to paste, the nearest name."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic import PydanticUserError

from pytest_kraken_golive.contract import Break, Check
from pytest_kraken_golive.gate.registry import Registry, Signature

_NAMES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_WORD = re.compile(r"[a-z]{4,}")
"""Shorter words are in every sentence."""
_FITTING = 3
"""How many checks are proposed for a line."""


def parameter(signature: Signature, name: str) -> str:
    """A parameter as `name: type = default`."""
    default = signature.params[name].default
    text = f"{name}: {_type(signature, name)}"
    return text if default is inspect.Parameter.empty else f"{text} = {default}"


def parameters(signature: Signature) -> str:
    """All parameters of a check, in a row."""
    return ", ".join(parameter(signature, name) for name in signature.params) or "none"


def comment(check: Check, signature: Signature, line_id: str = "…") -> str:
    """The comment that binds a line to the check; the values that it must have are left open."""
    needed = [name for name, one in signature.params.items() if one.default is inspect.Parameter.empty]
    pairs = [f"id: {line_id}", f"check: {check.name}", *(f"{name}: …" for name in needed)]
    return f"<!-- golive: {{{', '.join(pairs)}}} -->"


def nearest(name: str, known: Iterable[str]) -> str:
    """A question after the name that was probably meant; empty if none is near."""
    near = difflib.get_close_matches(name.casefold(), list(known), n=2)
    return f"; did you mean {' or '.join(map(repr, near))}" if near else ""


def fitting(text: str, registry: Registry) -> list[Check]:
    """The checks that share most words with a line, the best first."""
    wanted = set(_WORD.findall(text.lower()))
    shared = {
        check: len(wanted & set(_WORD.findall(f"{check.name} {purpose(check)}".lower().replace("_", " "))))
        for check in registry.checks.values()
    }
    best = sorted(shared, key=lambda check: (-shared[check], check.name))[:_FITTING]
    return [check for check in best if shared[check] > 1]


def purpose(check: Check) -> str:
    """What the check proves, as its author says it."""
    return inspect.getdoc(check.function) or "no description"


def what_breaks(sabotage: Break) -> str:
    """What a break does, in one line."""
    return (sabotage.act.__doc__ or sabotage.name.replace("_", " ")).strip().split("\n", 1)[0]


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
