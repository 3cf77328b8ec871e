"""The one model of every variable: values, places, and what must not pass without a word."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from pytest_kraken_golive.bot.names import LIMIT_VARIABLES, OWN, meant_by
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore, key_fingerprint
from pytest_kraken_golive.deployment.variables import Variables
from pytest_kraken_golive.kraken.limits import GLOBAL, MARKET_DATA, ORDER, ORDER_STATUS
from pytest_kraken_golive.telemetry.flags import Component, Mode

KEY, SECRET = "K" * 56, base64.b64encode(bytes(range(64))).decode()
CONFIG = Path(__file__).resolve().parents[2] / "config"

Make = Callable[..., LiveSettings]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Settings of a `.env` with these lines, below these variables of a process."""

    def settings(*lines: str, **process: str) -> LiveSettings:
        (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
        return LiveSettings(Variables.read(tmp_path / ".env", process))

    return settings


def test_nothing_set_is_sandbox_with_the_starting_limits(make: Make) -> None:
    settings = make()
    assert (settings.mode.value, str(settings.mode.where)) == ("sandbox", "default KRAKEN_USE_SANDBOX")
    sizes = {name: (size.capacity, size.fill_rate) for name, size in settings.limits.by_bucket().items()}
    assert sizes == {GLOBAL: (20, 2.0), MARKET_DATA: (15, 2.0), ORDER: (10, 1.5), ORDER_STATUS: (10, 1.5)}
    assert (settings.bench_wait_s.value, settings.arming) == (10.0, None)
    with pytest.raises(Fault, match=r"^\.env KRAKEN_BASE_URL: sandbox mode .* expected the URL of a running sandbox"):
        _ = settings.endpoint


def test_values_come_with_their_line_and_the_process_wins(make: Make) -> None:
    settings = make(
        "KRAKEN_USE_SANDBOX=false",
        "KRAKEN_RL_MD_CAP=9",
        "KRAKEN_MAX_ORDER_USD=25.50",
        KRAKEN_RL_MD_CAP="8",
        KRAKEN_RL_MD_FR="1e-1",
    )
    assert str(settings.mode.where) == ".env:1 KRAKEN_USE_SANDBOX"
    assert settings.endpoint.url == "https://api.kraken.com"
    capacity, fill_rate = settings.limit(MARKET_DATA)
    assert (capacity.value, str(capacity.where)) == (8.0, "process environment KRAKEN_RL_MD_CAP")
    assert (fill_rate.value, str(fill_rate.where)) == (0.1, "process environment KRAKEN_RL_MD_FR")
    assert [str(one.shadows) for one in settings.shadowed()] == [".env:2 KRAKEN_RL_MD_CAP"]
    assert settings.arming is not None
    assert settings.arming.max_notional_usd == Decimal("25.50")


@pytest.mark.parametrize("value", ["''", "' false'", "'False '", "no", "off", "2", "flase"])
def test_a_mode_that_is_no_word_is_quoted_and_never_production(make: Make, value: str) -> None:
    settings = make(f"KRAKEN_USE_SANDBOX={value}", "KRAKEN_BASE_URL=http://127.0.0.1:1")
    shown = value if value.startswith("'") else repr(value)
    for read in (lambda: settings.mode, lambda: settings.endpoint, settings.client):
        with pytest.raises(Fault) as caught:
            read()
        assert f".env:1 KRAKEN_USE_SANDBOX: expected true or false, found {shown}. Next: " in str(caught.value)


@pytest.mark.parametrize("name", LIMIT_VARIABLES)
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "fast", "1e999", "\uff12", "' 5'", "''"])
def test_a_limit_that_is_no_positive_finite_number_is_never_a_default(make: Make, name: str, value: str) -> None:
    settings = make(f"{name}={value}")
    with pytest.raises(Fault, match=rf"^\.env:1 {name}: expected a positive finite number, found "):
        _ = settings.limits


def test_production_s_url_in_sandbox_mode_is_refused_with_its_line(make: Make) -> None:
    settings = make("KRAKEN_USE_SANDBOX=true", "KRAKEN_BASE_URL=https://api.kraken.com")
    with pytest.raises(Fault, match=r"^\.env:2 KRAKEN_BASE_URL='https://api\.kraken\.com': sandbox mode "):
        _ = settings.endpoint


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KRAKEN_USE_SANBOX", "KRAKEN_USE_SANDBOX"),
        ("kraken_use_sandbox", "KRAKEN_USE_SANDBOX"),
        ("KRAKEN_SANDBOX", "KRAKEN_USE_SANDBOX"),
        ("KRAKEN_API_SECRETS", "KRAKEN_API_SECRET"),
        ("KRAKEN_BASEURL", "KRAKEN_BASE_URL"),
        ("KRAKEN_RL_MARKET_DATA_CAP", "KRAKEN_RL_MD_CAP"),
        ("KRAKEN_RL_ORDER_CAPACITY", "KRAKEN_RL_ORDER_CAP"),
        ("KRAKEN_RL_GLOBAL_RATE", "KRAKEN_RL_GLOBAL_FR"),
        ("KRAKEN_RL_ORDERSTATUS_FR", "KRAKEN_RL_ORDER_STATUS_FR"),
        ("FF_EXECUTION_MOD", "FF_EXECUTION_MODE"),
        ("FF_EXECUTOR_MODE", "FF_EXECUTION_MODE"),
        ("FEATURE_TOGGLE_ENABLED", "FEATURE_TOGGLES_ENABLED"),
        ("SMC_BENCH_MAX_WAIT_S", "SMC_BENCH_MAX_WAIT"),
    ],
)
def test_a_misspelt_name_is_seen(name: str, meant: str) -> None:
    assert meant_by(name, [name]) == meant


