"""On what machine and with which versions a run was made."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from typing import Any

DECIDING = (
    "pytest-kraken-golive",
    *("pytest", "pytest-xdist", "pytest-benchmark", "allure-pytest", "vcrpy", "httpx", "PyYAML", "pydantic"),
)
"""Packages whose versions decide what a run means."""


@functools.cache
def identity() -> dict[str, Any]:
    """On what machine and with which versions this process runs."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.node(),
        "packages": {name: _version(name) for name in DECIDING},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
