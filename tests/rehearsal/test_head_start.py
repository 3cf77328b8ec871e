"""What is begun before a line asks for it, where that may be, and the copies in which drills are done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DrillKind, drills
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.altered import FinishedCopy, PlannedCopy
from pytest_kraken_golive.rehearsal.order import DRILLS, PAGE_DRILL, ROLLBACK_DRILL
from pytest_kraken_golive.rehearsal.stage import Rehearsal

ROOT = Path(__file__).resolve().parents[2]
VALIDATION = "runtime/kraken_prod_validation.json"


@contextmanager
def production(project: Path = ROOT, sabotage: Callable[[PlannedCopy], None] | None = None) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal.start(
        project, Policy(), entrypoint="kraken_desktop_live", stage="production", sabotage=sabotage
    )
    try:
        yield rehearsal
    finally:
        rehearsal.close()


def test_what_was_begun_is_what_a_line_is_told_of() -> None:
    with production() as rehearsal:
        rehearsal.begin(["validate", "unknown"])
        rehearsal.settle()
        written = (rehearsal.root / VALIDATION).stat().st_mtime_ns
        assert rehearsal.commands.run("validate").exit_status == 0
        assert (rehearsal.root / VALIDATION).stat().st_mtime_ns == written, "it ran twice"


def test_after_its_drill_a_service_does_not_trade_while_others_are_measured() -> None:
    with production() as rehearsal:
        rehearsal.begin(["rollback", "undo", "stop"])
        rehearsal.settle()
        drilled = rehearsal.service.rolled_back
        with pytest.raises(NotProven, match="found no answer"):
            drilled.health()
        assert [record.kind for record in drills(drilled.root)] == ["rollback", "undo", "stop"]
        kinds: tuple[DrillKind, ...] = ("rollback", "undo")
        for kind in kinds:
            run, _ = drilled.drill(kind)
            assert run is not None
            assert run.exit_status == 0


@pytest.mark.parametrize(
    ("name", "text"), [("KRAKEN_BASE_URL", "http://127.0.0.1:9"), ("KRAKEN_BASE_URL", None), ("KRAKEN_USE_SANDBOX", "")]
)
def test_nothing_is_begun_whose_calls_would_go_elsewhere(name: str, text: str | None) -> None:
    """Without KRAKEN_BASE_URL they would go to the real exchange."""
    with production(sabotage=lambda copy: copy.set_variable(name, text)) as rehearsal:
        rehearsal.begin(["env", "validate", "bench", "rollback"])
        rehearsal.settle()
        assert not list((rehearsal.root.parent / "commands").rglob("*.log"))


def test_a_copy_for_drills_differs_in_its_key_pair_and_its_door_alone() -> None:
    with production() as rehearsal:
        _ = rehearsal.addresses
        assert set(rehearsal.drill_roots) == set(DRILLS)
        texts = [(root / ".env").read_text("utf-8") for root in (rehearsal.root, *rehearsal.drill_roots.values())]
        secrets = [rehearsal.account, *rehearsal.made_up]
        urls = {rehearsal.addresses.urls[door] for door in ("bot", *DRILLS)}
        assert len({one.api_key.get_secret_value() for one in secrets}) == len(urls) == len(texts) == 3
        for line in texts[0].splitlines():
            differs = line.partition("=")[0] in {"KRAKEN_API_KEY", "KRAKEN_API_SECRET", "KRAKEN_BASE_URL"}
            assert [line in other for other in texts[1:]] == [not differs] * 2
        digests = {Deployment(root).config_sha256 for root in (rehearsal.root, *rehearsal.drill_roots.values())}
        assert len(digests) == 1


def test_what_a_break_does_to_the_exchange_it_does_to_the_drills_too() -> None:
    def trouble(copy: PlannedCopy) -> None:
        copy.order_fault(kind="error", endpoint="AddOrder", error="EOrder:Insufficient funds", times=None)

    with production(sabotage=trouble) as rehearsal:
        run = rehearsal.service.rolled_back.run("bench")
        assert run.exit_status == 1
        assert "EOrder:Insufficient funds" in run.output


def test_services_with_a_fixed_port_are_not_started_side_by_side(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    runtime = tmp_path / "config" / "runtime.yaml"
    text = runtime.read_text("utf-8")
    assert "    port: 0 #" in text
    runtime.write_text(text.replace("    port: 0 #", "    port: 9108 #"), encoding="utf-8")
    with production(tmp_path) as rehearsal:
        assert rehearsal.drill_roots == {}
        assert rehearsal.service.rolled_back is rehearsal.service.stopped_by_page is rehearsal.service


def test_an_altered_copy_leaves_the_drills_alone_unless_they_are_altered() -> None:
    def alter(copy: FinishedCopy) -> None:
        copy.rolled_back.write("runtime/note", "altered")

    with production() as rehearsal:
        altered = rehearsal.altered(alter)
        try:
            assert (altered.drill_roots[ROLLBACK_DRILL] / "runtime" / "note").read_text("utf-8") == "altered"
            assert not (rehearsal.drill_roots[ROLLBACK_DRILL] / "runtime" / "note").exists()
            assert altered.drill_roots[PAGE_DRILL] == rehearsal.drill_roots[PAGE_DRILL]
            assert (altered.service.worth_s(9.0), rehearsal.service.worth_s(9.0)) == (0.0, 9.0)
        finally:
            altered.close()