@pytest.mark.parametrize("name", [*OWN, "HOME", "KRAKEN_API_KEY_OLD", "KRAKEN_API_KEY_2", "KRAKEN_DATA", "FF_COLOURS"])
def test_a_name_about_other_things_is_left_alone(name: str) -> None:
    assert meant_by(name, [name]) is None


def test_a_misspelt_name_stops_who_reads_the_right_one_and_nobody_else(make: Make) -> None:
    settings = make("# switch", "KRAKEN_USE_SANBOX=false")
    with pytest.raises(
        Fault, match=r"^\.env:2 KRAKEN_USE_SANBOX: expected the name KRAKEN_USE_SANDBOX, .* Next: rename it"
    ):
        _ = settings.mode
    assert settings.limits.global_.capacity == 20
    with pytest.raises(Fault, match="KRAKEN_USE_SANBOX"):
        settings.refuse_misspelt()


def test_flags_are_those_of_the_bot_and_quote_what_is_wrong(make: Make) -> None:
    lines = ["FF_EXECUTION_MODE=new", "FF_EXECUTION_MAX_CONSEC_FAIL=3", "FF_EXECUTION_ROLLBACK_TIMEOUT_S=60"]
    flags = make("FEATURE_TOGGLES_ENABLED=true", *lines).flags
    assert (flags.enabled, flags.components[Component.EXECUTION].mode) == (True, Mode.NEW)
    with pytest.raises(Fault, match=r"^\.env:1 FF_FEES_MODE: expected auto, legacy or new, found 'canary'"):
        _ = make("FF_FEES_MODE=canary").flags
    with pytest.raises(Fault, match=r"expected the name FF_EXECUTION_MODE, found FF_EXECUTOR_MODE"):
        _ = make("FF_EXECUTOR_MODE=legacy").flags


def test_credentials_are_never_shown(make: Make) -> None:
    settings = make(f"KRAKEN_API_KEY={KEY}", f"KRAKEN_API_SECRET='{SECRET}'", "KRAKEN_BASE_URL=http://u:pw@h")
    pair = settings.key_pair
    assert (str(pair.key), str(pair.secret)) == (".env:1 KRAKEN_API_KEY", ".env:2 KRAKEN_API_SECRET")
    assert pair.credentials.api_secret.get_secret_value() == SECRET
    shown = [settings.shown(name).value for name in settings.variables]
    assert shown == [f"fingerprint {key_fingerprint(KEY)}", "***", "***@h"]
    assert not any(text in f"{settings!r}{pair!r}" for text in (KEY, SECRET, "pw"))


@pytest.mark.parametrize("line", ["KRAKEN_API_KEY=K", "KRAKEN_API_SECRET=c2VjcmV0"])
def test_half_a_key_pair_is_not_completed_from_the_store(tmp_path: Path, line: str) -> None:
    deployment = stocked(tmp_path, line)
    with pytest.raises(NotProven, match=r"^\.env KRAKEN_API_(KEY|SECRET): expected a value"):
        _ = LiveSettings.of(deployment).key_pair


def test_without_either_variable_the_store_has_the_live_key_pair(tmp_path: Path) -> None:
    pair = LiveSettings.of(stocked(tmp_path, "")).key_pair
    assert (pair.credentials.api_key.get_secret_value(), pair.in_variables) == (KEY, False)
    assert str(pair.key) == "secrets/kraken_live_trading"


def test_without_both_the_message_names_both_places(tmp_path: Path) -> None:
    with pytest.raises(
        NotProven, match=r"^\.env KRAKEN_API_KEY: .*secret store has none either: secrets/other/api_key"
    ):
        _ = LiveSettings.of(stocked(tmp_path, ""), "other").key_pair


def test_a_client_is_what_the_settings_say(make: Make) -> None:
    lines = [f"KRAKEN_API_KEY={KEY}", f"KRAKEN_API_SECRET={SECRET}", "KRAKEN_BASE_URL=http://127.0.0.1:9"]
    settings = make(*lines, "KRAKEN_RL_ORDER_CAP=3")
    with settings.client() as client:
        assert client.base_url == "http://127.0.0.1:9"
        assert dict(client.limits) == settings.limits.by_bucket()
        assert client.limits[ORDER].capacity == 3


def test_the_process_is_never_changed(make: Make) -> None:
    before = dict(os.environ)
    _ = make("KRAKEN_USE_SANDBOX=false").endpoint
    assert dict(os.environ) == before


def stocked(root: Path, line: str) -> Deployment:
    """A deployment whose secret store has the live key pair, and whose `.env` has one line."""
    (root / "config").mkdir()
    for name in ("runtime.yaml", "core.yaml"):
        (root / "config" / name).write_bytes((CONFIG / name).read_bytes())
    (root / ".env").write_text(line + "\n", encoding="utf-8")
    store = DirectorySecretStore(root / "secrets")
    store.put("kraken_live_trading", Credentials(SecretStr(KEY), SecretStr(SECRET)))
    return Deployment(root)
