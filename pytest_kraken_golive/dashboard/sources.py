"""What the page reads: files that may be absent, torn, huge, in another encoding, or written at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract import Fault, NotProven
from ..deployment.documents import load_json
from ..policy import FILE as POLICY
from ..policy import Policy, load_policy

METRICS = "runtime/metrics_trading.json"
EVENTS = "runtime/events.jsonl"
BENCHMARK = "runtime/benchmark_results.json"
VERDICT = "reports/verdict.json"

MAX_BYTES = 16 * 1024 * 1024
"""No such file grows larger; one that is would hold the page up."""


@dataclass(frozen=True)
class Read:
    """What a file holds, or why nothing is known of it."""

    data: Mapping[str, Any] | None = None
    """Its content; None: not known."""
    absent: bool = False
    """There is no such file, or nothing in it."""
    problem: str | None = None
    """Why nothing is known, and the next step."""


def read(root: Path, name: str) -> Read:
    """Read one of the files, whatever state it is in.

    Args:
        root: of the deployment.
        name: of the file, relative to it.
    """
    path = root / name
    try:
        if path.is_file() and (size := path.stat().st_size) > MAX_BYTES:
            raise Fault(f"{name}: expected at most {MAX_BYTES} bytes, found {size}. Next: see what writes it.")
        return Read(load_json(path, name).data)
    except NotProven as error:
        return Read(absent=not path.exists(), problem=str(error))
    except (Fault, OSError) as error:
        return Read(problem=str(error))


def read_policy(root: Path) -> Policy | str:
    """The policy with its thresholds, or why there is none."""
    try:
        return load_policy(root) or Policy()
    except (Fault, NotProven, OSError) as error:
        return f"{error} Until then no figure is judged." if POLICY in str(error) else f"{POLICY}: {error}"
