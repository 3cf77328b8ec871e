"""Names that one place gives to what another one defines: an entrypoint names its environment, a profile its queue.

Where there is nothing of that name, the fault is told at the place of the name: that is what a person mistyped.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..contract import Fault, Found, show
from .documents import Document
from .kinds import as_mapping
from .misspelt import nearest

_NAMES_SHOWN = 12

Name = str | Found
"""What something is called; a `Found` says where it is called so."""


def resolved(name: Name, document: Document, path: Sequence[str]) -> str:
    """The name of an entry below a path.

    Args:
        name: as text, for whoever looks for it himself; with its place, where a file gives it.
        document: where the entries are.
        path: of the mapping that holds them.

    Raises:
        NotProven: there is no such mapping.
        Fault: the mapping is none; or the name has a place, and no entry has this name.
    """
    if isinstance(name, str):
        return name
    entries = as_mapping(document.at(path))
    require_known(name, Found(list(entries.value), entries.where))
    return str(name.value)


def require_known(name: Found, known: Found) -> None:
    """Do nothing if a name is one of those that are known; else a `Fault` at its place."""
    if name.value in known.value:
        return
    there = ", ".join(known.value[:_NAMES_SHOWN]) + (" …" if len(known.value) > _NAMES_SHOWN else "")
    near = nearest(str(name.value), known.value)
    add = f"add {name.value} to {known.where.key} in {known.where.source}"
    step = f"write one of these, or {add}." if near is None else f"did you mean {near}? Else {add}."
    raise Fault(f"{name.where}: {show(name.value)} is not in {known.where} ({there or 'which is empty'}). Next: {step}")
