"""How a bot without licence ended: what is a refusal, and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kraken_golive.checks.unlicensed import require_refusal
from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.bot_run import BotState
from pytest_kraken_golive.rehearsal.network import Contact, Network
from pytest_kraken_golive.rehearsal.unlicensed import Contrast, said_only_there, without_paths

LOOKED = Network(looks=3)
QUIET: dict[str, Any] = {"requests": {"private": 0, "total": 0}, "orders": [], "by_endpoint": {}, "errors": {}}
WELL = BotState(exit_status=0, report="report.json")


def contrast(
    books: dict[str, Any] | None = None, said: tuple[str, ...] = ("no valid licence",), **values: Any
) -> Contrast:
    licensed = values.pop("licensed", WELL)
    state = BotState(**{"exit_status": 3, "ended_by": "itself", "network": LOOKED, **values})
    return Contrast(state, {**QUIET, **(books or {})}, licensed, list(said))


def test_a_refusal() -> None:
    require_refusal(contrast(), Evidence())
    require_refusal(contrast(books={"by_endpoint": {"Time": 1}}, exit_status=1), Evidence())
    require_refusal(contrast(licensed=BotState(report="report.json")), Evidence())  # it still runs


SIGNED = {"requests": {"private": 1, "total": 1}, "by_endpoint": {"Balance": 1}}
STRANGER = Network(looks=3, contacts=[Contact("198.51.100.7", 443, "tcp", 7, 1)])


@pytest.mark.parametrize(
    "values",
    [
        {"books": {**SIGNED, "orders": [{"txid": "O1"}]}},
        {"books": SIGNED},
        {"books": {"by_endpoint": {"(unknown)": 1}}},
        {"network": STRANGER},
        {"exit_status": 0},
        {"exit_status": 0, "ended_by": "its standard input was closed"},
    ],
    ids=["trades", "asks-for-its-balance", "calls-nothing-known", "calls-home", "ends-well", "runs-on"],
)
def test_a_bot_that_does_something_all_the_same(values: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"(?s)bot without licence.*Next: "):
        require_refusal(contrast(**values), Evidence())


@pytest.mark.parametrize(
    "values",
    [
        {"exit_status": None, "problem": "there is no copy. Next: name it."},
        {"exit_status": -9, "ended_by": "it was killed: no report after 60 s"},
        {"exit_status": 1, "ended_by": "it was killed: no report after 60 s"},
        {"exit_status": 1, "said": (), "output": "the port is taken"},
        {"network": Network()},
        {"licensed": BotState(exit_status=1, report="report.json")},
        {"licensed": BotState(problem="it hangs")},
    ],
)
def test_what_does_not_show_that_the_licence_is_why(values: dict[str, Any]) -> None:
    with pytest.raises(NotProven, match=r"(?s)bot without licence.*Next: "):
        require_refusal(contrast(**values), Evidence())


@pytest.mark.parametrize(
    ("without", "with_licence", "said"),
    [
        ("no licence found", "started", ["no licence found"]),
        ("MIT License\nport 8080 taken", "MIT License", []),
        ("2026-11-20T10:00:07 run 9f3a: MIT License", "2026-11-20T10:00:01 run b771: MIT License", []),
        ("Licence invalid: expired", "Licence valid until 2027", ["Licence invalid: expired"]),
        ('{"ts":"2026-11-20T10:00:07Z","msg":"licence missing"}', '{"ts":"2026-11-20T10:00:01Z","msg":"on"}', 1),
        ("config /run/a/var/licenses/active and /run/a/my.license", "", []),
        ("cannot open '/run/a/var/licenses/license.json'", "", []),
        ("[Errno 2] var/licenses/active/license.json", "", []),
        (r"cannot open C:\run\var\licenses\license.json", "", []),
        ("the licence (/run/a/var/licenses/license.json) is not there", "", 1),
        ("licence/fingerprint do not agree", "", 1),
        ("the port is taken", "a licence was found", []),
    ],
)
def test_only_what_the_run_with_a_licence_does_not_say_counts(without: str, with_licence: str, said: Any) -> None:
    there, elsewhere = (
        [without_paths(line, ["/run/a"]) for line in text.splitlines()] for text in (without, with_licence)
    )
    found = said_only_there(there, elsewhere)
    assert found == said or len(found) == said
