"""The lines about a production bot's environment: they pass where all is well, and each break turns them red."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks.endpoint import base_url, environment_switch, production_mode
from pytest_kraken_golive.checks.environment import (
    credentials_present,
    deploy_environment,
    env_file_private,
    secret_store,
)
from pytest_kraken_golive.checks.rate_limits import (
    SAMPLES,
    WatchedPacer,
    bucket_names,
    rate_limit_buckets,
    rate_limit_values,
    right_buckets,
    see_draw,
)
from pytest_kraken_golive.contract import Break, Check, Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore
from pytest_kraken_golive.gate.registry import CheckError, read_signature, validated
from pytest_kraken_golive.kraken import KrakenClient, RateLimits, Unlimited, calls
from pytest_kraken_golive.policy import Policy, RaisedLimit

if TYPE_CHECKING:
    from production_world import World

pytest_plugins = ["production_world"]

BUCKETS = ["kraken:global", "kraken:market_data", "kraken:order", "kraken:order_status"]

SIZES = {
    "global": {"capacity": 20.0, "fill_rate": 2.0},
    "market_data": {"capacity": 15.0, "fill_rate": 2.0},
    "order": {"capacity": 10.0, "fill_rate": 1.5},
    "order_status": {"capacity": 10.0, "fill_rate": 1.5},
}
LINES: dict[str, tuple[Check, dict[str, Any]]] = {
    "credentials-present": (credentials_present, {"secret_bytes": 64}),
    "env-file-private": (env_file_private, {}),
    "secret-store": (secret_store, {"secret_bytes": 64}),
    "production-mode": (production_mode, {"use_sandbox": False}),
    "base-url": (base_url, {"url": "https://api.kraken.com"}),
    "environment-switch": (environment_switch, {"production": "https://api.kraken.com"}),
    "rate-limit-buckets": (rate_limit_buckets, {"buckets": BUCKETS}),
    "rate-limit-values": (rate_limit_values, {"tier": "intermediate", "limits": SIZES}),
    "bucket-names": (bucket_names, {"buckets": BUCKETS}),
    "deploy-environment": (deploy_environment, {"use_sandbox": False, "secret_bytes": 64}),
}
BREAKS = [
    pytest.param(line, sabotage, id=f"{line}-{sabotage.name}")
    for line, (check, _) in LINES.items()
    for sabotage in check.breaks
]


@pytest.mark.parametrize("line", LINES)
def test_the_line_passes_where_all_is_well(pristine: World, line: str) -> None:
    check, params = LINES[line]
    read_signature(check)
    evidence = pristine.call(check, **params)
    pair = LiveSettings.of(Deployment(pristine.root)).key_pair.credentials
    for secret in (pair.api_key, pair.api_secret):
        assert secret.get_secret_value() not in repr(evidence.records)


@pytest.mark.parametrize(("line", "sabotage"), BREAKS)
def test_the_line_notices_its_break(pristine: World, tmp_path: Path, line: str, sabotage: Break) -> None:
    check, params = LINES[line]
    broken = pristine.broken(sabotage, params, tmp_path)
    with pytest.raises((Fault, NotProven, AssertionError)) as caught:
        broken.call(check, **params)
    message = str(caught.value)
    assert sabotage.expected(params) in message
    assert "Next: " in message


@pytest.mark.parametrize("line", LINES)
def test_names_of_breaks_are_unique(line: str) -> None:
    names = [sabotage.name for sabotage in LINES[line][0].breaks]
    assert len(set(names)) == len(names) >= 3


def test_a_file_as_people_write_it_is_read_right(world: World) -> None:
    lines = (world.root / ".env").read_text(encoding="utf-8").splitlines()
    dressed = [f"export {name} = '{text}' # why" for name, _, text in (line.partition("=") for line in lines)]
    (world.root / ".env").write_bytes(b"\xef\xbb\xbf# settings\r\n\r\n" + "\r\n".join(dressed).encode())
    for check, params in LINES.values():
        world.call(check, **params)


HIDING = {"limit bucket": "KRAKEN_RL_MD_CAP", "mode url switch deploy": "KRAKEN_USE_SANDBOX", "-": "KRAKEN_API_KEY"}


@pytest.mark.parametrize("line", sorted(set(LINES) - {"env-file-private"}))
def test_a_variable_that_the_process_hides_names_both_places(world: World, line: str) -> None:
    check, params = LINES[line]
    name = next(name for words, name in HIDING.items() if any(word in line for word in words.split()))
    world.process = {name: {"KRAKEN_RL_MD_CAP": "14", "KRAKEN_USE_SANDBOX": "0"}.get(name, "B" * 56)}
    with pytest.raises(Fault, match=rf"^process environment {name}: expected the value of \.env:\d+ {name}, or none"):
        world.call(check, **params)


def test_the_same_value_in_both_places_hides_nothing(world: World) -> None:
    world.process = {"KRAKEN_USE_SANDBOX": "false", "KRAKEN_RL_MD_CAP": "15"}
    for line in ("production-mode", "rate-limit-values", "deploy-environment"):
        check, params = LINES[line]
        world.call(check, **params)


def test_what_only_the_process_sets_is_not_what_the_service_gets(world: World) -> None:
    world.lines("KRAKEN_RL_MD_CAP")
    world.process = {"KRAKEN_RL_MD_CAP": "15"}
    world.call(rate_limit_buckets, buckets=BUCKETS)
    with pytest.raises(NotProven, match=r"^\.env KRAKEN_RL_MD_CAP: .* Next: add a line"):
        world.call(deploy_environment, use_sandbox=False, secret_bytes=64)


# ---- secret stores ----


def test_a_folder_of_secrets_stands_in_for_env(world: World) -> None:
    world.lines("KRAKEN_API_KEY", "KRAKEN_API_SECRET")
    for line in ("credentials-present", "secret-store", "deploy-environment"):
        check, params = LINES[line]
        world.call(check, **params)


def test_a_folder_of_secrets_that_git_has_is_no_secret_store(world: World) -> None:
    world.lines("KRAKEN_API_KEY", "KRAKEN_API_SECRET")
    world.copy.git("add", "-f", "secrets")
    with pytest.raises(AssertionError, match=r"^secrets/kraken_live_trading/api_key: .* git's index"):
        world.call(secret_store, secret_bytes=64)


def test_without_env_a_store_and_the_process_are_enough_for_the_store_s_line(world: World) -> None:
    (world.root / ".env").unlink()
    world.call(secret_store, secret_bytes=64)
    with pytest.raises(NotProven, match=r"^\.env: expected a file, found none"):
        world.call(env_file_private)


def test_the_environment_as_store_needs_no_env_file_for_credentials(world: World) -> None:
    pair = LiveSettings.of(Deployment(world.root)).key_pair.credentials
    world.lines("KRAKEN_API_KEY", "KRAKEN_API_SECRET")
    world.process = {
        "KRAKEN_API_KEY": pair.api_key.get_secret_value(),
        "KRAKEN_API_SECRET": pair.api_secret.get_secret_value(),
    }
    with pytest.raises(NotProven, match="KRAKEN_API_KEY"):
        world.call(deploy_environment, use_sandbox=False, secret_bytes=64)
    world.copy.edit("config/runtime.yaml", "secret_store.kind", "environment")
    world.call(deploy_environment, use_sandbox=False, secret_bytes=64)
    world.call(secret_store, secret_bytes=64)


def test_a_short_secret_in_the_store_is_no_kraken_secret(world: World) -> None:
    world.lines("KRAKEN_API_KEY", "KRAKEN_API_SECRET")
    short = SecretStr(base64.b64encode(bytes(48)).decode())
    DirectorySecretStore(world.root / "secrets").put("kraken_live_trading", Credentials(SecretStr("K" * 56), short))
    with pytest.raises(Fault, match=r"^secrets/kraken_live_trading: expected Base64 of 64 bytes, found 48 bytes"):
        world.call(credentials_present, secret_bytes=64)


# ---- where calls go ----


def test_a_real_deployment_goes_to_kraken_and_nothing_is_sent(world: World) -> None:
    world.real = True
    world.lines("KRAKEN_BASE_URL")
    evidence = world.call(base_url, url="https://api.kraken.com")
    assert [record.value for record in evidence.records][-1] == "https://api.kraken.com"
    world.lines("KRAKEN_BASE_URL=https://proxy.example.org")
    with pytest.raises(AssertionError, match=r"expected calls to go to https://api\.kraken\.com, found https://proxy"):
        world.call(base_url, url="https://api.kraken.com")
    world.call(base_url, url="https://proxy.example.org")


def test_the_exchange_s_books_must_show_the_call(world: World) -> None:
    world.rehearsal.sandbox.fault("error", "Time", times=None, door="bot", error="EGeneral:Permission denied")
    try:
        with pytest.raises(Fault, match=r"^exchange http://127"):
            world.call(base_url, url="https://api.kraken.com")
    finally:
        world.rehearsal.sandbox.clear_faults()


@pytest.mark.parametrize("line", ["environment-switch", "bucket-names"])
def test_they_prove_nothing_about_another_client(world: World, line: str) -> None:
    world.overridden = {"kraken_client": "conftest.py"}
    check, params = LINES[line]
    with pytest.raises(NotProven, match=r"the client of conftest\.py"):
        world.call(check, **params)


# ---- limits ----


def test_the_line_must_give_the_sizes_of_all_buckets() -> None:
    signature = read_signature(rate_limit_values)
    written: dict[str, Any] = {name: {part: str(value) for part, value in size.items()} for name, size in SIZES.items()}
    raw: dict[str, Any] = {"tier": "pro", "limits": written}
    assert validated(rate_limit_values, signature, raw) == {"tier": "pro", "limits": SIZES}
    wrongs: list[dict[str, Any]] = [
        {name: size for name, size in written.items() if name != "order"},
        {**written, "orders": written["order"]},
        {**written, "order": {"capacity": "10"}},
        {**written, "order": {"capacity": "10", "fill_rate": "inf"}},
        {**written, "order": {"capacity": "0", "fill_rate": "1"}},
    ]
    for wrong in wrongs:
        with pytest.raises(CheckError, match="parameter 'limits'"):
            validated(rate_limit_values, signature, {**raw, "limits": wrong})


def test_lower_limits_pass_and_the_tier_s_decay_is_named(world: World) -> None:
    world.lines("KRAKEN_RL_GLOBAL_CAP=5", "KRAKEN_RL_GLOBAL_FR=0.5", "KRAKEN_RL_ORDER_FR=0.1")
    check, params = LINES["rate-limit-values"]
    notes = {str(record.key): record.note for record in world.call(check, **params).records if record.note}
    assert sorted(notes) == ["KRAKEN_RL_MD_FR", "KRAKEN_RL_ORDER_STATUS_FR"]
    assert "above the 0.5 calls a second that the tier intermediate has" in str(notes["KRAKEN_RL_ORDER_STATUS_FR"])


def test_a_larger_limit_needs_measurements_that_exist_and_a_cap_that_holds(world: World) -> None:
    check, params = LINES["rate-limit-values"]
    world.lines("KRAKEN_RL_ORDER_CAP=30")
    raised = RaisedLimit(capacity=30, fill_rate=1.5, measurements=["docs/measured.csv"])
    world.policy = Policy(limits={"order": raised})
    with pytest.raises(NotProven, match=r"limits\.order\.measurements: .* docs/measured\.csv .* found none"):
        world.call(check, **params)
    world.copy.write("docs/measured.csv", "")
    with pytest.raises(NotProven, match="found an empty one"):
        world.call(check, **params)
    world.copy.write("docs/measured.csv", "calls,refused\n3000,0\n")
    justified = [record for record in world.call(check, **params).records if "justified by" in (record.note or "")]
    assert [record.key for record in justified] == ["KRAKEN_RL_ORDER_CAP"]
    world.lines("KRAKEN_RL_ORDER_CAP=31")
    with pytest.raises(AssertionError, match=r"expected 'at most 30 \(config/golive\.yaml limits\.order\.capacity\)'"):
        world.call(check, **params)


def test_every_endpoint_of_the_client_draws_on_the_right_buckets() -> None:
    known = [call for call in vars(calls).values() if isinstance(call, calls.Call)]
    assert len(known) > 15
    assert [call for call in known if set(call.buckets) != right_buckets(call.name, private=call.private)] == []


@pytest.mark.parametrize("endpoint", SAMPLES)
def test_a_client_that_draws_on_the_wrong_bucket_is_noticed(world: World, endpoint: str) -> None:
    exchange = world.rehearsal.sandbox
    pacer = WatchedPacer(RateLimits())
    key, secret = exchange.credentials
    options: dict[str, Any] = {"base_url": exchange.url, "use_sandbox": True, "environ": {}}
    other = "Balance" if endpoint != "Balance" else "OpenOrders"
    with KrakenClient(key, secret, **options, limits=pacer) as client:
        see_draw(client, pacer, exchange, endpoint, SAMPLES[endpoint])
        with pytest.raises(NotProven, match=f"its books show no {endpoint} of the client"):
            see_draw(client, pacer, exchange, endpoint, SAMPLES[other])
    with KrakenClient(key, secret, **options, limits=Unlimited()) as careless, pytest.raises(AssertionError) as caught:
        see_draw(careless, pacer, exchange, endpoint, SAMPLES[endpoint])
    assert f"client {endpoint}: expected it to draw on kraken:global" in str(caught.value)
    assert "found no bucket" in str(caught.value)
