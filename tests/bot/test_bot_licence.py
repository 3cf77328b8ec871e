"""Without a good licence the bot does not start: it says why, ends with 3, and never calls the exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.bot.licence import ISSUER_KEYS, require_licence
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.fingerprint import collect
from pytest_kraken_golive.deployment.issue import SigningKey, licence_payload, revocations_payload, write_signed
from pytest_kraken_golive.deployment.layout import Deployment

if TYPE_CHECKING:
    from bot_fixtures import BotFolder

    from pytest_kraken_golive.sandbox import SandboxServer

pytest_plugins = ["bot_fixtures"]

LICENCE = "var/licenses/active/license.json"
REVOCATIONS = "var/licenses/active/revocations.json"


def test_without_a_licence_nothing_is_started(bot_folder: BotFolder, bot_exchange: SandboxServer) -> None:
    (bot_folder.root / LICENCE).unlink()
    code, said = bot_folder.run_here()
    assert code == 3
    assert "no valid licence" in said[0]
    assert LICENCE in said[0]
    report = bot_folder.report()
    assert report["status"] == "validation_failed"
    assert report["errors"] == [said[0].removeprefix("error: ")]
    assert bot_exchange.exchange.observed("main", 0.1)["requests"]["total"] == 0
    assert not (bot_folder.root / "logs").exists()


def _issue(folder: BotFolder, machine: str | None = None, begun: timedelta = timedelta(minutes=5)) -> None:
    """Another licence, with its list of revocations, of an issuer that is trusted from now on."""
    issuer, now = SigningKey.new("tests"), datetime.now(UTC)
    payload = licence_payload(machine or collect().value, now - begun, valid_for=timedelta(days=30))
    write_signed(folder.root / LICENCE, payload, issuer)
    write_signed(folder.root / REVOCATIONS, revocations_payload(1, now), issuer)
    folder.environ[ISSUER_KEYS] = json.dumps({issuer.key_id: issuer.public_text})


def _revoke(folder: BotFolder) -> None:
    issuer, now = SigningKey.new("tests"), datetime.now(UTC)
    write_signed(folder.root / LICENCE, licence_payload(collect().value, now - timedelta(minutes=5)), issuer)
    revoked = [("rehearsal-0001", "stolen", now - timedelta(days=1))]
    write_signed(folder.root / REVOCATIONS, revocations_payload(1, now, revoked), issuer)
    folder.environ[ISSUER_KEYS] = json.dumps({issuer.key_id: issuer.public_text})


def _silent(folder: BotFolder) -> None:
    folder.replace("config/runtime.yaml", "  enforcement: true", "  #")
    (folder.root / LICENCE).unlink()


BAD: dict[str, tuple[Callable[[BotFolder], object], str]] = {
    "expired": (lambda folder: _issue(folder, begun=timedelta(days=31)), "expired"),
    "another machine's": (lambda folder: _issue(folder, machine="0" * 64), "different ones"),
    "revoked": (_revoke, "revoked since"),
    "altered": (lambda folder: folder.replace(LICENCE, '"kraken"', '"all"'), "signature"),
    "no list": (lambda folder: (folder.root / REVOCATIONS).unlink(), REVOCATIONS),
    "no issuer": (lambda folder: folder.environ.pop(ISSUER_KEYS), ISSUER_KEYS),
    "no key": (lambda folder: folder.environ.update({ISSUER_KEYS: "[]"}), ISSUER_KEYS),
    "not said": (
        _silent,
        LICENCE,
    ),
}


@pytest.mark.parametrize(("spoil", "said"), BAD.values(), ids=BAD)
def test_a_licence_that_is_not_good(quiet_folder: BotFolder, spoil: Callable[[BotFolder], object], said: str) -> None:
    deployment = Deployment(quiet_folder.root)
    require_licence(deployment, quiet_folder.environ, SystemClock())
    spoil(quiet_folder)
    with pytest.raises((Fault, NotProven), match=f"(?s){said}.*Next: "):
        require_licence(Deployment(quiet_folder.root), quiet_folder.environ, SystemClock())


def test_a_deployment_that_demands_none(quiet_folder: BotFolder) -> None:
    quiet_folder.replace("config/runtime.yaml", "enforcement: true", "enforcement: false")
    (quiet_folder.root / LICENCE).unlink()
    require_licence(Deployment(quiet_folder.root), {}, SystemClock())
