"""Kinds of values: what is demanded of a value that was found, and how messages call what it is instead."""

from __future__ import annotations

import math

from ..contract import Fault, Found, show


def kind(value: object) -> str:
    """What a value is, in words: text, flag, number, list, mapping, nothing, or the type's name."""
    names = ((bool, "a flag"), (str, "text"), ((int, float), "a number"), (list, "a list"), (dict, "a mapping"))
    for types, name in names:
        if isinstance(value, types):
            return name
    return "nothing (null)" if value is None else f"a {type(value).__name__}"


def unlike(found: Found, expected: str, do: str) -> Fault:
    """A fault that says what was expected at a place in words, what was found there, and what to do."""
    return Fault(f"{found.where}: expected {expected}, found {described(found.value)}. Next: {do}.")


def mistyped(found: Found, expected: str, by_hand: str) -> Fault:
    """A fault of a value's type; the next step is for a person, or for who looks after the program that wrote it."""
    if found.where.by_program:
        return unlike(found, expected, f"let the program that writes this file write {expected} there")
    return unlike(found, expected, by_hand)


def as_text(found: Found) -> Found:
    """The same if it is text that is not blank, else a `Fault`."""
    if not isinstance(found.value, str):
        raise mistyped(found, "text", "write it as text; what YAML reads as another type needs quotes")
    if not found.value.strip():
        raise mistyped(found, "text that is not blank", "fill it in")
    return found


def as_number(found: Found) -> Found:
    """The same if it is a finite number, else a `Fault`."""
    if isinstance(found.value, bool) or not isinstance(found.value, (int, float)):
        raise mistyped(found, "a number", "write a number, without quotes")
    if isinstance(found.value, float) and not math.isfinite(found.value):
        raise mistyped(found, "a finite number", "write a number that can be compared")
    return found


def as_whole(found: Found) -> Found:
    """The same if it is a whole number, else a `Fault`."""
    if isinstance(found.value, bool) or not isinstance(found.value, int):
        raise mistyped(found, "a whole number", "write a number without decimal point and quotes")
    return found


def as_flag(found: Found) -> Found:
    """The same if it is true or false, else a `Fault`."""
    if not isinstance(found.value, bool):
        raise mistyped(found, "true or false", "write true or false, without quotes")
    return found


def as_mapping(found: Found) -> Found:
    """The same if it is a mapping whose keys are all text, else a `Fault`."""
    if not isinstance(found.value, dict):
        raise mistyped(found, "a mapping", "put keys with values below it")
    for key in found.value:
        if not isinstance(key, str):
            raise Fault(
                f"{found.where}: expected keys that are text, found the key {show(key, 60)}, which is {kind(key)}. "
                "Next: put the key in quotes."
            )
    return found


def described(value: object) -> str:
    """A value and its kind, in words."""
    if value is None or isinstance(value, (list, dict)):
        return kind(value) if not value else f"{kind(value)}: {show(value, 120)}"
    return f"{show(value, 120)}, which is {kind(value)}" if not isinstance(value, str) else f"the text {show(value)}"
