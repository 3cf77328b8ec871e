"""What a run may do at a real exchange, in whose words a verdict speaks of it, and when it is a sign-off."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.contract import Check, NotProven, Touches
from pytest_kraken_golive.gate.arming import require_armed
from pytest_kraken_golive.gate.real_scope import lacking, scope_name
from pytest_kraken_golive.gate.request import cap_of
from pytest_kraken_golive.gate.verdict import Decision
from pytest_kraken_golive.kraken.endpoint import PRODUCTION_URL
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.rehearsal.permit import Permit

SANDBOX = "http://127.0.0.1:8101"
KRAKEN = {PRODUCTION_URL: {"Balance": 1, "Time": 2}}
WELL: dict[str, Any] = {
    "exchange": "real",
    "answered": KRAKEN,
    "not_asked": [],
    "overridden_fixtures": {},
    "own_checks": [],
    "replaced_checks": [],
}


def _lacks(decision: Decision = Decision.GO, *, about: dict[str, Any] | None = None, **scope: object) -> list[str]:
    given: dict[str, Any] = {
        "stages": ["paper", "production"],
        "hosts": ["127.0.0.1", "api.kraken.com"],
        "policy_root": Path("/srv/gate"),
        "issuers": ["oem-2026"],
        "deployment": Path("/srv/bot"),
        "plugins": [],
    }
    return lacking(decision, {**WELL, **scope}, **{**given, **(about or {})})


def test_a_sign_off_lacks_nothing() -> None:
    assert _lacks() == []


@pytest.mark.parametrize(
    ("scope", "about", "word"),
    [
        ({"exchange": "sandbox"}, {}, "--kraken=real"),
        ({"answered": {}}, {}, "no signed call"),
        ({"answered": {PRODUCTION_URL: {"Time": 9}}}, {}, "no signed call"),
        ({"answered": {SANDBOX: {"Balance": 1}}}, {}, "no signed call"),
        ({"answered": {**KRAKEN, SANDBOX: {"Balance": 1}}}, {}, "other exchanges"),
        ({}, {"hosts": ["127.0.0.1"]}, "no signed call"),
        ({}, {"deployment": None}, "no deployment"),
        ({}, {"stages": ["paper"]}, "production"),
        ({}, {"issuers": ["oem-2026", "Rehearsal-1f"]}, "rehearsal's key"),
        ({"not_asked": ["base-url"]}, {}, "stock lines"),
        ({"overridden_fixtures": {"kraken_client": "conftest.py"}}, {}, "fixtures"),
        ({"replaced_checks": ["base_url"]}, {}, "checks"),
        ({}, {"plugins": ["conftest.py"]}, "plugin"),
        ({}, {"policy_root": Path("/srv/bot")}, "policy"),
        ({}, {"policy_root": Path("/srv/bot/gate")}, "policy"),
    ],
)
def test_each_thing_that_a_sign_off_needs(scope: dict[str, Any], about: dict[str, Any], word: str) -> None:
    reasons = _lacks(about=about, **scope)
    assert any(word in reason for reason in reasons), reasons


@pytest.mark.parametrize("decision", [Decision.NO_GO, Decision.INCOMPLETE])
def test_only_a_go_is_a_sign_off(decision: Decision) -> None:
    assert _lacks(decision) == [f"the verdict is {decision}"]


def test_the_words_of_the_scope() -> None:
    root = Path("/srv/bot")
    assert scope_name(None, "sandbox", {}) == "rehearsal, sandbox"
    assert scope_name(root, "sandbox", {}) == "deployment, sandbox"
    assert scope_name(root, "real", KRAKEN) == "deployment, real"
    assert scope_name(root, "real", {SANDBOX: {"Time": 1}}) == f"deployment, real, but not Kraken: {SANDBOX}"
    assert scope_name(root, "real", {**KRAKEN, SANDBOX: {}}) == f"deployment, real, but not Kraken: {SANDBOX}"
    assert scope_name(root, "real", {}) == "deployment, real, but nobody was called"


@pytest.mark.parametrize(
    ("run", "own", "found"), [("20", "50", "20"), ("60", "50", "50"), (None, "50", None), ("20", None, None)]
)
def test_the_smaller_cap_counts_and_both_are_needed(run: str | None, own: str | None, found: str | None) -> None:
    permit = Permit(real=True, cap_usd=None if run is None else Decimal(run))
    arming = permit.arming(None if own is None else Arming(Decimal(own)))
    assert (None if arming is None else str(arming.max_notional_usd)) == found
    assert Permit.from_data(permit.data()) == permit


@pytest.mark.parametrize(
    ("touches", "unarmed", "armed", "may"),
    [
        ("none", None, False, True),
        ("reads", None, False, True),
        ("validate", None, False, True),
        ("orders", None, False, False),
        ("orders", None, True, True),
        ("orders", "validate", False, True),
        ("orders", "reads", False, True),
        ("cancels_all", None, False, False),
        ("cancels_all", None, True, False),
        ("orders", "cancels_all", False, False),
    ],
)
def test_what_a_line_may_do(touches: Touches, unarmed: Touches | None, armed: bool, may: bool) -> None:
    check = Check("c", lambda: None, touches=touches, unarmed=unarmed)
    permit = Permit(real=True, cap_usd=Decimal(5) if armed else None)
    if may:
        require_armed(check, permit)
        return
    with pytest.raises(NotProven, match="drill record"):
        require_armed(check, permit)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "ten", "", " 5", "5 ", "\uff11"])
def test_a_cap_that_is_none(text: str) -> None:
    with pytest.raises(pytest.UsageError, match="finite number above 0"):
        cap_of(text)


def test_a_cap() -> None:
    assert cap_of(None) is None
    assert cap_of("12.5") == Decimal("12.5")
