from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.bot.guardrail import GuardrailLog, GuardrailRecord
from pytest_kraken_golive.clock import VirtualClock

AT = 1795167065.25  # 2026-11-20T09:31:05.25Z


def opened(folder: Path, clock: VirtualClock | None = None) -> GuardrailLog:
    return GuardrailLog(
        folder / "logs" / "guardrails",
        run_id="0123abcd",
        tags=["desktop", "paper", "kraken"],
        environment="kraken_paper",
        queues=["kraken_spot", "other"],
        clock=clock or VirtualClock(AT),
    )


def lines(folder: Path) -> list[str]:
    return (folder / "logs/guardrails/guardrails.log").read_text(encoding="utf-8").splitlines()


def test_every_event_has_its_line(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.start()
    log.rate_limit("kraken_spot", 0.912, 2)
    log.timeout("kraken_spot", 5.0021, "ReadTimeout", 1, "WARNING")
    log.timeout("kraken_spot", 12.0, "ReadTimeout", 2, "ERROR")
    log.compliance("max_position_pct", "WARNING")
    log.stop()
    log.close()
    assert lines(tmp_path) == [
        "2026-11-20T09:31:05+0000 INFO GUARDRAIL_START run_id=0123abcd tags=desktop,paper,kraken",
        "2026-11-20T09:31:05+0000 WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2",
        "2026-11-20T09:31:05+0000 WARNING TIMEOUT queue=kraken_spot duration=5.002s exception=ReadTimeout streak=1",
        "2026-11-20T09:31:05+0000 ERROR TIMEOUT queue=kraken_spot duration=12.000s exception=ReadTimeout streak=2",
        "2026-11-20T09:31:05+0000 WARNING COMPLIANCE rule=max_position_pct severity=warning",
        "2026-11-20T09:31:05+0000 INFO GUARDRAIL_STOP run_id=0123abcd tags=desktop,paper,kraken",
    ]


def test_a_second_run_appends_and_the_stop_mark_comes_once(tmp_path: Path) -> None:
    for _ in range(2):
        log = opened(tmp_path)
        log.start()
        log.stop()
        log.stop()
        log.close()
    assert [line.split()[2] for line in lines(tmp_path)] == ["GUARDRAIL_START", "GUARDRAIL_STOP"] * 2


def test_the_summary_says_what_each_queue_met(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.start()
    log.rate_limit("kraken_spot", 0.8, 1)
    log.rate_limit("kraken_spot", 1.0, 2)
    log.timeout("kraken_spot", 12.0, "ReadTimeout", 1, "ERROR")
    summary = log.summary()
    log.close()
    assert summary["run_id"] == "0123abcd"
    assert summary["tags"] == ["desktop", "paper", "kraken"]
    assert summary["generated_at"] == "2026-11-20T09:31:05.250+00:00"
    assert summary["summaries"] == [
        {
            "environment": "kraken_paper",
            "queue": "kraken_spot",
            "rate_limit_wait_total": 2,
            "rate_limit_wait_avg_seconds": 0.9,
            "timeout_total": 1,
            "timeout_avg_seconds": 12.0,
            "severity": "error",
        },
        {
            "environment": "kraken_paper",
            "queue": "other",
            "rate_limit_wait_total": 0,
            "rate_limit_wait_avg_seconds": None,
            "timeout_total": 0,
            "timeout_avg_seconds": None,
            "severity": "info",
        },
    ]
    assert [record["event"] for record in summary["log_records"]] == [
        *("GUARDRAIL_START", "RATE_LIMIT", "RATE_LIMIT", "TIMEOUT"),
    ]


@given(st.text(min_size=1))
def test_no_value_can_break_out_of_its_place_in_the_line(value: str) -> None:
    import datetime  # noqa: PLC0415 - only here

    try:
        value.encode()
    except UnicodeEncodeError:
        return
    at = datetime.datetime(2026, 11, 20, 9, 31, 5, tzinfo=datetime.UTC)
    line = GuardrailRecord(at, "INFO", "GUARDRAIL_START", {"run_id": value, "tags": "a"}).line()
    assert re.fullmatch(r"2026-11-20T09:31:05\+0000 INFO GUARDRAIL_START run_id=[^\s=]+ tags=a", line)
