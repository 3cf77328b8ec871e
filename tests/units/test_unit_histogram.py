"""The picture of a latency: well-formed, within its frame, whatever the samples."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.reporting.histogram import HEIGHT, WIDTH, histogram_svg

SVG = "{http://www.w3.org/2000/svg}"
durations = st.floats(min_value=0, max_value=1000, allow_nan=False)


@given(st.lists(durations, min_size=1, max_size=400), st.dictionaries(st.sampled_from(["p50", "p95"]), durations))
def test_everything_lies_within_the_frame(samples: list[float], budgets: dict[str, float]) -> None:
    root = ElementTree.fromstring(histogram_svg("a < b & c", samples, budgets))
    assert root.find(f"{SVG}title") is not None
    for shape in root.iter(f"{SVG}rect"):
        x, y = float(shape.get("x", 0)), float(shape.get("y", 0))
        assert -0.1 <= x <= x + float(shape.get("width", 0)) <= WIDTH + 0.1
        assert -0.1 <= y <= y + float(shape.get("height", 0)) <= HEIGHT + 0.1
    for line in root.iter(f"{SVG}line"):
        assert all(-0.1 <= float(line.get(name, 0)) <= WIDTH + 0.1 for name in ("x1", "x2"))


def test_one_slow_call_among_many_is_seen_and_budgets_are_told() -> None:
    picture = histogram_svg("orders", [0.002] * 299 + [1.0], {"p50 at most": 0.1, "p99 at most": 9.0})
    bars = ElementTree.fromstring(picture).findall(f"{SVG}rect[@class='b']")
    assert len(bars) == 2
    assert "p50 at most" in picture
    assert "budgets beyond the picture: p99 at most 9000 ms" in picture
    assert "prefers-color-scheme: dark" in picture


def test_no_samples_no_picture() -> None:
    with pytest.raises(ValueError, match="at least one"):
        histogram_svg("nothing", [], {})
