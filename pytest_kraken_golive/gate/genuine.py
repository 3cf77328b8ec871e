"""Whether this package's code is its own: a conftest or a plugin that patches a stock module could turn any result."""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Check, Fault
from pytest_kraken_golive.gate.scope import INSTALLED, PACKAGE

NAME = PACKAGE.name
_TRUSTED = tuple(
    f"{folder}{os.sep}" for folder in (PACKAGE, sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
)
_MOCKS = "unittest.mock"


def require_genuine(check: Check) -> None:
    """Look at the module of a stock check, as it is now.

    Raises:
        Fault: something in it is not what the package has there; names it and its place.
    """
    module = sys.modules.get(check.function.__module__)
    if module is not None and module.__name__.startswith(f"{NAME}."):
        for told in patched([module]):
            raise Fault(f"{told}.")


def patched(modules: Iterable[types.ModuleType] | None = None) -> list[str]:
    """What stands in the package's modules and their classes, and comes from elsewhere; each in words.

    Functions, methods and classes are looked at, by the file that their code is written in, and mocks. Values are not,
    nor what is patched outside of the package.

    Args:
        modules: those to look at; by default all of the package that are loaded.
    """
    looked = _loaded() if modules is None else modules
    return [
        f"{where} is not the package's own: it was replaced by {by}. Next: take the patch out; what has to be judged "
        "otherwise needs a check of your own (replaces=), which the verdict shows"
        for module in looked
        for where, by in _foreign(module)
    ]


def _loaded() -> list[types.ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name == NAME or name.startswith(f"{NAME}.")]


def _foreign(module: types.ModuleType) -> Iterator[tuple[str, str]]:
    for name, value in list(vars(module).items()):
        where = f"{module.__name__}.{name}"
        if isinstance(value, type):
            yield from _in_class(where, value)
        elif (by := _elsewhere(value)) is not None:
            yield where, by


def _in_class(where: str, held: type) -> Iterator[tuple[str, str]]:
    home = sys.modules.get(held.__module__)
    file = getattr(home, "__file__", None)
    if not held.__module__.startswith(NAME):
        if file is not None and not _is_trusted(file):
            yield where, file
        return
    if where != f"{held.__module__}.{held.__qualname__}":
        return  # it is looked at in its own module
    for name, value in list(vars(held).items()):
        if (by := _elsewhere(value)) is not None:
            yield f"{where}.{name}", by


def _elsewhere(value: Any) -> str | None:
    """Where a value's code is written, if that is neither here, nor Python's, nor installed."""
    if type(value).__module__ == _MOCKS:
        return "a mock"
    for function in _functions(value):
        code = function.__code__
        if not _is_trusted(code.co_filename):
            return f"{code.co_filename}:{code.co_firstlineno}"
    return None


def _functions(value: Any) -> Iterator[types.FunctionType]:
    """The functions that a module's or a class's value is made of."""
    if isinstance(value, types.FunctionType):
        yield value
    elif isinstance(value, Check):
        yield from _functions(value.function)
    elif isinstance(value, (staticmethod, classmethod, types.MethodType)):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        for part in (value.fget, value.fset):
            yield from _functions(part)
    elif isinstance(value, (functools.partial, functools.cached_property)):
        yield from _functions(value.func)
    elif isinstance(value, functools._lru_cache_wrapper):
        yield from _functions(value.__wrapped__)


@functools.cache
def _is_trusted(file: str) -> bool:
    return file.startswith(("<", *_TRUSTED)) or not INSTALLED.isdisjoint(Path(file).parts)
