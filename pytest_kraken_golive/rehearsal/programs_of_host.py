"""The programs that a rehearsal's process is told to run: the bot, and the commands of the production side."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.operations.stop import DRILL
from pytest_kraken_golive.policy import DEFAULT_BOT, Command, Policy
from pytest_kraken_golive.rehearsal.bot_run import ANYWHERE, BotOrder
from pytest_kraken_golive.rehearsal.build import Blueprint
from pytest_kraken_golive.rehearsal.commands import PRESS_STOP, CommandsOrder

MODE = "paper"
REPORT = "reports/paper_report.json"


def bot_order(folder: Path, rootdir: Path, blueprint: Blueprint, policy: Policy, entrypoint: str) -> BotOrder:
    """The bot, in the copy that was made for it."""
    command = policy.commands.bot or DEFAULT_BOT
    if blueprint.bot_words is not None:
        command = Command(run=blueprint.bot_words)
    report = str(blueprint.root / REPORT)
    named = any("{report}" in word for word in command.run)
    return BotOrder(
        words=list(command.run),
        places=_places(blueprint.root, MODE, entrypoint),
        rootdir=str(rootdir),
        cwd=str(blueprint.root),
        environ=blueprint.bot_environ,
        report=report if named else command.report or ANYWHERE,
        output=str(folder / "bot.log"),
        timeout_s=policy.paper.timeout_s,
        stop_grace_s=policy.paper.stop_grace_s,
        warm_up_s=policy.paper.warm_up_s,
        named_at="the reference bot" if policy.commands.bot is None else policy.place("commands", "bot"),
        timeout_at=policy.place("paper", "timeout_s"),
    )


def commands_order(
    logs: Path, rootdir: Path, blueprint: Blueprint, policy: Policy, entrypoint: str, *, root: Path, door: str
) -> CommandsOrder:
    """What runs on the production side: everything that it needs stands in the copy's own files."""
    logs.mkdir(parents=True)
    words = {name: list(command.run) for name, command in policy.commands.live().items()}
    press = [sys.executable, "-m", "pytest_kraken_golive.rehearsal.press_stop", "{config}"]
    return CommandsOrder(
        words={**words, PRESS_STOP: [*press, *words["deploy"]]},
        places=_places(root, "live", entrypoint),
        rootdir=str(rootdir),
        cwd=str(root),
        environ={ISSUER_KEYS: blueprint.bot_environ[ISSUER_KEYS], DRILL: "1"},
        logs=str(logs),
        timeout_s=policy.paper.timeout_s,
        door=door,
    )


def _places(root: Path, mode: str, entrypoint: str) -> dict[str, str]:
    """What the placeholders of a command stand for."""
    return {
        "mode": mode,
        "entrypoint": entrypoint,
        "config": str(root / "config" / "runtime.yaml"),
        "report": str(root / REPORT),
    }
