"""`--kraken=real`, against a second exchange on loopback that plays production: what leaves, and what never does."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from pytest_kraken_golive.operations.stop import running_service, stop

if TYPE_CHECKING:
    from golive_project import Project
    from real_deployment import Production

pytest_plugins = ["golive_project", "real_deployment"]

READS = ("public-connection", "private-connection", "request-signature", "safe-validation", "environment-summary")
VALIDATES = ("bucket-names", "place-order-success", "place-order-latency")
BENCHMARK = "-p no:randomly -p no:anyio -p no:hypothesispytest"


def test_unarmed_only_reads_and_validated_orders_leave(production: Production) -> None:
    production.project.write("pytest.ini", f"[pytest]\naddopts = {BENCHMARK}\n")  # which measures
    production.lines("base-url", *READS, *VALIDATES)
    production.rest_foreign_order()
    run = production.gate()
    assert set(run.outcomes.values()) == {"passed"}, [run.message(name) for name in run.outcomes]
    books = production.books()
    assert production.placed() == []
    assert not [name for name in books["by_endpoint"] if name.startswith(("Cancel", "Amend", "Edit"))]
    assert sum(book["validated"] for book in books["keys"].values()) >= 69
    for line in ("place-order-success", "place-order-latency"):
        assert "validated, not placed" in str(run.lines[line]["evidence"])
    assert "waited_for_buckets" in str(run.lines["place-order-latency"]["evidence"])
    assert production.open_orders() == [production.foreign]
    scope = run.verdict["scope"]
    assert scope["name"] == f"deployment, real, but not Kraken: {production.url}"
    assert scope["armed"] == {"orders_max_usd": None, "drills": False}
    assert scope["answered"][production.url]["Balance"] >= 1
    assert run.verdict["production_signoff"] is False
    assert "no signed call was answered by api.kraken.com" in scope["sign_off_lacks"]
    assert (run.exit_status, run.verdict["verdict"]) == (0, "GO")


def test_what_was_asked_and_answered_stands_in_the_evidence_masked(production: Production) -> None:
    production.lines("public-connection", "private-connection", "live-key-permissions", "production-mode")
    run = production.gate("-n", "2")
    assert set(run.outcomes.values()) == {"passed"}, [run.message(name) for name in run.outcomes]

    def taken(line: str) -> dict[str, Any]:
        records = run.lines[line]["evidence"]
        return {one["key"]: one["value"] for one in records if one.get("note") == "as this run's client took it down"}

    assert taken("public-connection")["GET /0/public/Depth"]["asked"]["fields"] == {"pair": "XBTUSD", "count": "10"}
    balance = taken("private-connection")["POST /0/private/Balance"]["answered"]
    assert (balance["status"], balance["error"], set(balance["result"].values())) == (200, [], {"***"})
    assert "modify-trades" in str(taken("live-key-permissions")["POST /0/private/GetApiKeyInfo"])
    assert taken("production-mode") == {}, "it asked nothing"
    for secret in (production.account.api_key, production.account.api_secret):
        assert secret.get_secret_value() not in json.dumps(run.verdict)


def test_a_right_that_was_withdrawn_is_named_as_krakens_page_names_it(production: Production) -> None:
    kept = [right for right in production.account.permissions if right != "modify-trades"]
    production.server.exchange.alter_account(production.account.name, permissions=kept)
    production.lines("private-connection", "live-key-permissions", "place-order-success")
    run = production.gate()
    assert run.outcomes == {
        "private-connection": "passed",
        "live-key-permissions": "failed",
        "place-order-success": "failed",
    }
    for word in (".env:", "without modify-trades (Orders and trades - Create & modify orders)", "Next: grant it"):
        assert word in run.message("live-key-permissions")


def test_what_places_or_drills_is_not_proven_unarmed(production: Production) -> None:
    production.project.conftest(OWN_CHECKS)
    lines = ("validation-file", "volume-ladder", "benchmark-file", "deploy-run", "rollback-drill", "controlled-stop")
    production.lines(*lines, text=f"{OWN_LINE.format('places')}{OWN_LINE.format('clears')}")
    run = production.gate()
    assert set(run.outcomes.values()) == {"not_proven"}, run.outcomes
    for line in lines[:3]:
        assert "--golive-arm-drills" in run.message(line)
        assert " record" in run.message(line)
    assert "--golive-arm-orders" in run.message("places")
    assert "never run on a real exchange" in run.message("clears")
    assert "drill record" in run.message("clears")
    assert run.exit_status == 10
    assert production.books()["by_endpoint"].get("AddOrder", 0) == 0


def test_armed_orders_bear_the_runs_mark_and_none_stays(production: Production) -> None:
    production.lines("place-order-success")
    production.rest_foreign_order()
    run = production.gate("--golive-arm-orders=60")
    assert run.outcomes == {"place-order-success": "passed"}, run.message("place-order-success")
    prefix = run.verdict["scope"]["order_prefix"]
    assert len(production.placed()) == 10
    assert all(name.startswith(f"{prefix}-") for name in production.placed())
    assert production.open_orders() == [production.foreign]
    assert "each at most 50 USD" in str(run.lines["place-order-success"]["evidence"])  # the smaller of both caps
    assert run.verdict["scope"]["armed"]["orders_max_usd"] == "60"


def test_a_cap_that_is_too_small_lets_nothing_leave(production: Production) -> None:
    production.lines("place-order-success")
    run = production.gate("--golive-arm-orders=0.5")
    assert run.outcomes == {"place-order-success": "failed"}
    assert "above the cap of 0.5 USD" in run.message("place-order-success")
    assert production.placed() == []


OWN_CHECKS = """
from decimal import Decimal
from pytest_kraken_golive.kraken.orders import Amendment, ConditionalClose, Edit, NewOrder


