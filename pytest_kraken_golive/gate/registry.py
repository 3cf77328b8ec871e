"""The checks that lines can be bound to, and how a line's parameters become a check's arguments."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.runbook.model import Raw

STOCK_PACKAGE = "pytest_kraken_golive.checks"
CHECK_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class CheckError(Exception):
    """A check or the way a line uses it is wrong; the message names the place and the next step."""


@dataclass(frozen=True)
class Signature:
    """What a check asks for."""

    fixtures: tuple[str, ...]
    """Names of its positional arguments."""
    params: dict[str, inspect.Parameter]
    """Its keyword-only arguments."""
    adapters: dict[str, TypeAdapter[Any]]
    """What turns a written parameter into its type."""


@dataclass
class Registry:
    """Every check that was seen, by name."""

    problems: list[str] = field(default_factory=list)
    """What is wrong with the checks, for people."""
    _plain: dict[str, Check] = field(default_factory=dict)
    _replacing: dict[str, Check] = field(default_factory=dict)
    _signatures: dict[Check, Signature] = field(default_factory=dict)

    def take_from(self, plugin: object) -> None:
        """Register every check that a plugin or conftest module holds."""
        for value in list(vars(plugin).values()) if hasattr(plugin, "__dict__") else ():
            if isinstance(value, Check):
                self.add(value)

    def add(self, check: Check) -> None:
        """Register a check; problems are kept for `complain`, so that all can be named at once."""
        rival = (self._replacing if check.replaces else self._plain).get(check.name)
        if rival is not None and rival.function is check.function:
            return
        try:
            signature = read_signature(check)
        except CheckError as error:
            self.problems.append(str(error))
            return
        if check.replaces is not None and check.replaces != check.name:
            self.problems.append(
                f"{place(check)}: check {check.name!r} says replaces={check.replaces!r}. Next: give both the same name."
            )
        elif rival is not None:
            self.problems.append(
                f"{place(check)}: a check named {check.name!r} is already at {place(rival)}. "
                "Next: rename one, or say replaces= to take its place."
            )
        else:
            (self._replacing if check.replaces else self._plain)[check.name] = check
            self._signatures[check] = signature

    @property
    def checks(self) -> dict[str, Check]:
        """The checks in force by name: one that replaces another stands in its place."""
        return {**self._plain, **self._replacing}

    def find(self, name: str) -> Check | None:
        """The check in force under a name, None where there is none."""
        return self._replacing.get(name) or self._plain.get(name)

    def signature(self, check: Check) -> Signature:
        """The signature of a registered check."""
        return self._signatures[check]

    def complain(self) -> list[str]:
        """The problems found so far, in order."""
        missing = [
            f"{place(check)}: check {check.name!r} replaces nothing. Next: drop replaces=, or correct the name."
            for check in self._replacing.values()
            if check.name not in self._plain
        ]
        return [*self.problems, *missing]


def is_stock(check: Check) -> bool:
    """Whether the check comes with this package."""
    return check.function.__module__.startswith(STOCK_PACKAGE + ".")


def place(check: Check) -> str:
    """Where a check is written: file and line."""
    code = check.function.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def read_signature(check: Check) -> Signature:
    """What the check asks for.

    Raises:
        CheckError: the function could pass without being a check: a default on a fixture (pytest would not inject
            it), `*args`, `**kwargs`, positional-only, async, a generator, `parametrize`.
    """
    function = check.function
    where = f"check {check.name!r}"
    if not inspect.isfunction(function):
        raise CheckError(
            f"{where}: expected a plain function, found {function!r}. Next: put @check on the function itself."
        )
    where = f"{place(check)}: {where}"
    if not CHECK_NAME.match(check.name):
        raise CheckError(f"{where}: a name is lower-case letters, digits and _. Next: rename it.")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise CheckError(f"{where} is async; it would pass without running. Next: make it a plain function.")
    if inspect.isgeneratorfunction(function):
        raise CheckError(f"{where} yields; it would pass without running. Next: take the yield out.")
    if hasattr(function, "__wrapped__"):
        raise CheckError(f"{where} is wrapped by another decorator. Next: put @check innermost, alone on the function.")
    marks = [mark.name for mark in getattr(function, "pytestmark", [])]
    if "parametrize" in marks:
        raise CheckError(f"{where} is parametrised. Next: write one runbook line for each case, with parameters.")
    fixtures, params = _arguments(function, where)
    return Signature(fixtures, params, _adapters(function, params, where))


def _arguments(function: Any, where: str) -> tuple[tuple[str, ...], dict[str, inspect.Parameter]]:
    fixtures: list[str] = []
    params: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            params[parameter.name] = parameter
        elif parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            raise CheckError(f"{where} takes {parameter}. Next: name its fixtures, and its parameters after a *.")
        elif parameter.default is not parameter.empty:
            raise CheckError(
                f"{where}: the fixture {parameter.name!r} has a default, so pytest would not give it. "
                "Next: drop the default, or move it behind a * to make it a parameter."
            )
        else:
            fixtures.append(parameter.name)
    return tuple(fixtures), params


def _adapters(function: Any, params: Mapping[str, inspect.Parameter], where: str) -> dict[str, TypeAdapter[Any]]:
    """Only the parameters' annotations are evaluated: fixtures may be annotated with names for type checkers alone."""
    adapters: dict[str, TypeAdapter[Any]] = {}
    for name, parameter in params.items():
        annotation = parameter.annotation
        if annotation is parameter.empty:
            raise CheckError(f"{where}: the parameter {name!r} has no type. Next: annotate it, e.g. {name}: str.")
        try:
            if isinstance(annotation, str):
                annotation = eval(annotation, function.__globals__, vars(typing))  # noqa: S307 - the check's own source
            adapters[name] = _adapter(annotation)
        except Exception as error:
            raise CheckError(f"{where}: the type of {name!r} cannot be read: {error}. Next: import it.") from error
    return adapters


def _adapter(wanted: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(wanted, config=ConfigDict(allow_inf_nan=False, extra="forbid"))
    except PydanticUserError:  # a model brings its own configuration
        return TypeAdapter(wanted)


def validated(check: Check, signature: Signature, raw: Mapping[str, Raw]) -> dict[str, Any]:
    """The line's parameters with the types that the check asks for, complete with its defaults.

    Raises:
        CheckError: an unknown, missing or mistyped parameter.
    """
    for name in raw:
        if name not in signature.params:
            raise CheckError(f"check {check.name!r} has no parameter {name!r}")
    return {name: _one(check, signature, name, raw) for name in signature.params}


def _one(check: Check, signature: Signature, name: str, raw: Mapping[str, Raw]) -> Any:
    if name not in raw:
        default = signature.params[name].default
        if default is inspect.Parameter.empty:
            raise CheckError(f"check {check.name!r} needs the parameter {name!r}")
        return default
    try:
        return signature.adapters[name].validate_python(raw[name])
    except ValidationError as error:
        why = error.errors(include_url=False)[0]["msg"]
        raise CheckError(f"parameter {name!r} of check {check.name!r}: {why}, found {raw[name]!r}") from error
