from __future__ import annotations

from pathlib import Path

import pytest
from watched import traded

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.dashboard.growing import GrowingTrends
from pytest_kraken_golive.telemetry.trends import trends

START = 1_790_000_040.0
"""A full minute."""


def lines(orders: int, start: float = START) -> bytes:
    return b"".join(event.line() for event in traded("kraken", orders, start))


@pytest.mark.parametrize("chunk_bytes", [700, 10_000, 10_000_000])
def test_in_pieces_it_says_what_the_whole_file_says(tmp_path: Path, chunk_bytes: int) -> None:
    path = tmp_path / "events.jsonl"
    data = lines(50) + b"no event\n" + lines(9, START + 3000) + b'{"torn'
    path.write_bytes(b"")
    growing = GrowingTrends(path, "events.jsonl", chunk_bytes=chunk_bytes)
    for end in range(0, len(data) + 997, 997):
        path.write_bytes(data[:end])
        growing.read_on(60)
    path.write_bytes(data[:-6])
    growing.read_on(60)
    found, expected = growing.trends(), trends(path, "events.jsonl", bucket_s=60)
    assert (found.buckets, found.unread_lines) == (expected.buckets, expected.unread_lines)


def test_nothing_is_read_twice(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(5))
    growing = GrowingTrends(path, "events.jsonl", chunk_bytes=1500)
    first = growing.read_on(0)  # one chunk
    assert 0 < first.done < first.size
    while growing.read_on(0).share < 1:
        pass
    assert sum(one.attempts for one in growing.trends().buckets) == 5
    growing.read_on(60)
    assert sum(one.attempts for one in growing.trends().buckets) == 5


@pytest.mark.parametrize("way", ["replaced", "cut", "written anew"])
def test_another_file_is_read_from_its_beginning(tmp_path: Path, way: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(5))
    growing = GrowingTrends(path, "events.jsonl")
    growing.read_on(60)
    if way == "replaced":
        (tmp_path / "new").write_bytes(lines(5) + lines(2, START + 600))
        (tmp_path / "new").replace(path)
    else:
        path.write_bytes(lines(7 if way == "written anew" else 2, START + 6000))
    growing.read_on(60)
    expected = trends(path, "events.jsonl", bucket_s=60)
    assert growing.trends().buckets == expected.buckets
    path.unlink()
    with pytest.raises(NotProven, match="found no file"):
        growing.read_on(60)
    with pytest.raises(NotProven):
        growing.trends()


def test_a_line_without_end_is_stepped_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(2) + b"x" * 5000 + b"\n" + lines(2, START + 600))
    growing = GrowingTrends(path, "events.jsonl", chunk_bytes=1000)
    assert growing.read_on(60).share == 1
    found = growing.trends()
    assert (sum(one.attempts for one in found.buckets), found.unread_lines) == (4, 1)


def test_a_long_time_is_few_points_and_the_latest_counts(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(500))
    growing = GrowingTrends(path, "events.jsonl")
    growing.read_on(60)
    found = growing.trends()
    assert len(found.buckets) <= 60
    assert sum(one.filled for one in found.buckets) == 500
    assert sum(one.attempts for one in growing.trends(since=START + 490 * 60).buckets) == 10
    with pytest.raises(NotProven, match="expected events of orders"):
        growing.trends(since=START + 1e6)
