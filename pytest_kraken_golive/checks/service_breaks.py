"""How a deploy, an active service, its log and its rollback can look fine and not be."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_kraken_golive.contract import Break, sabotage
from pytest_kraken_golive.operations.records import DEPLOY_RECORD
from pytest_kraken_golive.rehearsal.altered import AlteredCopy, FinishedCopy

LOG_FILE = "logs/service.log"
EVENTS = "runtime/events.jsonl"


@sabotage("expected a record, found no file")
def record_gone(copy: FinishedCopy) -> None:
    """Nobody knows what was deployed."""
    copy.remove(DEPLOY_RECORD)


@sabotage("expected 0, found 1")
def deploy_failed(copy: FinishedCopy) -> None:
    """The last deploy went wrong."""
    copy.edit(DEPLOY_RECORD, "exit_status", 1)


@sabotage("config_sha256: expected")
def other_config_deployed(copy: FinishedCopy) -> None:
    """Another configuration was deployed."""
    copy.edit(DEPLOY_RECORD, "config_sha256", "0" * 64)


@sabotage("config_sha256: expected")
def config_changed_since(copy: FinishedCopy) -> None:
    """Somebody edited the configuration after the deploy."""
    copy.write("config/core.yaml", copy.read("config/core.yaml") + "\n# later\n")


@sabotage("version: expected a value, found none")
def record_without_version(copy: FinishedCopy) -> None:
    """The record does not say what was deployed."""
    copy.drop(DEPLOY_RECORD, "version")


@sabotage("expected a time that is past")
def deployed_tomorrow(copy: FinishedCopy) -> None:
    """The record's time has not come."""
    copy.edit(DEPLOY_RECORD, "started_at", (datetime.now(UTC) + timedelta(days=1)).isoformat())


@sabotage("expected a time from the command's start on")
def record_of_yesterday(copy: FinishedCopy) -> None:
    """The command left an older record as it was."""
    copy.edit(DEPLOY_RECORD, "started_at", (datetime.now(UTC) - timedelta(days=1)).isoformat())


@sabotage("expected a time with its zone")
def time_without_zone(copy: FinishedCopy) -> None:
    """Nobody knows when that was."""
    copy.edit(DEPLOY_RECORD, "started_at", "2026-11-20T09:31:05")


@sabotage("a record as JSON")
def record_is_half(copy: FinishedCopy) -> None:
    """The record was torn off."""
    copy.write(DEPLOY_RECORD, copy.read(DEPLOY_RECORD)[:40])


@sabotage("good for a sandbox on this machine alone", before_run=True)
def licence_of_a_rehearsal_elsewhere(copy: FinishedCopy) -> None:
    """A licence that was made up for a rehearsal, and orders that go to another machine."""
    copy.set_variable("KRAKEN_BASE_URL", "https://exchange.invalid")


@sabotage("health version: expected '9.9.9'")
def other_version_runs(copy: FinishedCopy) -> None:
    """A service answers 200 and is another version than was deployed."""
    copy.edit(DEPLOY_RECORD, "version", "9.9.9")


@sabotage("found no answer")
def nobody_answers(copy: FinishedCopy) -> None:
    """The service is gone."""
    copy.edit(DEPLOY_RECORD, "health_url", "http://127.0.0.1:9/health")


@sabotage("health entrypoint: expected 'kraken_other'")
def other_entrypoint_runs(copy: FinishedCopy) -> None:
    """What answers trades something else."""
    copy.edit(DEPLOY_RECORD, "entrypoint", "kraken_other")


@sabotage("health base_url: expected 'https://api.kraken.com'")
def other_exchange_in_env(copy: FinishedCopy) -> None:
    """The service runs against another address than `.env` says."""
    lines = [line for line in copy.read(".env").splitlines() if not line.startswith("KRAKEN_BASE_URL")]
    copy.write(".env", "\n".join([*lines, ""]))


@sabotage("expected order_submitted")
def never_traded(copy: FinishedCopy) -> None:
    """It is up and does nothing."""
    keep_events(copy, lambda record: not record["type"].startswith("order_"))


@sabotage("in the exchange's books, found none")
def orders_made_up(copy: FinishedCopy) -> None:
    """Its events tell of orders that the exchange never saw."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "order_submitted":
            record["payload"]["txid"] = "OAAAAA-AAAAA-AAAAAA"
        return True

    keep_events(copy, lie)


@sabotage("found none")
def log_gone(copy: FinishedCopy) -> None:
    """There is no log."""
    for name in copy.files("logs/service*.log*"):
        copy.remove(name)


@sabotage("an empty log proves nothing")
def log_empty(copy: FinishedCopy) -> None:
    """Everything was wiped."""
    for name in copy.files("logs/service*.log*"):
        copy.write(name, "")


@sabotage("expected no error")
def error_logged(copy: FinishedCopy) -> None:
    """An error since the deploy."""
    _log(copy, "ERROR ORDER_FAILED reason=x")


@sabotage("expected no critical")
def critical_logged(copy: FinishedCopy) -> None:
    """Worse."""
    _log(copy, "CRITICAL MARGIN_CALL account=1")


@sabotage("expected no error")
def error_in_lower_case(copy: FinishedCopy) -> None:
    """Another program's habit."""
    _log(copy, "error: order failed")


@sabotage("expected no line without a severity")
def traceback_logged(copy: FinishedCopy) -> None:
    """A search for severity words does not find it."""
    copy.write(LOG_FILE, copy.read(LOG_FILE) + "Traceback (most recent call last):\n  File x, line 1\nKeyError: 'x'\n")


