"""Every section that names an entrypoint or an environment says something about it, wherever it stands.

The sections that are known have properties; a bot may read others, or more of the known ones. So both files are looked
through: what stands beside a name is a copy of what is said of the named thing elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..contract import Found
from .core import KINDS, CoreConfig
from .runtime import RuntimeConfig
from .section import Section

Keys = tuple[str, ...]

_OWN = (("trading", "entrypoints"), ("environments",))
"""Sections that define the things; what they say of themselves is what the others repeat."""

_KNOWN = (("execution", "paper_profiles"), ("execution", "trading_profiles"), ("exchange_accounts",))
"""Sections in which a misspelt key is not taken for an absent one."""


def naming_entrypoint(runtime: RuntimeConfig, core: CoreConfig, entrypoint: str) -> list[Section]:
    """The sections of both files that name an entrypoint, under the key `entrypoint`."""
    return _naming(runtime, core, "entrypoint", entrypoint)


def naming_environment(runtime: RuntimeConfig, core: CoreConfig, environment: str) -> list[Section]:
    """The sections of both files that name an environment, under the key `environment`."""
    return _naming(runtime, core, "environment", environment)


def said(sections: list[Section], key: str) -> list[Found]:
    """What the sections say under a key.

    Raises:
        Fault: it is no text; or, in a section that this version knows, a key is a misspelling of it.
    """
    return [one.text(key) for one in sections if (one.given(key) if _is_known(one) else one.has(key))]


def said_environments(sections: list[Section], kind: Found) -> list[Found]:
    """What the sections say under `environment`; where that is the environment's kind, it is right and left out."""
    return [found for found in said(sections, "environment") if found.value != kind.value]


def said_modes(sections: list[Section]) -> list[Found]:
    """What the sections say under `mode`, where it is one of `KINDS`."""
    found = [one.at("mode") for one in sections if one.has("mode")]
    return [one for one in found if one.value in KINDS]


def _naming(runtime: RuntimeConfig, core: CoreConfig, key: str, value: str) -> list[Section]:
    found: list[Section] = []
    for config in (runtime, core):
        found += [Section(config.document, *path) for path in _index(config).get((key, value), [])]
    return found


def _is_known(section: Section) -> bool:
    return any(section.route[: len(known)] == known for known in _KNOWN)


@lru_cache(maxsize=16)
def _index(config: RuntimeConfig | CoreConfig) -> Mapping[tuple[str, str], list[Keys]]:
    """Key paths of the sections that name something; made once for a file."""
    found: dict[tuple[str, str], list[Keys]] = {}
    for path, mapping in _mappings(config.document.data, ()):
        if any(path[: len(own)] == own for own in _OWN):
            continue
        for key in ("entrypoint", "environment"):
            if isinstance(mapping.get(key), str):
                found.setdefault((key, mapping[key]), []).append(path)
    return found


def _mappings(data: Any, path: Keys) -> Iterator[tuple[Keys, dict[Any, Any]]]:
    """All mappings below a value; those below keys that are no text are left out."""
    if isinstance(data, dict):
        yield path, data
        for key, value in data.items():
            if isinstance(key, str):
                yield from _mappings(value, (*path, key))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from _mappings(value, (*path, str(place)))
