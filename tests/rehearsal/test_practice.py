"""`kraken-golive practice`: a deployment on a sandbox that plays production, and how far its licence reaches."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.bot.live_plan import Refused, plan_live
from pytest_kraken_golive.cli import main
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken import KrakenClient, Unlimited
from pytest_kraken_golive.rehearsal.altered import AlteredCopy
from pytest_kraken_golive.rehearsal.practice import Practice, practise
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings

REPOSITORY = Path(__file__).resolve().parents[2]
ENTRYPOINT = "kraken_desktop_live"


@pytest.fixture
def said(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What a sandbox that runs writes into its ready file."""
    account = AccountSettings()
    with SandboxServer(SandboxSettings(accounts=[account])) as server:
        yield {
            "url": server.url(),
            "admin_url": server.admin_url,
            "admin_token": server.exchange.settings.admin_token.get_secret_value(),
            "api_key": account.api_key.get_secret_value(),
            "api_secret": account.api_secret.get_secret_value(),
        }


def ready(tmp_path: Path, said: object) -> Path:
    file = tmp_path / "exchange.json"
    file.write_text(json.dumps(said), encoding="utf-8")
    return file


@pytest.fixture
def made(tmp_path: Path, said: dict[str, Any]) -> Practice:
    return practise(REPOSITORY, tmp_path / "practice", ready(tmp_path, said))


def plan(practice: Practice) -> object:
    process = {ISSUER_KEYS: json.dumps(practice.issuer_keys)}
    return plan_live(Deployment(practice.deployment, process=process), ENTRYPOINT, process, SystemClock())


def test_its_service_may_start_and_its_keys_are_the_exchanges(made: Practice, said: dict[str, Any]) -> None:
    assert plan(made)
    deployment = Deployment(made.deployment, process={})
    variables = deployment.variables
    assert (variables["KRAKEN_BASE_URL"], variables["KRAKEN_USE_SANDBOX"]) == (said["url"], "false")
    assert stat.S_IMODE((made.deployment / ".env").stat().st_mode) == 0o600
    live, paper = (deployment.secrets.credentials(f"kraken_{one}_trading") for one in ("live", "paper"))
    assert live.api_key.get_secret_value() == variables["KRAKEN_API_KEY"] == said["api_key"]
    for pair in (live, paper):
        with KrakenClient(
            pair.api_key, pair.api_secret, base_url=made.url, use_sandbox=True, environ={}, limits=Unlimited()
        ) as client:
            assert client.get_account_balance()
    assert not made.central.is_relative_to(made.deployment)
    assert json.loads(made.central.read_bytes())["signature"]["key_id"] in made.issuer_keys


def test_the_command_says_what_comes_next(
    tmp_path: Path, said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    file = ready(tmp_path, said)
    done = CliRunner().invoke(main, ["practice", str(tmp_path / "p"), "--exchange", str(file)])
    assert done.exit_code == 0, done.output
    for word in (
        "issuer_keys: {",
        "central: ",
        f"export {ISSUER_KEYS}=",
        f"--golive-deployment={tmp_path}/p/deployment",
    ):
        assert word in done.output
    again = CliRunner().invoke(main, ["practice", str(tmp_path / "p"), "--exchange", str(file)])
    assert again.exit_code == 1
    assert "an empty one. Next: remove it" in again.output


@pytest.mark.parametrize("url", [None, "https://exchange.invalid"])
def test_its_licence_is_good_for_no_other_exchange(made: Practice, url: str | None) -> None:
    AlteredCopy(made.deployment, REPOSITORY).set_variable("KRAKEN_BASE_URL", url)
    with pytest.raises(Refused) as refused:
        plan(made)
    (message,) = refused.value.errors
    for word in (
        "license.json",
        "key_id",
        "rehearsal-",
        url or "https://api.kraken.com",
        "on this machine alone",
        "Next:",
    ):
        assert word in message


def _with(**other: object) -> Callable[[dict[str, Any]], object]:
    return lambda said: {**said, **other}


@pytest.mark.parametrize(
    ("spoil", "error", "word"),
    [
        (lambda said: [], Fault, "expected what a sandbox wrote"),
        (lambda said: {}, Fault, "expected what a sandbox wrote"),
        (_with(url="https://api.kraken.com"), Fault, "on this machine, found https://api.kraken.com"),
        (_with(admin_url="http://127.0.0.1:9"), NotProven, "expected a sandbox that runs, found ConnectError"),
        (_with(admin_token="of-another"), NotProven, "expected a sandbox that runs"),
    ],
    ids=["a list", "nothing", "away", "dead", "another's"],
)
def test_what_is_no_sandbox_is_named(
    tmp_path: Path, said: dict[str, Any], spoil: Callable[[dict[str, Any]], object], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=f"{word}.*Next: kraken-golive sandbox --ready-file"):
        practise(REPOSITORY, tmp_path / "practice", ready(tmp_path, spoil(said)))
    assert not (tmp_path / "practice").exists()


def test_where_it_cannot_be(tmp_path: Path, said: dict[str, Any]) -> None:
    file = ready(tmp_path, said)
    with pytest.raises(NotProven, match="found no such file"):
        practise(REPOSITORY, tmp_path / "practice", tmp_path / "none.json")
    with pytest.raises(NotProven, match=r"runtime\.yaml"):
        practise(tmp_path, tmp_path / "practice", file)
    project = tmp_path / "project"
    AlteredCopy(project, REPOSITORY).write("config/runtime.yaml", (REPOSITORY / "config/runtime.yaml").read_bytes())
    AlteredCopy(project, REPOSITORY).write("config/core.yaml", (REPOSITORY / "config/core.yaml").read_bytes())
    with pytest.raises(Fault, match="outside of config/"):
        practise(project, project / "config" / "practice", file)
