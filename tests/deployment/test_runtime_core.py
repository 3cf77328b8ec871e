from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.contract import Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment import agreement
from pytest_kraken_golive.deployment.layout import Deployment

CONFIG = Path(__file__).parents[2] / "config"
DESKTOP = "kraken_desktop_paper"
Edit = Callable[..., Deployment]


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """A copy of the reference deployment in which texts are replaced: (file, old, new), ..."""

    def make(*edits: tuple[str, str, str]) -> Deployment:
        (tmp_path / "config").mkdir()
        for name in ("runtime.yaml", "core.yaml"):
            shutil.copy(CONFIG / name, tmp_path / "config" / name)
        for name, old, new in edits:
            path = tmp_path / "config" / name
            text = path.read_text("utf-8")
            assert old in text
            path.write_text(text.replace(old, new, 1), "utf-8")
        return Deployment(tmp_path)

    return make


@pytest.fixture
def reference() -> Deployment:
    return Deployment(CONFIG.parent)


def test_the_reference_deployment_says_what_the_runbook_asks(reference: Deployment) -> None:
    runtime, core = reference.runtime, reference.core
    entrypoint = runtime.entrypoint(DESKTOP)
    assert entrypoint.environment.value == "kraken_paper"
    assert str(entrypoint.environment.where).startswith("config/runtime.yaml:")
    assert str(entrypoint.environment.where).endswith(" trading.entrypoints.kraken_desktop_paper.environment")
    assert (entrypoint.risk_profile.value, entrypoint.tags.value) == ("balanced", ["desktop", "paper", "kraken"])
    assert (entrypoint.strategy.value, entrypoint.controller.value) == ("top_of_book", "desktop")
    assert (entrypoint.bootstrap.value, entrypoint.trusted_auto_confirm.value) == (True, False)
    assert runtime.paper_entrypoints(core).value == [DESKTOP, "kraken_headless_paper"]
    profile = runtime.paper_profile("kraken_paper")
    assert profile.thresholds.value == {"rate_limit_max": 0, "network_errors_max": 0, "health_min": 1.0}
    assert set(profile.metric_names.value) == {"rate_limit", "network_errors", "health"}
    assert profile.threshold("health_min").value == 1.0
    assert runtime.paper_profile_for("kraken_headless_paper").name == "kraken_headless"
    assert runtime.trading_profile("kraken_desktop").tags.value == ["desktop", "paper", "kraken"]
    environment = core.environment("kraken_paper")
    assert (environment.exchange.value, environment.kind.value) == ("kraken_spot", "paper")
    assert environment.keychain_key.value == "kraken_paper_trading"
    assert environment.required_permissions.value == ["read", "trade"]
    assert environment.forbidden_permissions.value == ["withdraw"]
    assert environment.symbols.value == ["XBTUSD", "ETHUSD"]
    assert environment.risk_profile.value in core.risk_profile_names.value
    assert core.risk_profile("balanced").max_open_positions.value == 5
    assert core.exchange_account("kraken", "paper").environment.value == "kraken_paper"
    assert runtime.licensing.enforcement.value is True
    assert runtime.prometheus.port.value == 0
    assert runtime.live_enabled.value is False


def test_all_copies_of_the_reference_agree(reference: Deployment) -> None:
    runtime, core = reference.runtime, reference.core
    copies = (
        agreement.environment_copies,
        agreement.risk_profile_copies,
        agreement.keychain_key_copies,
        agreement.adapter_copies,
    )
    for entrypoint in runtime.entrypoint_names.value:
        assert [agreement.agree(*of(runtime, core, entrypoint)) for of in copies]
    assert len(agreement.environment_copies(runtime, core, DESKTOP)) == 3
    assert len(agreement.risk_profile_copies(runtime, core, DESKTOP)) == 3
    assert len(agreement.keychain_key_copies(runtime, core, DESKTOP)) == 2
    assert [found.value for found in agreement.adapter_copies(runtime, core, DESKTOP)] == ["kraken_spot"] * 3
    assert len(agreement.agree_on_licence(runtime, core)) == 7


