from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sandbox_user import Venue, account

from pytest_kraken_golive.sandbox import AccountSettings, Exchange, FaultSettings, SandboxSettings


def full() -> SandboxSettings:
    return SandboxSettings(
        seed=9,
        tier="starter",
        latency_s=0.01,
        accounts=[account(balances={"USD": "1.23456789"}, nonce_window=3), account("other", tier="pro", limits=False)],
        doors=["main", "bot"],
        faults=[FaultSettings(kind="http", status=504, times=None)],
        prices={"XBTUSD": Decimal("50000.5")},
    )


def test_settings_round_trip_through_json() -> None:
    settings = full()
    again = SandboxSettings.from_json(settings.to_json())
    assert again == settings
    assert again.accounts[0].api_secret.get_secret_value() == settings.accounts[0].api_secret.get_secret_value()
    assert again.accounts[0].balances == {"USD": Decimal("1.23456789")}


def test_key_material_shows_only_where_it_is_asked_for() -> None:
    settings = full()
    exchange = Exchange(settings)
    shown = "".join(
        [
            repr(settings),
            str(settings),
            settings.model_dump_json(),
            str(settings.model_dump()),
            repr(exchange),
            repr(exchange.accounts),
            str(vars(exchange.accounts[0].verifier) if hasattr(exchange.accounts[0].verifier, "__dict__") else ""),
        ]
    )
    for entry in settings.accounts:
        assert entry.api_key.get_secret_value() not in shown
        assert entry.api_secret.get_secret_value() not in shown
        assert entry.api_secret.get_secret_value() in settings.to_json()
    assert settings.admin_token.get_secret_value() not in shown


def test_a_masked_dump_is_refused_as_settings() -> None:
    with pytest.raises(ValidationError, match="masked"):
        SandboxSettings.from_json(full().model_dump_json())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "Extra inputs"),
        ({"tier": "gold"}, "tier"),
        ({"latency_s": -1}, "latency_s"),
        ({"latency_s": "nan"}, "latency_s"),
        ({"doors": []}, "doors"),
        ({"doors": ["a", "a"]}, "doors"),
        ({"status": "asleep"}, "status"),
        ({"prices": {"XBTUSD": "0"}}, "prices"),
        ({"faults": [{"kind": "hail"}]}, "faults"),
        ({"accounts": [{"permissions": ["fly"]}]}, "unknown permission 'fly'"),
        ({"accounts": [{"balances": {"USD": "NaN"}}]}, "balances"),
        ({"accounts": [{"balances": {"USD": "-1"}}]}, "balances"),
        ({"accounts": [{"name": "a"}, {"name": "a"}]}, "same name"),
    ],
)
def test_wrong_settings_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SandboxSettings.model_validate(change)


def test_a_wrong_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        AccountSettings.model_validate({"api_secret": "not-base-64-PLANTED"})
    assert "PLANTED" not in str(caught.value)


def test_unknown_assets_and_pairs_are_named() -> None:
    with pytest.raises(ValueError, match="unknown asset 'DOGE'"):
        Venue(accounts=[account(balances={"DOGE": 1})])
    with pytest.raises(ValueError, match="unknown pair 'DOGEUSD'"):
        Venue(prices={"DOGEUSD": 1})


def test_two_exchanges_share_nothing() -> None:
    one, other = SandboxSettings(), SandboxSettings()
    assert one.accounts[0].api_key != other.accounts[0].api_key
    assert one.admin_token != other.admin_token
    one.doors.append("bot")
    one.accounts[0].permissions.clear()
    assert other.doors == SandboxSettings().doors == ["main"]
    assert other.accounts[0].permissions


def test_an_account_can_be_opened_later() -> None:
    venue = Venue()
    late = account("late", balances={"USD": 10})
    venue.exchange.add_account(late)
    with pytest.raises(ValueError, match="taken"):
        venue.exchange.add_account(late)
    assert venue.exchange.account("late").balances == {"ZUSD": Decimal(10)}
    assert late.api_key.get_secret_value() not in json.dumps(venue.exchange.observed())
