"""How flags, a stop and the files for the post-mortem can look fine and not be."""

from __future__ import annotations

import json
from typing import Any

from pytest_kraken_golive.checks.service_breaks import EVENTS, keep_events
from pytest_kraken_golive.contract import Break, sabotage
from pytest_kraken_golive.rehearsal.altered import FinishedCopy

METRICS = "runtime/metrics_trading.json"


def _set(copy: FinishedCopy, name: str, text: str | None) -> None:
    copy.set_variable(name, text)


@sabotage("expected 'true', found 'false'")
def toggles_off(copy: FinishedCopy) -> None:
    """Switched off."""
    _set(copy, "FEATURE_TOGGLES_ENABLED", "false")


@sabotage("FEATURE_TOGGLES_ENABLED")
def toggles_absent(copy: FinishedCopy) -> None:
    """Not set."""
    _set(copy, "FEATURE_TOGGLES_ENABLED", None)


@sabotage("expected true or false, found 'yes'")
def toggles_misspelt(copy: FinishedCopy) -> None:
    """A word that other programs take for true."""
    _set(copy, "FEATURE_TOGGLES_ENABLED", "yes")


@sabotage("FEATURE_TOGGLES_ENABLED")
def toggles_under_another_name(copy: FinishedCopy) -> None:
    """Nobody reads this name."""
    _set(copy, "FEATURE_TOGGLES_ENABLED", None)
    _set(copy, "FEATURE_TOGLES_ENABLED", "true")


@sabotage("expected ff_decision")
def flags_never_asked(copy: FinishedCopy) -> None:
    """In the field nothing read the switch."""
    keep_events(copy, lambda record: record["type"] != "ff_decision")


@sabotage("the service read something else")
def service_read_false(copy: FinishedCopy) -> None:
    """The file was changed after the service had started."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "startup":
            record["payload"]["flags"]["enabled"] = False
        return True

    keep_events(copy, lie)


@sabotage("which the flags decided on")
def executor_disobeys(copy: FinishedCopy) -> None:
    """The flags say one path, the order takes the other."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "order_submitted" and "path" in record["payload"]:
            record["payload"]["path"] = {"new": "legacy", "legacy": "new"}[record["payload"]["path"]]
        return True

    keep_events(copy, lie)


@sabotage("expected auto, legacy or new, found 'legacyy'")
def mode_misspelt(copy: FinishedCopy) -> None:
    """In the field an unknown mode meant canary."""
    _set(copy, "FF_EXECUTION_MODE", "legacyy")


@sabotage("FF_EXECUTION_MODE")
def mode_under_another_name(copy: FinishedCopy) -> None:
    """Nobody reads this name."""
    _set(copy, "FF_EXECUTION_MODE", None)
    _set(copy, "FF_EXECUTION_MOD", "legacy")


@sabotage("found ''")
def mode_empty(copy: FinishedCopy) -> None:
    """Set to nothing."""
    _set(copy, "FF_EXECUTION_MODE", "")


@sabotage("expected orders on the path legacy, found none")
def old_path_never_used(copy: FinishedCopy) -> None:
    """Nothing shows that the way back works."""
    keep_events(copy.rolled_back, lambda record: record["payload"].get("path") != "legacy")


@sabotage("expected orders on the path new, found none")
def new_path_never_used(copy: FinishedCopy) -> None:
    """Both modes took the old path."""
    keep_events(copy.rolled_back, lambda record: record["payload"].get("path") != "new")


@sabotage("expected a positive number of seconds, found '0'")
def timeout_zero(copy: FinishedCopy) -> None:
    """No time-out at all."""
    _set(copy, "FF_EXECUTION_ROLLBACK_TIMEOUT_S", "0")


@sabotage("expected a positive number of seconds, found '-5'")
def timeout_negative(copy: FinishedCopy) -> None:
    """Before it began."""
    _set(copy, "FF_POLLER_ROLLBACK_TIMEOUT_S", "-5")


@sabotage("expected a positive number of seconds, found 'nan'")
def timeout_nan(copy: FinishedCopy) -> None:
    """No comparison with it is true."""
    _set(copy, "FF_FEES_ROLLBACK_TIMEOUT_S", "nan")


@sabotage("at most")
def timeout_too_long(copy: FinishedCopy) -> None:
    """A day."""
    _set(copy, "FF_EXECUTION_ROLLBACK_TIMEOUT_S", "999999")


@sabotage("FF_FEES_ROLLBACK_TIMEOUT_S")
def timeout_absent(copy: FinishedCopy) -> None:
    """Not set."""
    _set(copy, "FF_FEES_ROLLBACK_TIMEOUT_S", None)


@sabotage("found one of hedger")
def timeout_of_a_stranger(copy: FinishedCopy) -> None:
    """Three years, of a component that nobody knows."""
    _set(copy, "FF_HEDGER_ROLLBACK_TIMEOUT_S", "99999999")


@sabotage("FF_EXECUTION_MAX_CONSEC_FAIL: expected at most 10, found 1000000")
def failures_without_end(copy: FinishedCopy) -> None:
    """A million orders fail before anything rolls back."""
    _set(copy, "FF_EXECUTION_MAX_CONSEC_FAIL", "1000000")


@sabotage("expected a record of the drill 'stop'")
def never_stopped(copy: FinishedCopy) -> None:
    """No stop is on file."""
    for name in copy.files("runtime/drills/*-stop.json"):
        copy.remove(name)