@pytest.mark.parametrize(
    ("edit", "of", "named"),
    [
        (
            (
                "runtime.yaml",
                "      environment: kraken_paper\n      io_queue",
                "      environment: kraken_live\n      io_queue",
            ),
            agreement.environment_copies,
            (
                "trading.entrypoints.kraken_desktop_paper.environment",
                "execution.paper_profiles.kraken_paper.environment",
            ),
        ),
        (
            ("core.yaml", "    paper:\n      environment: kraken_paper", "    paper:\n      environment: kraken_live"),
            agreement.environment_copies,
            ("config/core.yaml:", "exchange_accounts.kraken.paper.environment", "'kraken_live'"),
        ),
        (
            ("core.yaml", "risk_profile: balanced", "risk_profile: aggressive"),
            agreement.risk_profile_copies,
            ("environments.kraken_paper.risk_profile", "'aggressive'", "exchange_accounts.kraken.paper.risk_profile"),
        ),
        (
            ("core.yaml", "      keychain_key: kraken_paper_trading", "      keychain_key: kraken_live_trading"),
            agreement.keychain_key_copies,
            ("environments.kraken_paper.keychain_key", "exchange_accounts.kraken.paper.keychain_key"),
        ),
        (
            ("runtime.yaml", "exchange: kraken #", "exchange: binance #"),
            agreement.adapter_copies,
            (
                "execution.paper_profiles.kraken_paper.exchange",
                "expected one of the known exchanges kraken",
                "'binance'",
            ),
        ),
        (
            ("runtime.yaml", "io_queue: kraken_spot", "io_queue: kraken_other"),
            agreement.adapter_copies,
            ("execution.paper_profiles.kraken_paper.io_queue", "'kraken_other' is not in", "io_queue.exchanges"),
        ),
    ],
)
def test_a_contradiction_names_all_places(
    edited: Edit, edit: tuple[str, str, str], of: Callable[..., list[Found]], named: tuple[str, ...]
) -> None:
    deployment = edited(edit)
    with pytest.raises(Fault) as caught:
        agreement.agree(*of(deployment.runtime, deployment.core, DESKTOP))
    for part in (*named, "Next: "):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  enforcement: true", "  enforcement: false"),
        ("  enforcement: true", "  enforcement: 1"),
        ("allowed_issuers: [oem-licensing]", "allowed_issuers: [oem-licensing, me]"),
        ("license_path: var/", "license_path: other/"),
    ],
)
def test_the_core_s_licence_block_may_not_contradict(edited: Edit, old: str, new: str) -> None:
    deployment = edited(("core.yaml", old, new))
    with pytest.raises(Fault, match=r"config/runtime.yaml:\d+ licensing\..* in config/core.yaml:\d+ license\."):
        agreement.agree_on_licence(deployment.runtime, deployment.core)


def test_agree_compares_types_and_ignores_the_order_of_lists() -> None:
    def found(value: Any) -> Found:
        return Found(value, Where("f", 1))

    assert agreement.agree(found(["a", "b"]), found(["b", "a"])).value == ["a", "b"]
    assert agreement.agree(found(1), found(1.0)).value == 1
    for one, other in ((True, 1), ("1", 1), (["a"], ["a", "a"]), (None, False)):
        with pytest.raises(Fault):
            agreement.agree(found(one), found(other))


def test_a_queue_inherits_what_it_leaves_out_and_says_so(edited: Edit) -> None:
    queue = edited(("runtime.yaml", "      max_concurrency: 3\n", "")).runtime.io_queue("kraken_spot")
    assert (queue.max_concurrency.value, queue.max_concurrency.where.key) == (5, "io_queue.max_concurrency")
    assert (queue.burst.value, queue.burst.where.key) == (6, "io_queue.exchanges.kraken_spot.burst")
    assert queue.timeout_warning_seconds.value == 10.0


