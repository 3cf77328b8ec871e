"""What keeps a run from starting: each with the message that a person needs. Runs in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.bot.main import main
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore
from pytest_kraken_golive.sandbox import AccountSettings, FaultSettings, SandboxServer, new_credentials

if TYPE_CHECKING:
    from bot_fixtures import BotFolder

pytest_plugins = ["bot_fixtures"]


def refused(folder: BotFolder, code: int, *parts: str, **arguments: str) -> None:
    """The run ends with this exit status, and one message holds all the parts."""
    found, said = folder.run_here(**arguments)
    assert found == code, said
    assert any(all(part in line for part in parts) for line in said), said
    report = folder.report()
    assert report["status"] == {2: "error", 3: "validation_failed"}[code]
    assert report["errors"]
    assert report["paper_exchange_metrics"]["summary"]["status"] in {"unknown", "not_configured"}


RUNTIME = "config/runtime.yaml"
CORE = "config/core.yaml"
BRIEF = {"KRAKEN_GOLIVE_RUN_S": "0.05", "KRAKEN_GOLIVE_WARM_UP_S": "0.05"}
ENTRYPOINT = "trading.entrypoints.kraken_desktop_paper"


@pytest.mark.parametrize(
    ("file", "old", "new", "parts"),
    [
        (RUNTIME, "strategy: top_of_book", "strategy: moon", (f"{ENTRYPOINT}.strategy", "top_of_book", "moon")),
        (RUNTIME, "risk_profile: balanced", "risk_profile: none_such", ("risk_profiles", "none_such")),
        (RUNTIME, "environment: kraken_paper", "environment: kraken_live", ("environments.kraken_live", "'live'")),
        (RUNTIME, "environment: kraken_paper", "environment: nowhere", ("environments", "nowhere")),
        (
            RUNTIME,
            "  entrypoint: kraken_desktop_paper",
            "  entrypoint: another",
            ("paper_profiles.kraken_paper.entrypoint", "'another' is not in"),
        ),
        (RUNTIME, "      max_concurrency: 3", "      max_concurrency: 0", ("io_queue.exchanges.kraken_spot", "0")),
        (RUNTIME, "io_queue: kraken_spot", "io_queue: other", ("io_queue.exchanges", "other")),
        (RUNTIME, "exchange: kraken ", "exchange: binance ", ("paper_profiles.kraken_paper.exchange", "binance")),
        (
            CORE,
            "exchange: kraken_spot",
            "exchange: binance_spot",
            ("environments.kraken_paper.exchange", "kraken_spot"),
        ),
        (CORE, "keychain_key: kraken_paper_trading", "keychain_key: lost", ("secrets/lost/api_key",)),
        (CORE, "symbols: [XBTUSD, ETHUSD]", "symbols: []", ("adapter_settings.symbols", "at least one")),
        (CORE, "symbols: [XBTUSD, ETHUSD]", "symbols: [XBTUSD, NOPE]", ("symbol NOPE", "Unknown asset pair")),
        (CORE, "[read, trade]", "[read, withdraw]", ("required_permissions", "lacks", "withdraw-funds")),
        (CORE, "[withdraw]", "[trade]", ("forbidden_permissions", "has", "modify-trades")),
        (CORE, "[read, trade]", "[read, fly]", ("required_permissions", "'fly'")),
        (RUNTIME, "path: /metrics", "path: metrics", ("observability.prometheus.path", "slash")),
    ],
)
def test_a_configuration_that_cannot_be_run_fails_validation_with_its_place(
    quiet_folder: BotFolder, file: str, old: str, new: str, parts: tuple[str, ...]
) -> None:
    quiet_folder.replace(file, old, new)
    refused(quiet_folder, 3, *parts)


def test_all_faults_are_named_at_once(quiet_folder: BotFolder) -> None:
    quiet_folder.replace(RUNTIME, "strategy: top_of_book", "strategy: moon")
    quiet_folder.replace(RUNTIME, "risk_profile: balanced", "risk_profile: none_such")
    _, said = quiet_folder.run_here()
    assert any("moon" in line for line in said)
    assert any("none_such" in line for line in said)


def test_an_entrypoint_that_does_not_exist_is_named_with_those_that_do(quiet_folder: BotFolder) -> None:
    refused(quiet_folder, 3, "kraken_desktop_papr", "kraken_desktop_paper", entrypoint="kraken_desktop_papr")


@pytest.mark.parametrize(
    ("variables", "parts"),
    [
        ({"KRAKEN_USE_SANDBOX": "false"}, ("expected a sandbox for --mode paper", "production")),
        ({"KRAKEN_USE_SANDBOX": ""}, ("KRAKEN_USE_SANDBOX", "''")),
        ({"KRAKEN_BASE_URL": "https://api.kraken.com"}, ("KRAKEN_BASE_URL", "api.kraken.com")),
        ({"KRAKEN_RL_MD_CAP": "-1"}, ("KRAKEN_RL_MD_CAP", "'-1'")),
        ({"KRAKEN_BASE_URL": "http://127.0.0.1:1"}, ("kraken_paper_trading", "http://127.0.0.1:1", "no connection")),
    ],
)
def test_an_environment_that_leads_nowhere_fails_validation(
    quiet_folder: BotFolder, variables: dict[str, str], parts: tuple[str, ...]
) -> None:
    refused(quiet_folder, 3, *parts, **variables)


def test_production_is_never_called_even_where_its_url_is_given(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    refused(bot_folder, 3, "production", KRAKEN_USE_SANDBOX="false", KRAKEN_BASE_URL=bot_exchange.url())
    assert bot_exchange.exchange.observed("main", 0.1)["requests"]["total"] == 0


def test_a_key_that_the_exchange_does_not_know_fails_validation_and_is_not_shown(quiet_folder: BotFolder) -> None:
    api_key, api_secret = new_credentials()
    DirectorySecretStore(quiet_folder.root / "secrets").put("kraken_paper_trading", Credentials(api_key, api_secret))
    refused(quiet_folder, 3, "kraken_paper_trading", "EAPI:Invalid key")
    assert quiet_folder.report()["validation"]["credentials_validated"] is False
    assert api_key.get_secret_value() not in quiet_folder.report_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "content", "parts"),
    [
        (RUNTIME, None, (RUNTIME,)),
        (CORE, None, (CORE,)),
        (RUNTIME, "a: [\n", (f"{RUNTIME}:1",)),
        (CORE, "a: 1\na: 2\n", (f"{CORE}:2", "a")),
    ],
)
def test_configuration_that_is_missing_or_broken_ends_with_2(
    quiet_folder: BotFolder, file: str, content: str | None, parts: tuple[str, ...]
) -> None:
    path = quiet_folder.root / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    refused(quiet_folder, 2, *parts)
    assert quiet_folder.report()["config_sha256"] is None


def test_a_wrong_run_time_ends_with_2(quiet_folder: BotFolder) -> None:
    refused(quiet_folder, 2, "KRAKEN_GOLIVE_RUN_S", "'never'", KRAKEN_GOLIVE_RUN_S="never")


def test_a_log_directory_that_is_a_file_ends_with_2(quiet_folder: BotFolder) -> None:
    (quiet_folder.root / "logs").write_text("", encoding="utf-8")
    refused(quiet_folder, 2, "logs/guardrails", "io_queue.log_directory")


def test_a_report_that_cannot_be_written_ends_with_2(quiet_folder: BotFolder) -> None:
    (quiet_folder.root / "reports").write_text("", encoding="utf-8")
    code, said = quiet_folder.run_here(**BRIEF)
    assert code == 2
    assert any("report cannot be written" in line and "--report" in line for line in said)


def test_another_entrypoint_that_cannot_run_blocks_and_is_told(quiet_folder: BotFolder) -> None:
    head, tail = (quiet_folder.root / RUNTIME).read_text(encoding="utf-8").split("kraken_headless_paper:", 1)
    (quiet_folder.root / RUNTIME).write_text(
        f"{head}kraken_headless_paper:{tail.replace('top_of_book', 'moon', 1)}", encoding="utf-8"
    )
    code, _ = quiet_folder.run_here(**BRIEF)
    report = quiet_folder.report()
    assert (code, report["status"]) == (4, "blocked")
    assert any("kraken_headless_paper is not started" in text and "moon" in text for text in report["warnings"])
    assert report["paper_exchange_metrics"]["summary"]["unknown_entrypoint_names"] == ["kraken_headless_paper"]


def test_contradicting_risk_profiles_are_told(quiet_folder: BotFolder) -> None:
    quiet_folder.replace(RUNTIME, "risk_profile: balanced", "risk_profile: aggressive")
    code, _ = quiet_folder.run_here(**BRIEF)
    assert code == 0
    assert any("aggressive" in text and "balanced" in text for text in quiet_folder.report()["warnings"])


def test_an_order_whose_answer_was_lost_is_looked_up_and_cancelled(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    bot_exchange.exchange.install_fault(FaultSettings(kind="reset_after", endpoint="AddOrder"))
    code, _ = bot_folder.run_here()
    report = bot_folder.report()
    assert (code, report["status"]) == (4, "blocked")
    assert report["paper_exchange_metrics"]["kraken_desktop_paper"]["network_errors_by_severity"]["critical"] == 1
    orders = bot_exchange.exchange.observed("main", 0.1)["orders"]
    assert {order["status"] for order in orders} <= {"closed", "canceled"}
    assert len({order["cl_ord_id"] for order in orders}) == len(orders)
    assert report["checkpoint"]["orders_placed"] == len(orders)
    assert report["checkpoint"]["orders_left_open"] == 0


def test_orders_are_cancelled_even_where_the_open_orders_cannot_be_read(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    bot_exchange.exchange.install_fault(FaultSettings(kind="http", endpoint="OpenOrders", times=None))
    code, _ = bot_folder.run_here()
    assert code == 4
    orders = bot_exchange.exchange.observed("main", 0.1)["orders"]
    assert orders
    assert {order["status"] for order in orders} <= {"closed", "canceled"}


def test_orders_that_cannot_be_cancelled_are_an_error_and_named(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    bot_folder.replace(CORE, "[XBTUSD, ETHUSD]", "[XBTUSD]")
    bot_exchange.exchange.install_fault(FaultSettings(kind="http", endpoint="CancelOrder", times=None))
    code, said = bot_folder.run_here()
    report = bot_folder.report()
    assert (code, report["status"]) == (2, "error")
    assert report["checkpoint"]["orders_left_open"] > 0
    assert any("may still be open" in line and "XBTUSD" in line for line in said)


def test_an_exchange_in_maintenance_reads_unhealthy(bot_folder: BotFolder, bot_exchange: SandboxServer) -> None:
    bot_exchange.exchange.set_status("post_only")
    code, _ = bot_folder.run_here(**BRIEF)
    assert code == 4
    entry = bot_folder.report()["paper_exchange_metrics"]["kraken_desktop_paper"]
    assert entry["health_status"] == 0


def test_only_orders_of_this_run_are_cancelled(
    bot_folder: BotFolder, bot_exchange: SandboxServer, bot_account: AccountSettings
) -> None:
    from decimal import Decimal  # noqa: PLC0415 - only here

    from pytest_kraken_golive.kraken.client import KrakenClient  # noqa: PLC0415 - only here
    from pytest_kraken_golive.kraken.orders import NewOrder  # noqa: PLC0415 - only here

    order = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.001"), price=Decimal(30000))
    environ = {"KRAKEN_BASE_URL": bot_exchange.url()}
    with KrakenClient(bot_account.api_key, bot_account.api_secret, environ=environ) as client:
        theirs = client.place_order(order).txid
        code, _ = bot_folder.run_here()
        assert code == 0
        assert list(client.open_orders()) == [theirs]


@pytest.mark.parametrize(
    "arguments", [["--mode", "real", "--entrypoint", "x"], ["--mode", "paper"], ["--entrypoint", "x"], ["--nonsense"]]
)
def test_a_wrong_command_line_ends_with_2_and_a_usage_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: kraken-golive bot")


def test_a_folder_without_configuration_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--mode", "paper", "--entrypoint", "../../x"]) == 2
    assert "config/runtime.yaml" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["paper_______x.json"]