@sabotage("expected trading_suspended")
def stop_without_a_word(copy: FinishedCopy) -> None:
    """It died instead of stopping."""
    keep_events(copy, lambda record: record["type"] != "trading_suspended")


@sabotage("expected no order after trading_suspended")
def order_after_the_stop(copy: FinishedCopy) -> None:
    """One thread went on."""
    records = [json.loads(line) for line in copy.read(EVENTS).splitlines()]
    last = next(record for record in reversed(records) if record["type"] == "order_submitted")
    copy.write(EVENTS, copy.read(EVENTS) + json.dumps({**last, "ts": records[-1]["ts"]}) + "\n")


@sabotage("found one (order_rejected)")
def order_tried_after_the_stop(copy: FinishedCopy) -> None:
    """One thread went on, and the exchange said no."""
    last = json.loads(copy.read(EVENTS).splitlines()[-1])
    tried = {**last, "type": "order_rejected", "payload": {"exchange": "kraken", "cl_ord_id": "late", "latency_s": 0.1}}
    copy.write(EVENTS, copy.read(EVENTS) + json.dumps(tried) + "\n")


@sabotage("orders_left: expected 0, found False")
def orders_left_is_a_flag(copy: FinishedCopy) -> None:
    """A word that only looks like a count."""
    copy.edit(copy.files("runtime/drills/*-stop.json")[-1], "facts.orders_left", False)


@sabotage("expected 'off' after a controlled stop")
def switch_left_on(copy: FinishedCopy) -> None:
    """It goes off in the middle of the maintenance."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "trading_suspended":
            record["payload"]["dead_mans_switch"] = "on"
        return True

    keep_events(copy, lie)


@sabotage("orders_left: expected 0, found 1")
def order_left_open(copy: FinishedCopy) -> None:
    """One order stayed."""
    copy.edit(copy.files("runtime/drills/*-stop.json")[-1], "facts.orders_left", 1)


@sabotage("expected a record of the drill 'stop' by dashboard")
def never_stopped_by_the_page(copy: FinishedCopy) -> None:
    """Nobody has pressed the button."""
    for name in copy.stopped_by_page.files("runtime/drills/*-stop.json"):
        copy.stopped_by_page.remove(name)


@sabotage("expected trading_suspended")
def page_stops_without_a_word(copy: FinishedCopy) -> None:
    """The button ended the process, and nothing else."""
    keep_events(copy.stopped_by_page, lambda record: record["type"] != "trading_suspended")


@sabotage("orders_left: expected 0, found 1")
def order_left_open_by_the_page(copy: FinishedCopy) -> None:
    """The button left an order behind."""
    copy.stopped_by_page.edit(copy.stopped_by_page.files("runtime/drills/*-stop.json")[-1], "facts.orders_left", 1)


@sabotage("expected a dated copy")
def no_copy(copy: FinishedCopy) -> None:
    """Nothing was kept outside runtime/."""
    for name in copy.files("reports/post_mortem/*/*"):
        copy.remove(name)
    for folder in (copy.root / "reports/post_mortem").iterdir():
        folder.rmdir()


@sabotage("expected SHA-256")
def copy_changed(copy: FinishedCopy) -> None:
    """Somebody edited the copy."""
    name = copy.files("reports/post_mortem/*/events.jsonl")[-1]
    copy.write(name, copy.read(name) + "\n")


@sabotage("expected a copy, found a link")
def copy_is_a_link(copy: FinishedCopy) -> None:
    """The same bytes under a second name."""
    name = copy.files("reports/post_mortem/*/events.jsonl")[-1]
    copy.remove(name)
    (copy.root / name).symlink_to(copy.root / EVENTS)


@sabotage("expected a complete copy")
def copy_is_half(copy: FinishedCopy) -> None:
    """A file of the copy is missing."""
    copy.remove(copy.files("reports/post_mortem/*/metrics_trading.json")[-1])


@sabotage("runtime/metrics_trading.json: expected the bot's file")
def metrics_gone(copy: FinishedCopy) -> None:
    """Tidied away."""
    copy.remove(METRICS)


@sabotage("of the copy and what came after")
def events_begun_anew(copy: FinishedCopy) -> None:
    """The restart threw the events away."""
    copy.write(EVENTS, copy.read(EVENTS).splitlines(keepends=True)[-1])


TOGGLES: list[Break] = [
    toggles_off,
    toggles_absent,
    toggles_misspelt,
    toggles_under_another_name,
    flags_never_asked,
    service_read_false,
    executor_disobeys,
]
MODE: list[Break] = [
    mode_misspelt,
    mode_under_another_name,
    mode_empty,
    old_path_never_used,
    new_path_never_used,
]
TIMEOUTS: list[Break] = [
    timeout_zero,
    timeout_negative,
    timeout_nan,
    timeout_too_long,
    timeout_absent,
    timeout_of_a_stranger,
    failures_without_end,
]
STOP: list[Break] = [
    never_stopped,
    stop_without_a_word,
    order_after_the_stop,
    switch_left_on,
    order_left_open,
    order_tried_after_the_stop,
    orders_left_is_a_flag,
    never_stopped_by_the_page,
    page_stops_without_a_word,
    order_left_open_by_the_page,
]
POST_MORTEM: list[Break] = [no_copy, copy_changed, copy_is_a_link, copy_is_half, metrics_gone, events_begun_anew]