def test_an_inherited_limit_names_both_places_and_is_checked_like_an_own_one(edited: Edit) -> None:
    own = ("runtime.yaml", "      max_concurrency: 3\n", "")
    found = edited(own).runtime.io_queue("kraken_spot").max_concurrency
    for part in (
        r"io_queue.max_concurrency: expected 3, found 5 (inherited from io_queue, because config/runtime.yaml:",
        " io_queue.exchanges.kraken_spot has no max_concurrency). Next: write max_concurrency: 3 below the queue",
    ):
        assert part in found.unlike(3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  max_concurrency: 5",
            '  max_concurrency: "3"',
            "expected a whole number, found the text '3' (inherited from",
        ),
        ("  max_concurrency: 5", "  max_concurency: 3", "expected the key max_concurrency, found 'max_concurency'"),
        ("  max_concurrency: 5", "", r"io_queue.max_concurrency: expected this key, found none.* (inherited from"),
    ],
)
def test_an_inherited_limit_can_be_wrong_or_absent(edited: Edit, old: str, new: str, message: str) -> None:
    runtime = edited(("runtime.yaml", "      max_concurrency: 3\n", ""), ("runtime.yaml", old, new)).runtime
    with pytest.raises((Fault, NotProven)) as caught:
        _ = runtime.io_queue("kraken_spot").max_concurrency
    for part in message.split(".*"):
        assert part in str(caught.value)
    assert str(caught.value).count("Next: ") == 1


def test_a_misspelt_key_of_a_copy_is_not_an_absent_one(edited: Edit) -> None:
    deployment = edited(
        ("core.yaml", "    paper:\n      environment: kraken_paper", "    paper:\n      enviroment: kraken_live"),
        ("core.yaml", "\nlicense:", "\nlicence:"),
    )
    for read in (agreement.environment_copies, lambda runtime, core, _: agreement.licence_copies(runtime, core)):
        with pytest.raises(Fault, match=r"config/core.yaml:\d+ .*: expected the key (environment|license), found"):
            read(deployment.runtime, deployment.core, DESKTOP)


def test_a_file_that_has_changed_since_it_was_read_has_no_digest(edited: Edit) -> None:
    deployment = edited()
    assert deployment.runtime.default_entrypoint.value == DESKTOP
    path = deployment.runtime_path
    path.write_bytes(path.read_bytes() + b"# changed\n")
    with pytest.raises(Fault, match=r"config/runtime.yaml: expected the file that was judged"):
        _ = deployment.config_sha256


@pytest.mark.parametrize("value", ["0", "-1", "2.5", '"3"', "true", ""])
def test_limits_of_a_queue_are_whole_and_positive(edited: Edit, value: str) -> None:
    runtime = edited(("runtime.yaml", "max_concurrency: 3", f"max_concurrency: {value}")).runtime
    with pytest.raises(
        Fault, match=r"config/runtime.yaml:\d+ io_queue.exchanges.kraken_spot.max_concurrency: expected"
    ):
        _ = runtime.io_queue("kraken_spot").max_concurrency


def test_a_queue_that_is_not_listed_is_not_proven(edited: Edit) -> None:
    runtime = edited(("runtime.yaml", "    kraken_spot:\n      max", "    other:\n      max")).runtime
    with pytest.raises(NotProven, match=r"io_queue.exchanges.kraken_spot: expected this key"):
        runtime.io_queue("kraken_spot")


def test_an_entrypoint_may_not_be_called_summary(edited: Edit) -> None:
    runtime = edited(("runtime.yaml", "    kraken_headless_paper:", "    summary:")).runtime
    for read in (lambda: runtime.entrypoint_names, lambda: runtime.entrypoint("summary")):
        with pytest.raises(Fault, match=r"config/runtime.yaml:\d+ trading.entrypoints.summary: expected another name"):
            read()


