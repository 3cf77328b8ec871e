"""Recorded prices: files of Kraken's own forms, files that are not, and a market that follows them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sandbox_user import DATA, Venue

from pytest_kraken_golive.sandbox import read_recording
from pytest_kraken_golive.sandbox.recording import pair_and_path

OHLC = DATA / "recorded" / "ohlc_btcusd_60_2026-09-25.json"
TRADES = DATA / "recorded" / "trades_btcusd_2026-09-25.json"
CANDLES = [
    [3600, "100.0", "130.0", "90.0", "120.0", "110.0", "5.0", 7],
    [7200, "121.0", "125.0", "80.0", "85.0", "99", "1", 2],
]


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def mid(venue: Venue, pair: str = "XBTUSD") -> Decimal:
    return sum(venue.best(pair), Decimal(0)) / 2


def test_recorded_answers_of_the_exchange_are_read() -> None:
    candles, trades = read_recording(OHLC), read_recording(TRADES)
    assert (candles.pair, trades.pair) == ("BTC/USD", "BTC/USD")
    first = json.loads(OHLC.read_text(encoding="utf-8"))["result"]["BTC/USD"][0]
    assert candles.prices[:4] == tuple(Decimal(first[place]) for place in (1, 2, 3, 4))
    assert candles.times_s[:5] == (0, 900, 2700, 3600, 3600)
    assert trades.prices[0] == Decimal("83930.3")
    assert 0 < trades.times_s[1] < 1


def test_history_files_are_read_and_name_their_pair(tmp_path: Path) -> None:
    candles = read_recording(write(tmp_path, "ETHUSD_60.csv", "3600,100,130,90,120,5,7\n7200,121,125,80,85,1,2\n"))
    assert (candles.pair, candles.prices) == ("ETHUSD", tuple(map(Decimal, (100, 90, 130, 120, 121, 125, 80, 85))))
    trades = read_recording(write(tmp_path, "solusd.csv", "1.5,7.25,1\n1.5,7.5,1\n3,8,2\n"))
    assert (trades.pair, trades.times_s) == ("SOLUSD", (0.0, 0.0, 1.5))
    assert read_recording(tmp_path / "solusd.csv", "XBTEUR").pair == "XBTEUR"
    assert pair_and_path("XBTUSD=a/b.csv") == (Path("a/b.csv"), "XBTUSD")
    assert pair_and_path("a/b.csv") == (Path("a/b.csv"), None)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("x.txt", "", "ends in .json or .csv"),
        ("x.csv", "", "no rows"),
        ("x.csv", "time,price,volume\n1,2,3\n", r"row 1: time.*'time'"),
        ("x.csv", "1,2\n", "row 1: expected 7 .candles. or 3 .trades. cells, found 2"),
        ("x.csv", "1,2,3\n2,2\n", "row 2: expected 3 cells"),
        ("x.csv", "1,2,3\n0.5,2,3\n", "row 2: expected a time not before"),
        ("x.csv", "1,0,3\n", "row 1: price: expected a number above 0"),
        ("x.csv", "1,NaN,3\n", "row 1: price"),
        ("x.csv", "1,-2,3\n", "row 1: price"),
        ("x.csv", "1,1e300,3\n", "row 1: price: expected a number above 0 and below"),
        ("x.csv", "1695828490000,2,3\n", "row 1: time: expected Unix seconds, found '1695828490000'; milliseconds"),
        ("x.csv", '1,"2,3\n', "not CSV"),
        ("x.csv", "60,100,90,95,96,5,7\n", "row 1: expected low <= open"),
        ("x.csv", "60,1,1,1,1,5,7\n60,1,1,1,1,5,7\n", "row 2: expected a time after"),
        ("x.json", "{", "not JSON"),
        ("x.json", [1], "expected an object with `result`"),
        ("x.json", {"error": ["EService:Busy"]}, "expected an object with `result`"),
        ("x.json", {"result": {"last": 1}}, "expected one pair in `result`, found none"),
        ("x.json", {"result": {"A": [], "B": []}}, "found A, B"),
        ("x.json", {"result": {"A": {}}}, "list of rows under A"),
        ("x.json", {"result": {"A": []}}, "no rows"),
        ("x.json", {"result": {"A": [5]}}, "row 1"),
        ("x.json", {"result": {"A": [["1", "2"]]}}, "row 1: expected 8 .candles. or 6 or 7"),
        ("x.json", {"result": {"A": [[60, "1", "1", "1", None, "1", "1", 1]]}}, "row 1: close"),
    ],
)
def test_a_file_that_is_no_recording_is_named_with_its_row(tmp_path: Path, name: str, content: Any, named: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(ValueError, match=named) as caught:
        read_recording(path)
    assert str(path) in str(caught.value)
    assert "Next:" in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv: it cannot be read"):
        read_recording(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe1,2,3")
    with pytest.raises(ValueError, match="not UTF-8"):
        read_recording(tmp_path / "x.csv")


def replaying(tmp_path: Path) -> Venue:
    venue = Venue(volatility=1.0, limits=False)
    venue.exchange.replay(
        read_recording(write(tmp_path, "XBTUSD.json", {"result": {"XXBTZUSD": CANDLES, "last": 3600}}))
    )
    return venue


def test_the_mid_follows_the_recording_and_then_stands_still(tmp_path: Path) -> None:
    venue = replaying(tmp_path)
    seen = []
    for seconds in (0, 450, 450, 900, 900, 900, 900, 1800, 900, 100_000):
        venue.clock.advance(seconds)
        seen.append(mid(venue))
    assert seen == [100, 95, 90, 110, 130, 121, 125, Decimal("80.0"), 85, 85]


def test_the_invented_past_leads_up_to_the_recording(tmp_path: Path) -> None:
    rows = replaying(tmp_path).public("OHLC", pair="XBTUSD", interval=1)["result"]["XXBTZUSD"]
    assert abs(Decimal(rows[-2][4]) - 100) < 2


def test_a_resting_order_is_filled_where_the_recording_comes_by(tmp_path: Path) -> None:
    often, once = replaying(tmp_path), replaying(tmp_path)
    fills = []
    for venue in (often, once):
        txid = venue.add(price="82", volume="0.5")
        missed = venue.add(price="79", volume="0.5")
        for _ in range(720 if venue is often else 1):
            venue.clock.advance(10 if venue is often else 7200)
        assert venue.order(missed)["status"] == "open"
        assert venue.order(txid)["status"] == "closed"
        fills.append([(fill["time_s"], fill["price"], fill["volume"]) for fill in venue.exchange.observed()["fills"]])
    assert fills[0] == fills[1]
    assert fills[0][0][0] - (often.clock.time() - 7200) < 3600 + 2700


def test_a_recording_must_fit_the_market(tmp_path: Path) -> None:
    venue = Venue()
    with pytest.raises(ValueError, match="no pair 'DOGEUSD' here; there are ETHUSD"):
        venue.exchange.replay(read_recording(OHLC, "DOGEUSD"))
    with pytest.raises(ValueError, match="four ticks"):
        venue.exchange.replay(read_recording(write(tmp_path, "XBTUSD.csv", "1,0.2,1\n")))
