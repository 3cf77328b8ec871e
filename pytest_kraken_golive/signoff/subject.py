"""What a person signs when they sign a line: digests of its words, its runbook, the configuration and the evidence."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

_TIMES = re.compile(r"(^|_)(at|on|time|timestamp|ts|age|duration|elapsed|took|uptime)(_(s|ms|ns|h|days))?$")
"""Keys whose figures are times: two equal runs differ in them. What else stands there counts, as `on: false` does."""
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


def line_subject(
    *, line: str, runbook: str, files: Mapping[str, str], evidence: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """What a line's signature binds.

    Args:
        line: digest of the line, its binding and its check.
        runbook: digest of the runbook's bytes.
        files: digests of the configuration's files, by path.
        evidence: the line's records.
    """
    return {
        "line": line,
        "runbook": runbook,
        "config": _digest(sorted(files.items())),
        "evidence": _digest([timeless(record) for record in evidence]),
    }


def timeless(value: Any) -> Any:
    """JSON data without the times in it."""
    if isinstance(value, Mapping):
        return {key: timeless(item) for key, item in value.items() if not _is_time(str(key), item)}
    if isinstance(value, list):
        return [timeless(item) for item in value]
    return _MOMENT.sub("…", value) if isinstance(value, str) else value


def _is_time(key: str, value: Any) -> bool:
    if _TIMES.search(key) is None or isinstance(value, bool):
        return False
    figures = value if isinstance(value, list) else [value]
    return all(isinstance(one, (int, float, Decimal)) or str(one)[:1].isdecimal() for one in figures)


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