def order(**more):
    price = Decimal(1000)
    return NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.001"), price=price, **more)


@check("places", touches="orders")
def places(kraken_client, evidence):
    evidence.record("exchange", kraken_client.place_order(order()).txid)
    import time
    time.sleep(60)


@check("clears", touches="cancels_all")
def clears(kraken_client, evidence):
    kraken_client.cancel_all()


@check("meddles", touches="orders")
def meddles(kraken_client, evidence):
    (foreign,) = kraken_client.open_orders()
    closing = ConditionalClose(ordertype="limit", price=Decimal(2000))
    for attempt in (
        lambda: kraken_client.cancel_all(),
        lambda: kraken_client.cancel_all_orders_after(10),
        lambda: kraken_client.cancel_order(foreign),
        lambda: kraken_client.cancel_orders([foreign]),
        lambda: kraken_client.cancel_order(cl_ord_id="somebody-else"),
        lambda: kraken_client.place_order(order(cl_ord_id="somebody-else")),
        lambda: kraken_client.place_order(order(close=closing)),
        lambda: kraken_client.edit_order(Edit(txid=foreign, pair="XBTUSD", price=Decimal(900))),
        lambda: kraken_client.amend_order(Amendment(txid=foreign, limit_price=Decimal(900))),
    ):
        try:
            attempt()
        except Exception as error:
            assert type(error).__name__ == "LiveOrderRefused", error
            evidence.record("client", str(error))
        else:
            raise AssertionError("it went through")


@check("sneaks", touches="none")
def sneaks(kraken_client, evidence):
    kraken_client.place_order(order())
