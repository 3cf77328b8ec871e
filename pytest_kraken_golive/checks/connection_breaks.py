"""Ways in which a connection fails, or a validation says more than it has seen."""

from __future__ import annotations

import base64
import json
from typing import Any

from pytest_kraken_golive.checks.environment_breaks import says
from pytest_kraken_golive.contract import Break, Copy, sabotage

FILE = "runtime/kraken_prod_validation.json"
ENV = ".env"
LIVE_ACCOUNT = "kraken_live_trading"


def before(name: str, variable: str, text: str | None, expect: str, why: str) -> Break:
    """A break that sets a variable of `.env` before the command runs."""
    after = says(name, variable, text, expect, why)
    return Break(after.name, after.act, expect, before_run=True)


def fault(name: str, expect: str, why: str, **settings: Any) -> Break:
    """A break that lets the exchange be in trouble from the beginning."""

    def act(copy: Any) -> None:
        copy.order_fault(**{"times": None, **settings})

    act.__doc__ = why
    return Break(name, act, expect, before_run=True)


SUMMARY = [
    before("sandbox_mode", "KRAKEN_USE_SANDBOX", "true", "expected 'production'", "The bot would not trade for real."),
    before("limit_is_nan", "KRAKEN_RL_ORDER_FR", "nan", "KRAKEN_RL_ORDER_FR", "A limit that limits nothing."),
    before("half_a_pair", "KRAKEN_API_SECRET", None, "KRAKEN_API_SECRET", "A key without its secret."),
    before("misspelt_mode", "KRAKEN_USE_SANDBOX", "flase", "KRAKEN_USE_SANDBOX", "A mode that is none."),
]


@sabotage("expected 'ok'")
def public_connection_failed(copy: Copy) -> None:
    """The file says that there was no public connection."""
    copy.edit(FILE, "public_connection", "error: no answer")


@sabotage("expected 'ok'")
def balance_failed(copy: Copy) -> None:
    """The file says that the key was refused."""
    copy.edit(FILE, "balance_check", "error: EAPI:Invalid key")


@sabotage("balance_check")
def balance_not_told(copy: Copy) -> None:
    """Nothing is said of the private connection."""
    copy.drop(FILE, "balance_check")


@sabotage("expected the file of this run")
def file_of_yesterday(copy: Copy) -> None:
    """An old file that nobody replaced."""
    copy.edit(FILE, "generated_at", "2026-01-01T00:00:00+00:00")


@sabotage(FILE)
def no_file(copy: Copy) -> None:
    """The validation left nothing."""
    copy.remove(FILE)


PUBLIC = [
    fault("public_answers_502", "Depth", "A gateway answers instead.", endpoint="Depth", kind="http", status=502),
    fault(
        "public_error_in_a_200",
        "EService:Unavailable",
        "HTTP 200 with an error array is no connection.",
        endpoint="Depth",
        kind="error",
        error="EService:Unavailable",
    ),
    public_connection_failed,
    file_of_yesterday,
    no_file,
]


@sabotage("EGeneral:Permission denied", before_run=True)
def may_not_see_the_balance(copy: Any) -> None:
    """The key lacks a permission."""
    copy.account(LIVE_ACCOUNT).permissions = ["modify-trades"]


PRIVATE = [
    before(
        "another_secret",
        "KRAKEN_API_SECRET",
        base64.b64encode(bytes(range(64))).decode(),
        "EAPI:Invalid signature",
        "A secret that does not belong to the key.",
    ),
    before("another_key", "KRAKEN_API_KEY", "A" * 56, "EAPI:Invalid key", "A key that the exchange does not know."),
    may_not_see_the_balance,
    fault("balance_never_answered", "Balance", "No answer.", endpoint="Balance", kind="reset_before"),
    balance_failed,
    balance_not_told,
    file_of_yesterday,
]


@sabotage("expected no amounts")
def amounts_in_the_file(copy: Copy) -> None:
    """Who reads the file learns what the account holds."""
    copy.edit(FILE, "balances", {"ZUSD": "100000.00"})


@sabotage("note: expected no amounts")
def amount_in_words(copy: Copy) -> None:
    """The same, in a sentence."""
    copy.edit(FILE, "note", "balance: 100,000.00 ZUSD")


@sabotage("expected no secret")
def secret_in_the_file(copy: Copy) -> None:
    """The file tells the key."""
    key = next(line.partition("=")[2] for line in copy.read(ENV).splitlines() if line.startswith("KRAKEN_API_KEY="))
    copy.edit(FILE, "key", base64.b64encode(key.encode()).decode())


@sabotage("env_mode")
def sandbox_in_the_file(copy: Copy) -> None:
    """What was validated is not production."""
    copy.edit(FILE, "env_mode", "sandbox")


@sabotage("base_url")
def another_url_in_the_file(copy: Copy) -> None:
    """What was validated is another host."""
    copy.edit(FILE, "base_url", "https://api.example.org")


@sabotage("limits")
def other_limits_in_the_file(copy: Copy) -> None:
    """The file tells other limits than those in force."""
    copy.edit(FILE, "limits", {"kraken:order": {"capacity": 99, "fill_rate": 9}})


@sabotage("a time like")
def time_without_zone(copy: Copy) -> None:
    """A time of nobody knows where."""
    copy.edit(FILE, "generated_at", "2026-11-20T09:31:05")


@sabotage("base_url")
def base_url_dropped(copy: Copy) -> None:
    """Nobody knows what was validated."""
    copy.drop(FILE, "base_url")


@sabotage(FILE)
def file_torn(copy: Copy) -> None:
    """Half a file."""
    copy.write(FILE, json.dumps({"generated_at": "2026"})[:-4])


CONTENT = [
    amounts_in_the_file,
    amount_in_words,
    secret_in_the_file,
    sandbox_in_the_file,
    another_url_in_the_file,
    other_limits_in_the_file,
    time_without_zone,
    base_url_dropped,
    file_of_yesterday,
    file_torn,
    no_file,
]


@sabotage("EAPI:Invalid signature", before_run=True)
def secret_is_another(copy: Any) -> None:
    """The secret is not the key's."""
    copy.set_variable("KRAKEN_API_SECRET", base64.b64encode(bytes(64)).decode())


SAFE = [
    may_not_see_the_balance,
    secret_is_another,
    fault(
        "balance_is_down",
        "EGeneral:Internal error",
        "The exchange does not tell the balance.",
        door="checks",
        endpoint="Balance",
        kind="error",
        error="EGeneral:Internal error",
    ),
]
