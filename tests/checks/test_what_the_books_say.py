"""Who traded, how the bot behaved, and what it says of its guardrails: judged from books and report alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from pytest_kraken_golive.checks.bot_conduct import require_good_conduct
from pytest_kraken_golive.checks.each_entrypoint import require_each_traded
from pytest_kraken_golive.checks.guardrail_summary import require_quiet_summary
from pytest_kraken_golive.contract import Evidence, Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.paper_report import PaperReport

HERE = Where("config/core.yaml")
SHARED = {"a": Found("paper", HERE), "b": Found("paper", HERE)}
APART = {"a": Found("paper", HERE), "b": Found("other", HERE)}


def report_of(data: dict[str, Any]) -> PaperReport:
    return PaperReport(parse_document(json.dumps(data).encode(), "reports/run.json", yaml=False))


def traded(marks: dict[str, Any], keys: dict[str, Found], *orders: tuple[str, str | None, int | None]) -> None:
    """Judge orders (key, cl_ord_id, userref) of entrypoints whose entries have these marks."""
    entries = {name: {} if mark is None else {"orders": mark} for name, mark in marks.items()}
    books = {
        "keys": {"f1": {"name": "paper"}, "f2": {"name": "other"}},
        "orders": [
            {"txid": f"O{place}", "key": key, "cl_ord_id": client_id, "userref": ref}
            for place, (key, client_id, ref) in enumerate(orders)
        ],
    }
    require_each_traded(report_of({"paper_exchange_metrics": {**entries, "summary": {}}}), keys, books, Evidence())


def prefix(text: str) -> dict[str, str]:
    return {"cl_ord_id_prefix": text}


def test_entrypoints_that_share_an_account_are_known_by_their_orders() -> None:
    traded({"a": prefix("xxx"), "b": prefix("yyy")}, SHARED, ("f1", "xxx1", None), ("f1", "yyy1", None))
    traded({"a": prefix("xxx"), "b": {"userref": 7}}, SHARED, ("f1", "xxx1", None), ("f1", None, 7))


def test_entrypoints_with_an_account_each_need_no_mark() -> None:
    traded({"a": None, "b": None}, APART, ("f1", None, None), ("f2", None, None))
    traded({"a": None}, {"a": Found("paper", HERE)}, ("f1", None, None))


@pytest.mark.parametrize(
    ("marks", "keys", "orders"),
    [
        ({"a": prefix("xxx"), "b": prefix("yyy")}, SHARED, [("f1", "xxx1", None)]),
        ({"a": prefix("xxx"), "b": prefix("yyy")}, SHARED, [("f1", "xxx1", None), ("f2", "yyy1", None)]),
        ({"a": {"userref": 7}, "b": {"userref": 8}}, SHARED, [("f1", None, 7)]),
        ({"a": prefix("xxx"), "b": None}, SHARED, [("f1", "xxx1", None), ("f1", "yyy1", None)]),
        ({"a": None, "b": None}, APART, [("f1", None, None)]),
    ],
    ids=["no-order", "order-of-another-account", "no-userref", "no-mark", "account-without-orders"],
)
def test_an_entrypoint_that_nothing_shows_is_named(marks: Any, keys: Any, orders: Any) -> None:
    with pytest.raises(NotProven, match=r"(?s)\bb\b.*Next: "):
        traded(marks, keys, *orders)


@pytest.mark.parametrize(
    "marks",
    [
        {"a": prefix("xxx"), "b": prefix("xxx")},
        {"a": prefix("xxx"), "b": prefix("xxx1")},
        {"a": {"userref": 7}, "b": {"userref": 7}},
        {"a": prefix("xxx"), "b": prefix(" ")},
        {"a": prefix("xxx"), "b": prefix("yy ")},
        {"a": prefix("xxx"), "b": {"userref": 0}},
        {"a": prefix("xxx"), "b": {}},
        {"a": prefix("xxx"), "b": {"userref": True}},
        {"a": prefix("xxx"), "b": {"cl_ord_id_prefix": "yyy", "userref": 7}},
        {"a": prefix("xxx"), "b": "y"},
    ],
)
def test_marks_that_tell_nobody_apart_are_faults(marks: Any) -> None:
    with pytest.raises((AssertionError, Fault), match=r"Next: "):
        traded(marks, SHARED, ("f1", "xxx1", 7), ("f1", "yyy1", None))


def books(calls: dict[str, int], errors: dict[str, int]) -> dict[str, Any]:
    return {"by_endpoint": {"AddOrder": 3, **calls}, "errors": errors}


@pytest.mark.parametrize(
    "errors",
    [
        {},
        {"EOrder:Post only order": 9, "EOrder:Unknown order": 2, "EService:Market in cancel_only mode": 4},
        {"EAPI:Rate limit exceeded": 5, "EOrder:Insufficient funds": 1},
    ],
)
def test_what_belongs_to_trading_is_no_fault(errors: dict[str, int]) -> None:
    require_good_conduct(books({}, errors), Evidence())


@pytest.mark.parametrize(
    ("calls", "errors", "said"),
    [
        ({"Withdraw": 1}, {}, "Withdraw"),
        ({"WithdrawStatus": 2, "WalletTransfer": 1}, {}, "3 such calls"),
        ({"(unknown)": 2}, {"EGeneral:Unknown method": 2}, "2 calls"),
        ({}, {"EOrder:Insufficient funds": 2}, "refused 2"),
        ({}, {"EOrder:Insufficient funds": 1, "EGeneral:Invalid arguments:price": 1}, "refused 2"),
        ({}, {"EAPI:Invalid nonce": 1}, "EAPI:Invalid nonce"),
        ({}, {"EGeneral:Permission denied": 1}, "Permission denied"),
    ],
)
def test_what_a_paper_bot_has_no_business_with(calls: dict[str, int], errors: dict[str, int], said: str) -> None:
    with pytest.raises(AssertionError, match=f"(?s){said}.*Next: "):
        require_good_conduct(books(calls, errors), Evidence())


QUIET: dict[str, Any] = {
    "run_id": "r1",
    "started_at": "2026-11-20T09:00:00+00:00",
    "guardrails": {
        "summary": {
            "generated_at": "2026-11-20T09:00:03+00:00",
            "run_id": "r1",
            "tags": ["desktop"],
            "summaries": [
                {
                    "environment": "e",
                    "queue": "q",
                    "rate_limit_wait_total": 0,
                    "rate_limit_wait_avg_seconds": None,
                    "timeout_total": 0,
                    "timeout_avg_seconds": 0.0,
                    "severity": "info",
                }
            ],
            "log_records": ["2026-11-20T09:00:00+0000 INFO GUARDRAIL_START run_id=r1 tags=desktop"],
        }
    },
}


def test_a_quiet_summary() -> None:
    require_quiet_summary(report_of(QUIET), Found(["q"], HERE), Found(["e"], HERE), Evidence())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run_id", "r0"),
        ("generated_at", "2026-11-19T09:00:03+00:00"),
        ("generated_at", "soon"),
        ("tags", None),
        ("summaries", []),
        ("summaries", {}),
        ("log_records", None),
        ("log_records", [{"severity": "INFO"}]),
        ("log_records", ["2026-11-20T09:00:00+0000 INFO RATE_LIMIT queue=q waited=1s streak=1"]),
        ("log_records", [{"timestamp": "2026-11-20T09:00:01+00:00", "event": "io_timeout", "severity": "error"}]),
    ],
)
def test_a_summary_that_is_not(key: str, value: Any) -> None:
    data = copy.deepcopy(QUIET)
    data["guardrails"]["summary"][key] = value
    with pytest.raises((AssertionError, Fault, NotProven), match=r"(?s)guardrails\.summary.*Next: "):
        require_quiet_summary(report_of(data), Found(["q"], HERE), Found(["e"], HERE), Evidence())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rate_limit_wait_total", 1),
        ("timeout_total", -1),
        ("timeout_total", None),
        ("timeout_avg_seconds", 0.5),
        ("timeout_avg_seconds", False),
        ("severity", "warning"),
        ("severity", None),
        ("queue", "another"),
    ],
)
def test_a_queue_that_met_something(key: str, value: Any) -> None:
    data = copy.deepcopy(QUIET)
    data["guardrails"]["summary"]["summaries"][0][key] = value
    with pytest.raises((AssertionError, Fault, NotProven), match=r"(?s)guardrails\.summary.*Next: "):
        require_quiet_summary(report_of(data), Found(["q"], HERE), Found(["e"], HERE), Evidence())
