from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from watched import verdict

from pytest_kraken_golive.dashboard.sources import VERDICT, read
from pytest_kraken_golive.dashboard.standing import Standing, standing

NOW = 1_790_000_000.0


def at(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


def of(root: Path, **changes: Any) -> Standing:
    verdict(root, NOW, **changes)
    return standing(read(root, VERDICT), NOW)


def test_only_a_production_sign_off_that_counts_now_is_a_go(tmp_path: Path) -> None:
    found = of(tmp_path)
    assert (found.weight, found.headline) == ("go", "✔ GO FOR PRODUCTION")
    assert "deployment, real" in found.detail
    assert "given 1 h 0 min ago" in found.detail


REHEARSED = {"name": "rehearsal, sandbox", "deployment": "rehearsal", "exchange": "sandbox"}


@pytest.mark.parametrize(
    ("changes", "weight", "headline"),
    [
        ({"production_signoff": False, "scope": REHEARSED}, "notice", "GO OF A REHEARSAL"),
        ({"production_signoff": "true"}, "notice", "GO OF A REHEARSAL"),
        ({"scope": REHEARSED}, "alert", "CONTRADICTS"),
        ({"scope": None}, "alert", "CONTRADICTS"),
        ({"scope": {"deployment": "/srv/bot", "exchange": "replay"}}, "alert", "CONTRADICTS"),
        ({"valid_until": at(0)}, "alert", "EXPIRED"),
        ({"valid_until": None}, "alert", "WITHOUT A TIME"),
        ({"valid_until": "2027-01-01"}, "alert", "WITHOUT A TIME"),
        ({"finished_at": at(3600)}, "alert", "WITHOUT A TIME"),
        ({"finished_at": None}, "alert", "WITHOUT A TIME"),
        ({"verdict": "NO-GO", "reason": "one line failed"}, "alert", "✘ NO-GO"),
        ({"verdict": "INCOMPLETE", "reason": None}, "alert", "✘ INCOMPLETE"),
        ({"verdict": "go"}, "alert", "UNREADABLE"),
        ({"verdict": ["GO"]}, "alert", "UNREADABLE"),
    ],
)
def test_everything_else_is_none(tmp_path: Path, changes: dict[str, Any], weight: str, headline: str) -> None:
    found = of(tmp_path, **changes)
    assert found.weight == weight
    assert headline in found.headline


@pytest.mark.parametrize("data", [b"", b'{"verdict": "GO"', b"[]", '{"verdict": "GO"}'.encode("utf-16"), b"\xff\x00"])
def test_what_cannot_be_read(tmp_path: Path, data: bytes) -> None:
    assert standing(read(tmp_path, VERDICT), NOW).headline == "? NO VERDICT"
    (tmp_path / "reports").mkdir()
    (tmp_path / VERDICT).write_bytes(data)
    found = standing(read(tmp_path, VERDICT), NOW)
    assert (found.weight, "UNREADABLE" in found.headline) == ("alert", True)
