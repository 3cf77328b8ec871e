"""What the lines about a real deployment's service take for proof: the ways to be active, and the drills on file."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks.live_facts import CLOCK_SLACK_S, require_drill
from pytest_kraken_golive.checks.recovery import _taken_by_drill
from pytest_kraken_golive.checks.service_active import require_active
from pytest_kraken_golive.contract import Evidence, Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DeployRecord, DrillRecord, read_deploy_record
from pytest_kraken_golive.policy import Policy, Service
from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL, Permit

DIGEST = "a" * 64


@pytest.fixture
def service(tmp_path: Path) -> LiveService:
    settings = LiveSettings.of(Deployment(tmp_path))
    commands = InPlaceCommands(
        tmp_path, tmp_path, Policy(), NOTHING_REAL, entrypoint="live", settings=lambda: settings, tell=print
    )
    return LiveService(tmp_path, lambda: commands, None, is_rehearsal=False)


def _policy(**settings: object) -> Policy:
    return Policy(service=Service.model_validate(settings))


def _pid_file(service: LiveService, content: object) -> None:
    path = service.root / "runtime/service.pid"
    path.parent.mkdir()
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("with_time", [True, False])
def test_a_pid_file_names_a_process_that_lives(service: LiveService, with_time: bool) -> None:
    own = {"pid": os.getpid(), "create_time": psutil.Process().create_time()} if with_time else os.getpid()
    _pid_file(service, own)
    evidence = Evidence()
    require_active(service, _policy(active="pid"), evidence)
    assert evidence.records


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ({"pid": os.getpid(), "create_time": 1.0}, AssertionError, "another process"),
        ({"pid": 2**22 + 1}, AssertionError, "is gone"),
        ("1 2", Fault, "expected a process id"),
        ({"pid": True}, Fault, "expected a process id"),
        (-1, Fault, "expected a process id"),
    ],
)
def test_a_pid_file_that_proves_nothing(
    service: LiveService, content: object, kind: type[BaseException], said: str
) -> None:
    _pid_file(service, content)
    with pytest.raises(kind, match=said):
        require_active(service, _policy(active="pid"), Evidence())


def test_a_command_says_whether_it_is_active(service: LiveService) -> None:
    require_active(service, _policy(active="command", command=[sys.executable, "-c", ""]), Evidence())
    with pytest.raises(AssertionError, match="found 3"):
        require_active(
            service, _policy(active="command", command=[sys.executable, "-c", "raise SystemExit(3)"]), Evidence()
        )
    with pytest.raises(NotProven, match="no program"):
        require_active(service, _policy(active="command", command=["no-such-program"]), Evidence())
    with pytest.raises(NotProven, match=r"service\.command"):
        require_active(service, _policy(active="command"), Evidence())


def test_systemd_needs_a_unit_and_a_systemd(service: LiveService, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotProven, match=r"service\.unit"):
        require_active(service, _policy(active="systemd"), Evidence())
    monkeypatch.setenv("PATH", str(service.root))
    with pytest.raises(NotProven, match="this machine has none"):
        require_active(service, _policy(active="systemd", unit="bot.service"), Evidence())


def _record() -> DeployRecord:
    return DeployRecord("1.0", DIGEST, "2026-11-20T09:31:05+00:00", "live", 0, 1, None, [])


def _drill(service: LiveService, *, version: str = "1.0", digest: str = DIGEST, age_s: float = 60.0) -> None:
    ended_s = time.time() - age_s
    DrillRecord("rollback", "command", version, digest, ended_s - 5, ended_s, 0, {"took_s": 5}).write(service.root)


def test_a_drill_on_file_stands_for_one_that_may_not_be_done(service: LiveService) -> None:
    with pytest.raises(NotProven, match="found none"):
        require_drill(service, Policy(), _record(), Evidence(), kind="rollback")
    _drill(service, version="0.9")
    with pytest.raises(NotProven, match=r"version: expected 1\.0"):
        require_drill(service, Policy(), _record(), Evidence(), kind="rollback")
    _drill(service)
    evidence = Evidence()
    assert require_drill(service, Policy(), _record(), evidence, kind="rollback").fact("took_s") == 5
    assert "on file" in str(evidence.records[0].note)


@pytest.mark.parametrize(("change", "said"), [({"digest": "b" * 64}, "config_sha256"), ({"age_s": 1e8}, "of age")])
def test_a_drill_of_something_else_or_of_long_ago_proves_nothing(
    service: LiveService, change: dict[str, object], said: str
) -> None:
    _drill(service, **change)  # type: ignore[arg-type]  # one of its keywords
    with pytest.raises(NotProven, match=said):
        require_drill(service, Policy(), _record(), Evidence(), kind="rollback")


def _stop(service: LiveService, by: str = "command", version: str = "1.0") -> float:
    """A stop on file that began 60 s ago and took 5 s; when it began."""
    began_s = time.time() - 60
    DrillRecord("stop", by, version, DIGEST, began_s, began_s + 5, 0, {}).write(service.root)
    return began_s


@pytest.mark.parametrize("by", ["command", "dashboard"])
def test_a_copy_for_the_post_mortem_counts_that_a_stop_on_file_took(service: LiveService, by: str) -> None:
    began_s = _stop(service, by)
    evidence = Evidence()
    for moment_s, taken in (
        (began_s - CLOCK_SLACK_S - 1, False),
        (began_s, True),
        (began_s + 5 + CLOCK_SLACK_S / 2, True),
        (began_s + 5 + CLOCK_SLACK_S + 1, False),
    ):
        assert _taken_by_drill(moment_s, service, Policy(), _record(), evidence) is taken
    assert evidence.records


def test_a_copy_that_another_versions_stop_took_or_none_counts_not(service: LiveService) -> None:
    assert not _taken_by_drill(time.time() - 58, service, Policy(), _record(), Evidence())
    began_s = _stop(service, version="0.9")
    assert not _taken_by_drill(began_s + 1, service, Policy(), _record(), Evidence())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{}", NotProven),
        ("[]", Fault),
        ('{"version": 1}', Fault),
        ('{"version": "", "config_sha256": "x"}', Fault),
        (f'{{"version": "1", "config_sha256": "{DIGEST}", "started_at": "yesterday", "exit_status": 0}}', Fault),
        (f'{{"version": "1", "config_sha256": "{DIGEST}", "time": "2026-11-20T09:31:05Z"}}', Fault),
    ],
)
def test_a_deploy_record_that_says_too_little(tmp_path: Path, text: str, kind: type[Exception]) -> None:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime/deploy.json").write_text(text)
    with pytest.raises(kind, match=r"deploy\.json"):
        read_deploy_record(tmp_path)


def test_the_record_of_another_deploy_command_is_enough(tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir()
    record = {"version": "7", "config_sha256": DIGEST, "time": "2026-11-20T09:31:05Z", "exit_status": 0}
    (tmp_path / "runtime/deploy.json").write_text(json.dumps(record))
    assert read_deploy_record(tmp_path).version == "7"


def test_a_deploy_that_fails_before_it_leaves_a_record_says_what_the_command_said(tmp_path: Path) -> None:
    words = "print('failed: no valid licence'); raise SystemExit(2)"
    policy = Policy.model_validate({"commands": {"deploy": {"run": [sys.executable, "-c", words]}}})
    permit = Permit(real=True, cap_usd=None, drills=True)
    (tmp_path / ".env").write_text("KRAKEN_USE_SANDBOX=true\nKRAKEN_BASE_URL=http://127.0.0.1:1\n")
    settings = LiveSettings.of(Deployment(tmp_path))
    commands = InPlaceCommands(
        tmp_path, tmp_path, policy, permit, entrypoint="live", settings=lambda: settings, tell=print
    )
    service = LiveService(tmp_path, lambda: commands, None, is_rehearsal=False)
    for _ in range(2):  # each line about the service says the same
        with pytest.raises(
            NotProven, match=r"expected exit status 0, found 2\. It said: failed: no valid licence Next: "
        ):
            service.record()
