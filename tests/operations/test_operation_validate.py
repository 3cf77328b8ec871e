"""`kraken-golive validate`: two reads, no order, and a file that never says more than was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from pytest_kraken_golive.cli import main
from pytest_kraken_golive.operations.validate import DONE, FAILED, FILE, WRONG, validate

if TYPE_CHECKING:
    from live_deployment import Live

pytest_plugins = ["live_deployment"]


def test_both_connections_answer_and_no_order_is_sent(live: Live) -> None:
    found = validate(live.config, {}, live.clock)
    assert (found.exit_status, found.problem) == (DONE, None)
    written = live.read(FILE)
    assert written == found.data()
    assert written["generated_at"] == "2026-09-21T14:13:20+00:00"
    assert (written["env_mode"], written["base_url"]) == ("production", live.server.url("bot"))
    assert written["limits"]["kraken:order"] == {"capacity": 10.0, "fill_rate": 1.5}
    books = live.books()
    assert books["by_endpoint"] == {"Depth": 1, "Balance": 1}
    assert (books["requests"]["signed_ok"], books["orders"]) == (1, [])


@pytest.mark.parametrize(
    ("fault", "key", "says"),
    [
        ({"endpoint": "Depth", "kind": "http", "status": 502}, "public_connection", "502"),
        ({"endpoint": "Balance", "kind": "reset_before"}, "balance_check", "error: "),
        ({"endpoint": "Balance", "kind": "error", "error": "EAPI:Invalid key"}, "balance_check", "EAPI:Invalid key"),
    ],
    ids=["edge", "reset", "error-in-a-200"],
)
def test_an_error_is_told_and_its_exit_status_is_1(live: Live, fault: dict[str, Any], key: str, says: str) -> None:
    live.fault(**fault)
    assert validate(live.config, {}, live.clock).exit_status == FAILED
    written = live.read(FILE)
    assert written[key].startswith("error: ")
    assert says in written[key]
    (other,) = {"public_connection", "balance_check"} - {key}
    assert written[other] == "ok"


@pytest.mark.parametrize(
    ("name", "text"), [("KRAKEN_USE_SANDBOX", "flase"), ("KRAKEN_API_SECRET", None), ("KRAKEN_RL_MD_CAP", "nan")]
)
def test_wrong_settings_leave_no_old_ok_behind(live: Live, name: str, text: str | None) -> None:
    validate(live.config, {}, live.clock)
    live.copy.set_variable(name, text)
    found = validate(live.config, {}, live.clock)
    assert found.exit_status == WRONG
    assert name in (found.problem or "")
    written = live.read(FILE)
    assert written["public_connection"].startswith("error: not asked")
    assert written["balance_check"].startswith("error: not asked")
    assert live.books()["by_endpoint"] == {"Depth": 1, "Balance": 1}


def test_on_the_command_line_nothing_secret_shows(live: Live) -> None:
    live.copy.set_variable("KRAKEN_RL_ORDER_FR", "0")
    told = CliRunner().invoke(main, ["validate", "--config", str(live.config)])
    assert told.exit_code == WRONG
    assert "KRAKEN_RL_ORDER_FR" in told.output
    account = live.server.settings.accounts[0]
    for secret in (account.api_key, account.api_secret):
        assert secret.get_secret_value() not in told.output + (live.root / FILE).read_text(encoding="utf-8")
