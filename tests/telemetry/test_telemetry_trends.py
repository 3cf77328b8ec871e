from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telemetry_orders import ended, filled, order_streams, rejected, submitted

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.trends import Bucket, Trends, best_engine, trends

DAMAGE = [
    b"not json", b"[1]", b"{}", b"17", b'{"ts":"1","type":"order_fill","payload":{}}', b'{"ts":1,"type":"order_fill"}',
    b'{"ts":1,"type":"order_submitted","payload":{"exchange":"kraken"}}',
    b'{"ts":1,"type":"order_submitted","payload":{"exchange":"kraken","latency_s":"0.1"}}',
    b'{"ts":1,"type":"order_submitted","payload":{"exchange":"kraken","latency_s":-1}}',
    b'{"ts":1,"type":"order_fill","payload":{"exchange":7}}', b'{"ts":-1,"type":"x","payload":{}}',
    b'{"ts":1,"type":7,"payload":{}}', b'{"ts":1,"type":"order_fill","payl',
]  # fmt: skip


def written(path: Path, events: list[Event], extra: list[bytes] | None = None) -> Path:
    path.write_bytes(b"".join(event.line() for event in events) + b"\n".join(extra or []))
    return path


def read(path: Path, engine: Any, **options: Any) -> Trends | str:
    if engine == "duckdb":
        pytest.importorskip("duckdb")
    try:
        return trends(path, "events.jsonl", **{"bucket_s": 60.0, **options, "engine": engine})
    except NotProven as error:
        return str(error)


@pytest.mark.parametrize("engine", ["stream", "duckdb"])
def test_success_and_latency_per_exchange_over_time(tmp_path: Path, engine: str) -> None:
    early = [submitted("a", latency_s=0.1), submitted("b", latency_s=0.3), filled("a"), rejected("c"), submitted("d")]
    late = [ended(EventType.ORDER_FILL_TIMEOUT, "b"), submitted("x", exchange="other", latency_s=2)]
    moved = [Event(event.ts + 120, event.type, event.payload) for event in late]
    found = read(written(tmp_path / "e*[1].jsonl", early + moved, DAMAGE), engine)
    start = 1_790_000_000 // 60 * 60
    assert isinstance(found, Trends)
    assert found.buckets == (
        Bucket("kraken", start, 4, 3, 2, 1, 0.1, 0.3),
        Bucket("kraken", start + 120, 0, 0, 1, 0, None, None),
        Bucket("other", start + 120, 1, 1, 0, 0, 2.0, 2.0),
    )
    assert (found.buckets[0].accept_rate, found.buckets[0].success_rate, found.buckets[2].success_rate) == (
        0.75,
        0.5,
        None,
    )
    assert found.unread_lines == len(DAMAGE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(events=order_streams(), damage=st.lists(st.sampled_from(DAMAGE), max_size=4), times=st.lists(st.floats(0, 1e9)))
def test_both_engines_say_the_same(
    tmp_path: Path, events: list[Event], damage: list[bytes], times: list[float]
) -> None:
    timed = [Event(ts, event.type, event.payload) for event, ts in zip(events, [*times, *[5.0] * 50], strict=False)]
    path = written(tmp_path / "events.jsonl", timed, damage)
    by_stream, by_duckdb = (read(path, engine, since=2.5, bucket_s=7.5) for engine in ("stream", "duckdb"))
    if isinstance(by_stream, Trends) and isinstance(by_duckdb, Trends):
        assert (by_stream.buckets, by_stream.unread_lines) == (by_duckdb.buckets, by_duckdb.unread_lines)
    else:
        assert by_stream == by_duckdb


@pytest.mark.parametrize("engine", ["stream", "duckdb"])
def test_a_name_is_the_same_however_it_is_written(tmp_path: Path, engine: str) -> None:
    lines = [
        b'{"ts": 61, "type": "order_submitted", "payload": {"exchange": "kraken", "latency_s": 1}}',
        rb'{"ts": 62.5, "type": "order\u005fsubmitted", "payload": {"exchange": "\u006braken", "latency_s": 2e0}}',
        rb'{"ts": 63, "type": "order_submitted", "payload": {"exchange": "a \"b\\", "latency_s": 3}}',
    ]
    found = read(written(tmp_path / "e.jsonl", [], lines), engine)
    assert isinstance(found, Trends)
    assert [(one.exchange, one.accepted, one.p95_s) for one in found.buckets] == [
        ('a "b\\', 1, 3.0),
        ("kraken", 2, 2.0),
    ]


@pytest.mark.parametrize("engine", ["stream", "duckdb"])
@pytest.mark.parametrize("wrong", ['"1"', "true", "null", "-1", "-0.5", "[1]", "NaN", "Infinity", "1e999"])
def test_what_is_no_duration_is_not_counted(tmp_path: Path, engine: str, wrong: str) -> None:
    whole = '{"ts": 61, "type": "order_submitted", "payload": {"exchange": "kraken", "latency_s": 1}}'
    lines = [whole, whole.replace("61", wrong), whole.replace('"latency_s": 1', f'"latency_s": {wrong}')]
    found = read(written(tmp_path / "e.jsonl", [], [line.encode() for line in lines]), engine)
    assert isinstance(found, Trends)
    assert [one.accepted for one in found.buckets] == [1]
    assert found.unread_lines == 2


@pytest.mark.parametrize("engine", ["stream", "duckdb"])
def test_no_order_is_not_proven(tmp_path: Path, engine: str) -> None:
    assert "found no file" in str(read(tmp_path / "none.jsonl", engine))
    assert "found none (1 lines" in str(read(written(tmp_path / "e.jsonl", [], [b"xyz"]), engine))


def test_an_engine_is_always_there(tmp_path: Path) -> None:
    found = trends(written(tmp_path / "e.jsonl", [submitted()]), "e.jsonl", bucket_s=1)
    assert found.engine == best_engine()


@pytest.mark.parametrize("width", [0, -1, float("nan"), float("inf")])
def test_a_bucket_has_a_width(tmp_path: Path, width: float) -> None:
    with pytest.raises(ValueError, match="bucket_s"):
        trends(tmp_path, "e.jsonl", bucket_s=width)
