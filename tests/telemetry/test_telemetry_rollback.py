from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events
from pytest_kraken_golive.telemetry.flags import Component, Flags, FlagSettings, Mode
from pytest_kraken_golive.telemetry.rollback import FlagBoard, State, rollout_place

IT = Component.EXECUTION


class Bot:
    """A board that can be restarted, with its clock and log."""

    def __init__(self, folder: Path, mode: Mode = Mode.NEW, *, enabled: bool = True, pct: float = 50.0) -> None:
        self.clock = VirtualClock()
        self.folder = folder
        self.flags = Flags(enabled, {IT: FlagSettings(mode, pct, 2, 300.0)})
        self.log = StructuredLogger(folder / "events.jsonl", Redactor(), self.clock)
        self.restart()

    def restart(self) -> None:
        self.board = FlagBoard(self.flags, self.folder / "flags.json", self.log, self.clock)

    def order(self, order: str, *, succeeded: bool | None = None) -> str:
        decision = self.board.decide(IT, order)
        if succeeded is not None:
            self.board.settle(decision, succeeded=succeeded)
        return decision.path

    def roll_back(self) -> None:
        assert [self.order("f1", succeeded=False), self.order("f2", succeeded=False)] == ["new", "new"]

    def logged(self, type: EventType) -> list[Event]:
        return [event for event in read_events(self.folder / "events.jsonl", "log") if event.type == type]


@pytest.fixture
def bot(tmp_path: Path) -> Any:
    made = Bot(tmp_path)
    yield made
    made.log.close()


def test_failures_in_a_row_roll_back_until_the_time_out_has_passed(bot: Bot) -> None:
    bot.roll_back()
    assert bot.order("a") == "legacy"
    bot.clock.advance(299)
    assert bot.order("b") == "legacy"
    bot.clock.advance(1)
    assert bot.order("c") == "new"
    (rolled,) = bot.logged(EventType.FF_ROLLBACK)
    said = {"state": "rolled_back", "failures": 2, "timeout_s": 300.0, "reason": "failures in a row"}
    assert rolled.payload == {"component": "execution", **said}


def test_a_success_in_between_starts_the_count_anew(bot: Bot) -> None:
    for order, succeeded in enumerate([False, True, False, True]):
        assert bot.order(str(order), succeeded=succeeded) == "new"


def test_one_order_at_a_time_tries_the_new_path(bot: Bot) -> None:
    bot.roll_back()
    bot.clock.advance(300)
    trial = bot.board.decide(IT, "trial")
    assert (trial.path, bot.order("other"), bot.order("trial")) == ("new", "legacy", "new")
    bot.board.settle(trial, succeeded=True)
    assert bot.order("other") == "new"
    assert [event.payload["state"] for event in bot.logged(EventType.FF_ROLLBACK)] == ["rolled_back", "returned"]


def test_a_trial_that_fails_or_has_no_outcome_rolls_back_again(bot: Bot) -> None:
    bot.roll_back()
    bot.clock.advance(300)
    assert bot.order("trial", succeeded=False) == "new"
    bot.clock.advance(299)
    assert bot.order("a") == "legacy"
    bot.clock.advance(1)
    assert bot.order("lost") == "new"
    bot.clock.advance(300)
    assert bot.order("b") == "legacy", "the lost trial counts as failed"
    bot.clock.advance(300)
    assert bot.order("c") == "new"


def test_an_order_decided_before_the_roll_back_says_nothing_afterwards(bot: Bot) -> None:
    early = bot.board.decide(IT, "early")
    bot.roll_back()
    bot.board.settle(early, succeeded=True)
    assert bot.order("a") == "legacy"


@pytest.mark.parametrize("failures", [1, 2])
def test_a_restart_forgets_nothing(bot: Bot, failures: int) -> None:
    for order in range(failures):
        bot.order(str(order), succeeded=False)
    before = bot.board.state(IT)
    bot.restart()
    assert bot.board.state(IT) == before != State()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"execution": {}}', "\x00" * 40, None],
    ids=["empty", "torn", "list", "null", "object", "component", "zeros", "values"],
)  # fmt: skip
def test_a_state_that_cannot_be_read_means_the_old_path_and_is_kept(bot: Bot, text: str | None) -> None:
    state = bot.folder / "flags.json"
    if text is None:
        bot.order("a", succeeded=False)
        text = state.read_text().replace("1", "-1", 1)
    state.write_text(text)
    bot.restart()
    assert bot.order("b") == "legacy"
    assert (bot.folder / "flags.json.unreadable").read_text() == text
    assert len(bot.logged(EventType.FF_ROLLBACK)) == len(Component)
    bot.clock.advance(300)
    assert bot.order("c") == "new"


def test_a_clock_that_goes_back_does_not_shorten_the_roll_back(bot: Bot) -> None:
    bot.roll_back()
    bot.clock.advance(-1_000)
    assert bot.order("a") == "legacy"
    bot.clock.advance(299)
    assert bot.order("b") == "legacy"
    bot.clock.advance(1)
    assert bot.order("c") == "new"


@pytest.mark.parametrize(("enabled", "mode"), [(False, Mode.NEW), (False, Mode.AUTO), (True, Mode.LEGACY)])
def test_the_old_path_is_taken_by_all(tmp_path: Path, enabled: bool, mode: Mode) -> None:
    bot = Bot(tmp_path, mode, enabled=enabled, pct=100.0)
    assert {bot.order(str(order)) for order in range(20)} == {"legacy"}
    assert {event.payload["path"] for event in bot.logged(EventType.FF_DECISION)} == {"legacy"}
    bot.log.close()


def test_the_rollout_takes_its_share_and_always_the_same_orders(tmp_path: Path) -> None:
    bot = Bot(tmp_path, Mode.AUTO, pct=30.0)
    first = [bot.order(str(order)) for order in range(500)]
    bot.restart()
    assert [bot.order(str(order)) for order in range(500)] == first
    assert 110 < first.count("new") < 190
    assert [rollout_place(IT, str(order)) < 30.0 for order in range(500)] == [path == "new" for path in first]
    bot.log.close()


def test_every_decision_is_an_event_with_its_reason(bot: Bot) -> None:
    bot.order("a")
    (event,) = bot.logged(EventType.FF_DECISION)
    assert event.payload == {"component": "execution", "cl_ord_id": "a", "path": "new", "reason": "mode new"}


def test_the_state_is_small_json(bot: Bot) -> None:
    bot.roll_back()
    data = json.loads((bot.folder / "flags.json").read_text())
    assert data["execution"]["failures"] == 2