@sabotage("expected no error")
def error_rotated_away(copy: FinishedCopy) -> None:
    """The error stands in a rotated, compressed file."""
    line = f"{_stamp(copy)} ERROR ORDER_FAILED reason=x\n"
    copy.write("logs/service.log.1.gz", gzip.compress(line.encode()))


@sabotage("expected no torn line")
def last_line_torn(copy: FinishedCopy) -> None:
    """The service died while it wrote."""
    copy.write(LOG_FILE, copy.read(LOG_FILE) + f"{_stamp(copy)} INFO ORD")


@sabotage("found none")
def never_drilled(copy: FinishedCopy) -> None:
    """No rollback is on file."""
    for name in copy.rolled_back.files("runtime/drills/*-rollback.json"):
        copy.rolled_back.remove(name)


@sabotage("drill 'undo'")
def never_undone(copy: FinishedCopy) -> None:
    """Nobody knows whether there is a way back."""
    for name in copy.rolled_back.files("runtime/drills/*-undo.json"):
        copy.rolled_back.remove(name)


@sabotage("expected at most")
def rollback_too_slow(copy: FinishedCopy) -> None:
    """It took an hour."""
    _drill(copy, "rollback", "facts.took_s", 3600.0)


@sabotage("facts.pid: expected a number, found null")
def nobody_knows_what_was_rolled_back(copy: FinishedCopy) -> None:
    """No process, so none of its orders."""
    _drill(copy, "rollback", "facts.pid", None)


@sabotage("facts.took_s: expected more than 0 s")
def rollback_took_less_than_nothing(copy: FinishedCopy) -> None:
    """A clock that was set back; -5 is less than every limit."""
    _drill(copy, "rollback", "facts.took_s", -5.0)


@sabotage("it did not come back")
def undone_in_the_file_alone(copy: FinishedCopy) -> None:
    """`.env` says new again, and the service goes on as before."""
    _drill(copy, "undo", "facts.mode_in_force", "legacy")


@sabotage("expected 'legacy', found 'new'")
def mode_not_in_force(copy: FinishedCopy) -> None:
    """`.env` says legacy, the service goes by another mode."""
    _drill(copy, "rollback", "facts.mode_in_force", "new")


@sabotage("config_sha256: expected")
def drill_of_another_config(copy: FinishedCopy) -> None:
    """The drill was done with another configuration."""
    _drill(copy, "rollback", "config_sha256", "0" * 64)


@sabotage("version: expected")
def drill_of_another_version(copy: FinishedCopy) -> None:
    """The drill was done with last year's program."""
    _drill(copy, "rollback", "version", "0.0.1")


@sabotage("h of age")
def drill_too_old(copy: FinishedCopy) -> None:
    """The drill was done years ago."""
    _drill(copy, "rollback", "began_s", 1.0)
    _drill(copy, "rollback", "ended_s", 2.0)


@sabotage("the command left no record of its own")
def drill_of_an_earlier_run(copy: FinishedCopy) -> None:
    """The command ends well and does nothing; what is on file is of an hour ago."""
    _drill(copy, "rollback", "began_s", time.time() - 3700)
    _drill(copy, "rollback", "ended_s", time.time() - 3600)


@sabotage("expected 'legacy' after the rollback, found 'new'")
def new_path_after_rollback(copy: FinishedCopy) -> None:
    """The executor went on as before."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "order_submitted":
            record["payload"]["path"] = "new"
        return True

    keep_events(copy.rolled_back, lie)


@sabotage("did not have to survive a restart")
def never_restarted(copy: FinishedCopy) -> None:
    """The same process as before."""
    name = copy.rolled_back.files("runtime/drills/*-rollback.json")[-1]
    copy.rolled_back.edit(name, "facts.pid_before", json.loads(copy.rolled_back.read(name))["facts"]["pid"])


DEPLOY: list[Break] = [
    record_gone,
    deploy_failed,
    other_config_deployed,
    config_changed_since,
    record_without_version,
    deployed_tomorrow,
    record_of_yesterday,
    time_without_zone,
    record_is_half,
    licence_of_a_rehearsal_elsewhere,
]
ACTIVE: list[Break] = [
    record_gone,
    other_version_runs,
    nobody_answers,
    other_entrypoint_runs,
    other_exchange_in_env,
    config_changed_since,
    never_traded,
    orders_made_up,
]
LOG: list[Break] = [
    log_gone,
    log_empty,
    error_logged,
    critical_logged,
    error_in_lower_case,
    traceback_logged,
    error_rotated_away,
    last_line_torn,
]
ROLLBACK: list[Break] = [
    never_drilled,
    never_undone,
    rollback_too_slow,
    rollback_took_less_than_nothing,
    undone_in_the_file_alone,
    nobody_knows_what_was_rolled_back,
    mode_not_in_force,
    drill_of_another_config,
    drill_of_another_version,
    drill_too_old,
    drill_of_an_earlier_run,
    new_path_after_rollback,
    never_restarted,
]


def keep_events(copy: AlteredCopy, keep: Any) -> None:
    """Write the events anew: those that are kept, as altered."""
    records = [json.loads(line) for line in copy.read(EVENTS).splitlines()]
    copy.write(EVENTS, "".join(json.dumps(record) + "\n" for record in records if keep(record)))


def _drill(copy: FinishedCopy, kind: str, key: str, value: object) -> None:
    copy.rolled_back.edit(copy.rolled_back.files(f"runtime/drills/*-{kind}.json")[-1], key, value)


def _stamp(copy: FinishedCopy) -> str:
    return copy.read(LOG_FILE).splitlines()[-1].split(" ", 1)[0]


def _log(copy: FinishedCopy, text: str) -> None:
    copy.write(LOG_FILE, f"{copy.read(LOG_FILE)}{_stamp(copy)} {text}\n")