def test_a_fault_in_one_section_reaches_only_who_reads_it(edited: Edit) -> None:
    runtime = edited(("runtime.yaml", "licensing:\n  enforcement: true", 'licensing:\n  enforcement: "true"')).runtime
    assert runtime.entrypoint(DESKTOP).environment.value == "kraken_paper"
    assert runtime.licensing.allowed_issuers.value == ["oem-licensing"]
    with pytest.raises(Fault, match=r"licensing.enforcement: expected true or false, found the text 'true'"):
        _ = runtime.licensing.enforcement


def test_a_duplicate_key_reaches_every_reader_each_time(edited: Edit) -> None:
    deployment = edited(("core.yaml", "\n  kraken_live:", "\n  kraken_paper:"))
    assert deployment.runtime.default_entrypoint.value == DESKTOP
    for _ in range(2):
        with pytest.raises(Fault, match=r"core.yaml:\d+ environments.kraken_paper: expected the key once"):
            _ = deployment.core


def test_a_paper_entrypoint_needs_a_known_environment(edited: Edit) -> None:
    deployment = edited(("runtime.yaml", "environment: kraken_live", "environment: nowhere"))
    with pytest.raises(Fault, match=r"kraken_desktop_live.environment: 'nowhere' is not in config/core.yaml:\d+ env"):
        deployment.runtime.paper_entrypoints(deployment.core)
    kind = edited_kind(deployment)
    with pytest.raises(Fault, match=r"environments.kraken_paper.environment: expected one of paper, live, testnet"):
        _ = kind.core.environment("kraken_paper").kind


def edited_kind(deployment: Deployment) -> Deployment:
    path = deployment.core_path
    path.write_text(path.read_text("utf-8").replace("environment: paper", "environment: Paper"), "utf-8")
    return Deployment(deployment.root)


def test_paper_profile_of_an_entrypoint(edited: Edit) -> None:
    runtime = edited(("runtime.yaml", "entrypoint: kraken_headless_paper", f"entrypoint: {DESKTOP}")).runtime
    with pytest.raises(Fault, match=r"expected one paper profile .* found 2: .*kraken_paper.*kraken_headless"):
        runtime.paper_profile_for(DESKTOP)
    with pytest.raises(NotProven, match="found none in kraken_paper, kraken_headless"):
        runtime.paper_profile_for("kraken_headless_paper")


def test_unknown_keys_are_kept(edited: Edit) -> None:
    runtime = edited(("runtime.yaml", "core:\n", "more: {things: [1, 2]}\ncore:\n")).runtime
    assert runtime.at("more", "things").value == [1, 2]


def test_paths_and_digest_of_a_deployment(edited: Edit) -> None:
    deployment = edited(
        ("runtime.yaml", "log_directory: logs/guardrails", "log_directory: elsewhere/logs"),
        ("runtime.yaml", "    license_path: var/licenses/active/license.json\n", ""),
        ("runtime.yaml", "secret_store:", "other_store:"),
    )
    root = deployment.root
    assert deployment.shown(deployment.guardrail_directory) == "elsewhere/logs"
    assert deployment.license_path == root / "var/licenses/active/license.json"
    assert deployment.secrets_path == root / "secrets"
    assert deployment.core_path == root / "config/core.yaml"
    both = b"".join((root / "config" / name).read_bytes() for name in ("runtime.yaml", "core.yaml"))
    assert deployment.config_sha256 == sha256(both).hexdigest()
    assert deployment.shown(root.parent / "x") == str(root.parent / "x")


def test_a_missing_core_is_not_proven_and_runtime_still_reads(edited: Edit) -> None:
    deployment = edited(("runtime.yaml", "path: core.yaml", "path: kernel.yaml"))
    assert deployment.runtime.core_path.value == "kernel.yaml"
    with pytest.raises(NotProven, match=r"core.path: .kernel.yaml. names no file: there is no config/kernel.yaml"):
        _ = deployment.core
    with pytest.raises(NotProven):
        _ = deployment.config_sha256
