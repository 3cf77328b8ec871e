"""Evidence as Allure shows it: a step for each thing that was seen, and files for what is too long for a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.reporting.failures import also

LONGEST_VALUE = 200
"""Characters of a value that stand in a step; what is longer is attached."""
LARGEST_RECORDING = 2_000_000
"""Bytes of a cassette that is attached."""


@dataclass(frozen=True)
class Attached:
    """A file beside the results."""

    name: str
    """What the page calls it."""
    ending: str
    """Of the file's name."""
    type: str
    """Media type."""
    text: str


def place(seen: dict[str, Any]) -> str:
    """Where it was seen: source, line, key."""
    at = str(seen["source"]) if seen.get("line") is None else f"{seen['source']}:{seen['line']}"
    return at if seen.get("key") is None else f"{at} {seen['key']}"


def step(seen: dict[str, Any], line: dict[str, Any], status: str) -> dict[str, Any]:
    """A step without its attachments.

    What a line complains of has the line's status. What else it saw was seen, and is no pass of its own where the line
    did not pass.
    """
    at = place(seen)
    value = "a picture" if _is_picture(seen["value"]) else _compact(seen["value"])
    short = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    parameters = [{"name": name, "value": str(seen[name])} for name in ("source", "line", "key") if name in seen]
    parameters.append({"name": "value", "value": short})
    if "note" in seen:
        parameters.append({"name": "note", "value": str(seen["note"])})
    complained_of = status not in {"passed", "skipped"} and any(at in said for said in (line["message"], *also(line)))
    return {
        "name": f"{at} = {short}" if len(short) <= LONGEST_VALUE // 2 else at,
        "status": status if complained_of or status == "passed" else "unknown",
        "parameters": parameters,
    }


def attached(seen: dict[str, Any], root: Path) -> list[Attached]:
    """What belongs to a step as a file: a picture, structured data, a long text, the recorded exchanges."""
    value, at = seen["value"], place(seen)
    files: list[Attached] = []
    if isinstance(value, str):
        if _is_picture(value):
            files.append(Attached(at, "svg", "image/svg+xml", value))
        elif len(value) > LONGEST_VALUE or "\n" in value:
            files.append(Attached(at, "txt", "text/plain", value))
    elif isinstance(value, (dict, list)) and value:
        files.append(Attached(at, "json", "application/json", json.dumps(value, indent=1, ensure_ascii=False)))
    if seen.get("key") == "recording":
        files += _recording(root / str(seen["source"]))
    return files


def _recording(cassette: Path) -> Sequence[Attached]:
    if not cassette.is_file() or cassette.stat().st_size > LARGEST_RECORDING:
        return []
    text = cassette.read_text(encoding="utf-8", errors="backslashreplace")
    return [Attached("HTTP exchanges", "yaml", "application/yaml", text)]


def _is_picture(value: object) -> bool:
    return isinstance(value, str) and value.startswith("<svg")


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