"""
OWN_LINE = "- Own line {0}. <!-- golive: {{id: {0}, check: {0}}} -->\n"


def test_no_check_cancels_or_places_what_is_not_the_runs(production: Production) -> None:
    production.project.conftest(OWN_CHECKS)
    text = "".join(OWN_LINE.format(name) for name in ("meddles", "sneaks", "clears"))
    production.lines(text=text)
    production.rest_foreign_order()
    run = production.gate("--golive-arm-orders=60")
    assert run.outcomes == {"meddles": "passed", "sneaks": "error", "clears": "not_proven"}, run.said
    assert [one["source"] for one in run.lines["meddles"]["evidence"]].count("client") == 9
    assert "not armed" in run.message("sneaks")
    assert production.placed() == []
    assert production.open_orders() == [production.foreign]


def test_an_order_of_a_killed_run_ends_by_itself(production: Production) -> None:
    production.project.conftest(OWN_CHECKS)
    production.lines(text=OWN_LINE.format("places"))
    gate = production.project.start("--kraken=real", f"--golive-deployment={production.root}", "--golive-arm-orders=60")
    _wait(lambda: bool(production.placed()))
    gate.kill()
    gate.wait()
    assert production.project.verdict()["verdict"] == "NO-GO"
    with production.client() as client:
        (left,) = client.open_orders().values()
    assert left.expiretm is not None
    assert 0 < left.expiretm - left.opentm <= 61


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({}, (), ("--kraken=real needs --golive-deployment",)),
        ({"KRAKEN_USE_SANDBOX": "true"}, ("D",), ("production mode", ".env:", "KRAKEN_USE_SANDBOX", "Next:")),
        ({"KRAKEN_USE_SANDBOX": None}, ("D",), ("production mode", "process environment", "nothing", "Next:")),
        ({"KRAKEN_USE_SANDBOX": "'False '"}, ("D",), ("KRAKEN_USE_SANDBOX",)),
        ({"KRAKEN_API_SECRET": None}, ("D",), ("KRAKEN_API_SECRET", ".env", "Next:")),
        ({"KRAKEN_BASE_URL": "http://api.kraken.com"}, ("D",), ("KRAKEN_BASE_URL", "https")),
        ({}, ("D", "--golive-arm-orders=-1"), ("--golive-arm-orders", "-1", "above 0")),
        ({"KRAKEN_MAX_ORDER_USD": None}, ("D", "--golive-arm-orders=5"), ("KRAKEN_MAX_ORDER_USD", ".env", "Next:")),
        ({}, ("D", "--golive-prove"), ("--golive-prove",)),
    ],
)
def test_what_is_missing_for_real_money_is_said(
    production: Production, change: dict[str, str | None], arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    production.lines("private-connection")
    for name, text in change.items():
        production.copy.set_variable(name, text)
    known = {"D": f"--golive-deployment={production.root}"}
    production.project.gate("--kraken=real", *(known.get(one, one) for one in arguments)).require_refusal(*words)
    assert production.books()["requests"]["total"] == 0


def test_no_credentials_anywhere(production: Production) -> None:
    production.lines("private-connection")
    for name in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET"):
        production.copy.set_variable(name, None)
    for file in (production.root / "secrets").rglob("api_*"):
        file.unlink()
    production.gate().require_refusal("KRAKEN_API_KEY", ".env", "secret store", "Next:")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--golive-arm-orders=5",), ("--golive-arm-orders", "--kraken=real")),
        (("--golive-arm-drills",), ("--golive-arm-drills", "--golive-deployment")),
    ],
)
def test_arming_needs_what_it_arms(project: Project, options: tuple[str, ...], words: tuple[str, ...]) -> None:
    project.small(a="yes")
    project.gate(*options).require_refusal(*words)
    project.pytest(*options)
    assert "needs --golive" in project.pytest(*options).said


def test_a_key_of_somebody_else_is_named(production: Production) -> None:
    production.lines("private-connection", "request-signature")
    production.copy.set_variable("KRAKEN_API_KEY", "A" * 56)
    run = production.gate()
    assert set(run.outcomes.values()) == {"failed"}
    assert "EAPI:Invalid key" in run.message("private-connection")
    assert ".env:" in run.message("request-signature")
    assert run.exit_status == 10


@pytest.mark.parametrize(("name", "text"), [("KRAKEN_API_KEY", "A" * 56), ("KRAKEN_RL_ORDER_CAP", "7")])
def test_a_value_that_the_environment_hides_is_named(
    production: Production, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    production.lines("private-connection")
    monkeypatch.setenv(name, text)
    run = production.gate()
    assert run.outcomes == {"private-connection": "failed"}
    for word in (name, ".env:", "process environment", "Next:"):
        assert word in run.message("private-connection")
    assert production.books()["by_endpoint"].get("Balance", 0) == 0


def test_an_exchange_that_is_away(production: Production) -> None:
    production.lines("base-url", "public-connection", "private-connection", "place-order-success", "fee-accuracy")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        production.copy.set_variable("KRAKEN_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        began_s = time.monotonic()
        run = production.gate()
        assert time.monotonic() - began_s < 60
    assert "passed" not in run.outcomes.values()
    assert all(line["duration_s"] < 10 for line in run.lines.values())
    for line in ("public-connection", "private-connection"):
        assert "expected an answer, found none" in run.message(line)
    assert "Traceback" not in run.said
    assert run.verdict["scope"]["name"] == "deployment, real, but nobody was called"


def test_with_the_embedded_exchange_the_account_stays_not_proven(production: Production) -> None:
    production.lines("private-connection", "safe-validation", "place-order-success")
    run = production.project.gate(f"--golive-deployment={production.root}")
    assert set(run.outcomes.values()) == {"not_proven"}
    assert run.verdict["scope"]["name"] == "deployment, sandbox"
    assert production.books()["requests"]["total"] == 0


def test_under_xdist_it_is_the_same(production: Production) -> None:
    production.lines("base-url", *READS, "place-order-success")
    run = production.gate("-n", "2")
    assert set(run.outcomes.values()) == {"passed"}, [run.message(name) for name in run.outcomes]
    assert run.verdict["scope"]["answered"][production.url]["Balance"] >= 1
    assert production.placed() == []


DRILLS = ("deploy-run", "service-active", "rollback-drill", "controlled-stop")


def test_armed_drills_are_really_done_and_then_stand_on_file(production: Production) -> None:
    production.lines("validation-file", "benchmark-file", "fee-accuracy", "volume-ladder", *DRILLS)
    production.rest_foreign_order()
    run = production.gate("--golive-arm-orders=60", "--golive-arm-drills")
    assert set(run.outcomes.values()) == {"passed"}, [run.message(name) for name in run.outcomes]
    assert "The service does not run" in run.said
    assert run.verdict["scope"]["left"] == "The service does not run, not rolled back."
    assert production.open_orders() == [production.foreign]
    before = len(production.placed())
    production.lines(
        "validation-file",
        "benchmark-file",
        "fee-accuracy",
        "volume-ladder",
        "rollback-drill",
        "controlled-stop",
        "post-mortem-files",
    )
    unarmed = production.gate()
    assert set(unarmed.outcomes.values()) == {"passed"}, [unarmed.message(name) for name in unarmed.outcomes]
    for line in ("validation-file", "benchmark-file", "rollback-drill", "controlled-stop"):
        assert "on file" in str(unarmed.lines[line]["evidence"])
    assert len(production.placed()) == before
    for file in (production.root / "runtime" / "drills").glob("*.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**record, "version": "0.0.0"}), encoding="utf-8")
    other = production.gate()
    assert "version: expected" in other.message("rollback-drill")
    assert "version: expected" in other.message("validation-file")


def test_a_killed_run_leaves_no_rollback_half_done(production: Production) -> None:
    production.lines("deploy-run", "rollback-drill")
    gate = production.project.start(
        "--kraken=real",
        f"--golive-deployment={production.root}",
        "--golive-arm-orders=60",
        "--golive-arm-drills",
    )
    folder = production.root / "runtime" / "golive"
    try:
        _wait(lambda: bool(list(folder.glob("*-rollback-*.json"))), 60)
        gate.kill()
        gate.wait()
        (result,) = folder.glob("*-rollback-*.json")
        _wait(lambda: json.loads(result.read_text(encoding="utf-8"))["state"] == "done", 120)
        assert production.project.verdict()["verdict"] == "NO-GO"
        assert not (production.root / "runtime" / "rollback.json").exists()
        assert "FF_EXECUTION_MODE=new" in production.copy.read(".env")
        assert "not rolled back" in json.loads(result.read_text(encoding="utf-8"))["left"]
        assert running_service(production.root) is not None
    finally:
        _stop(production)


SLOW = """
import pathlib, time
time.sleep(4)
pathlib.Path("runtime/slow").write_text("done")
"""


def test_ctrl_c_waits_for_the_command_that_runs(production: Production) -> None:
    project = production.project
    project.write("scripts/slow.py", SLOW)
    project.write("config/golive.yaml", "commands:\n  validate: [python, scripts/slow.py]\n")
    production.lines("validation-file")
    gate = project.start("--kraken=real", f"--golive-deployment={production.root}", "--golive-arm-drills")
    folder = production.root / "runtime" / "golive"
    _wait(lambda: bool(list(folder.glob("*-validate-*.json"))))
    gate.send_signal(signal.SIGINT)
    assert gate.wait(60) == 2
    assert (production.root / "runtime" / "slow").read_text(encoding="utf-8") == "done"
    verdict, said = project.verdict(), (project.root / "out.txt").read_text(encoding="utf-8")
    assert verdict["verdict"] == "NO-GO"
    for text in (verdict["reason"], said):
        assert "The service does not run, not rolled back" in text
    assert "not left half done" in said


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({}, ("--golive-arm-drills",), "--golive-arm-orders"),
        ({}, ("--golive-arm-drills", "--golive-arm-orders=20"), "allows orders of 50 USD, and this run only 20 USD"),
    ],
)
def test_drills_that_trade_need_orders_armed(
    production: Production, change: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    production.lines("validation-file", "deploy-run", "benchmark-file")
    run = production.gate(*arguments)
    assert run.outcomes == {"validation-file": "passed", "deploy-run": "not_proven", "benchmark-file": "not_proven"}
    assert words in run.message("benchmark-file")
    assert production.placed() == []
    assert running_service(production.root) is None


def _stop(production: Production) -> None:
    with contextlib.suppress(Exception):
        stop(production.root / "config" / "runtime.yaml", {})
    service = running_service(production.root)
    if service is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(service.pid).kill()


def _wait(there: object, seconds: float = 30) -> None:
    assert callable(there)
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
