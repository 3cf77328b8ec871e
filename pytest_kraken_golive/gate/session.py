"""The gate of one run: from the first moment's NO-GO to the last word."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.deployment.checkout import git_state
from pytest_kraken_golive.gate.digests import judged_files
from pytest_kraken_golive.gate.document import verdict_document
from pytest_kraken_golive.gate.drift import note_drift, vanished
from pytest_kraken_golive.gate.genuine import patched
from pytest_kraken_golive.gate.ledger import Ledger
from pytest_kraken_golive.gate.plan import Plan, find_runbooks, make_plan, refuse_unknown_ids, unread_runbooks
from pytest_kraken_golive.gate.real_scope import exchange_scope, lacking, local_plugins, scope_name
from pytest_kraken_golive.gate.registry import STOCK_PACKAGE, Registry, is_stock
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.gate.required import missing
from pytest_kraken_golive.gate.result import LineResult
from pytest_kraken_golive.gate.scope import PACKAGE, HostWatch, around_lines, overridden_fixtures, plugins_of
from pytest_kraken_golive.gate.stock_lines import not_asked
from pytest_kraken_golive.gate.verdict import Decision, Verdict, decide, ended, exit_status
from pytest_kraken_golive.gate.worlds import Worlds
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL, Permit
from pytest_kraken_golive.reporting.verdict_file import PAGE, VerdictFile
from pytest_kraken_golive.runbook.lock import Lock, read_lock
from pytest_kraken_golive.runbook.model import RunbookError
from pytest_kraken_golive.signoff.digests import differences, digest_files
from pytest_kraken_golive.signoff.waivers import Waivable, judge, unused
from pytest_kraken_golive.sweep import Sweep

STOCK_CHECKS = (
    "bot_run",
    "canary",
    "config",
    "connection",
    "credentials",
    "dashboard",
    "endpoint",
    "environment",
    "health",
    "licence",
    "limits",
    "live_key",
    "monitoring",
    "performance",
    "profiles",
    "rate_limits",
    "recovery",
    "report",
    "security",
    "service",
    "suites",
    "truth",
    "volume",
)


def load_checks(config: pytest.Config) -> Registry:
    """Every check of the package, of plugins and of the conftests that are loaded.

    The stock ones are imported as plugins, so that their assertions are rewritten.
    """
    registry = Registry()
    pytest.register_assert_rewrite(STOCK_PACKAGE)
    for name in STOCK_CHECKS:
        config.pluginmanager.import_plugin(f"{STOCK_PACKAGE}.{name}")
    for plugin in config.pluginmanager.get_plugins():
        registry.take_from(plugin)
    return registry


def read_plan(options: Options, registry: Registry, arguments: Iterable[str] = ()) -> tuple[Plan, Lock | None]:
    """The lines of the run, and what of them was accepted.

    Args:
        options: what the user asked for.
        registry: the checks that there are.
        arguments: paths and ids of the command line.

    Raises:
        pytest.UsageError: everything that is wrong with the runbooks, the lock or the ids, or that there is none.
    """
    try:
        found = find_runbooks(options.runbooks)
        if options.default_runbooks and (unread := unread_runbooks(found, options.rootdir / "config" / "runbooks")):
            raise RunbookError(unread)
        plan = make_plan(found, registry, options.rootdir)
        refuse_unknown_ids(plan, arguments)
        lock = read_lock(options.rootdir)
        note_drift(plan, lock, options.rootdir)
        return plan, lock
    except RunbookError as error:
        raise pytest.UsageError("\n".join(error.problems)) from error


class Gate:
    """Collects what happened, decides, and has the last word. Only in the process that the user started."""

    def __init__(
        self,
        options: Options,
        policy: Policy,
        plan: Plan,
        file: VerdictFile,
        *,
        lock: Lock | None,
        permit: Permit = NOTHING_REAL,
    ) -> None:
        self.options = options
        self.policy = policy
        self.plan = plan
        self.file = file
        self.permit = permit
        self.ledger = Ledger(plan)
        self.watch = HostWatch()
        self.run_id = uuid.uuid4().hex
        self.started_at = dt.datetime.now(dt.UTC)
        self.overridden: dict[str, str] = {}
        self._plugins: set[str] = set()
        self.observed: dict[str, Any] = {}
        self._hosts: set[str] = set()
        self._real_calls: dict[str, Counter[str]] = {}
        self._local_plugins: set[str] = set()
        self.tests_failed = 0
        """How many failures pytest itself has counted."""
        self.quiet: set[str] = set()
        """Node ids of lines that the workers left to this process."""
        self._digests = self._digest()
        self._judge_policy(lock)

    def _judge_policy(self, lock: Lock | None) -> None:
        """What the project has said that it requires, accepts and waives."""
        everything = not self.options.chosen_runbooks
        bound = {
            one.id: Waivable(one.digest, one.check is None or one.check.waivable, signed=one.manual is not None)
            for one in (self.plan.lines.values() if self.policy.waivers else ())
            if one.is_bound
        }
        waivers = judge(self.policy, bound, self.started_at, all_runbooks=everything)
        self.ledger.waivers = waivers.in_force
        for trouble in (
            *vanished(self.plan, lock, self.options.rootdir, all_runbooks=everything),
            *missing(self.plan, self.policy, all_runbooks=everything),
            *waivers.troubles,
        ):
            self.ledger.trouble(trouble)

    def _digest(self) -> dict[str, str]:
        replayed = self.options.kraken == "replay"
        files = judged_files(self.options.rootdir, self.options.deployment, self.plan, self.policy, cassettes=replayed)
        return digest_files(files)

    def take_report(self, report: Any) -> None:
        """One of pytest's reports."""
        self.ledger.take(report)

    def take_items(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Note what the items of this process rest on."""
        self.overridden.update(overridden_fixtures(items, PACKAGE) | around_lines(items, PACKAGE))
        self._plugins.update(plugins_of(config))
        self._local_plugins.update(local_plugins(config))

    def take_worker(self, seen: dict[str, Any]) -> None:
        """What a worker saw."""
        self._hosts |= set(seen["hosts"])
        self._take_calls(seen["real_calls"])
        self.quiet |= set(seen["quiet"])
        self.overridden.update(seen["overridden"])
        self._plugins.update(seen["plugins"])
        self._local_plugins.update(seen["local_plugins"])
        self._compare(seen["digests"], "while a worker ran")
        self._distrust(seen["patched"])

    def _compare(self, digests: dict[str, str], when: str) -> None:
        changed = differences(self._digests, digests)
        if changed:
            self.ledger.trouble(
                f"{self._shown(changed[0])} changed {when}, so nobody knows what was judged. Next: run everything again"
            )

    def _distrust(self, found: list[str]) -> None:
        """A patched package may have said anything: the first place says where to look."""
        if found:
            self.ledger.trouble(found[0])

    @property
    def hosts(self) -> list[str]:
        """Every host to which this process or a worker opened a connection."""
        return sorted(self._hosts | self.watch.hosts)

    def preview(self, config: pytest.Config) -> dict[str, Any]:
        """The verdict document as far as it is known before the last look."""
        results = self.ledger.results()
        return self._document(decide(results, self.ledger.troubles), results, config)

    def observe(self, worlds: Worlds) -> None:
        """Note what the rehearsal really was, while it is still there."""
        if not self.options.only_collects:
            self.observed = {"bot": worlds.observed_bot()}
            self._take_calls(worlds.real_calls())
            if self.permit.drills and self.options.deployment is not None:
                from pytest_kraken_golive.rehearsal.in_place_runner import state_of  # noqa: PLC0415 - only when used

                self.observed["left"] = state_of(self.options.deployment)
            worlds.keep_run(self.options.report_dir)

    def _take_calls(self, calls: Mapping[str, Mapping[str, int]]) -> None:
        """What real exchanges answered one of the run's processes."""
        for url, by_endpoint in calls.items():
            self._real_calls.setdefault(url, Counter()).update(by_endpoint)

    def sweep(self, credentials: Redactor, config: pytest.Config) -> bool:
        """Look through all that the run has written: a credential in it fails the line about leaks, or the run.

        Returns:
            Whether the verdict must be drawn again.
        """
        options = (getattr(config.option, name, None) for name in ("xmlpath", "log_file", "allure_report_dir"))
        places = [self.options.report_dir, *(Path(place) for place in options if place)]
        try:
            leaks = Sweep(credentials).below(dict.fromkeys(place.absolute() for place in places))
        except OSError as error:
            self.ledger.trouble(
                f"{error.filename} cannot be read ({error.strerror}), so nobody knows whether it holds a credential. "
                "Next: make it readable, and run again"
            )
            return True
        if leaks:
            leak = leaks[0]
            place = f"{self._shown(str(leak.path))}:{leak.line}" + (f" ({leak.packed})" if leak.packed else "")
            self.ledger.fail_at_the_end(
                "no_secret_leaks",
                f"{place}: holds a credential; {len(leaks)} of the files that this run wrote do. Next: delete them, "
                "revoke the key if it is a real one, and mask what was written there.",
            )
        return bool(leaks)

    def conclude(self, pytests_status: int, config: pytest.Config) -> tuple[dict[str, Any], int]:
        """Decide, once nothing more can be reported: the verdict document, and the exit status."""
        self._compare(self._digest(), "during the run")
        self._distrust(patched())
        if pytests_status == pytest.ExitCode.INTERRUPTED:
            left = self.observed.get("left")
            state = "" if left is None else f"; the deployment was left like this: {left}"
            self.ledger.trouble(f"the run was interrupted{state}")
        elif pytests_status == pytest.ExitCode.INTERNAL_ERROR:
            self.ledger.trouble("pytest ended with an internal error")
        results = self.ledger.results()
        for end in ended(results, dt.datetime.now(dt.UTC), dt.timedelta(hours=self.policy.sign_off.max_age_h)):
            self.ledger.trouble(end)
        verdict = self._hinting(decide(results, self.ledger.troubles), config)
        if verdict.decision is Decision.GO and (
            pytests_status != pytest.ExitCode.OK or self.tests_failed != self.ledger.failed_reports
        ):
            self.ledger.trouble(
                f"pytest ended with exit status {pytests_status} although every line is good: another plugin or "
                "a conftest found fault. Next: look at what pytest printed above"
            )
            verdict = decide(results, self.ledger.troubles)
        return self._document(verdict, results, config), exit_status(verdict.decision, pytests_status)

    def excuses(self, tests_failed: int) -> bool:
        """Whether these failures are all of lines that a waiver excuses.

        Args:
            tests_failed: how many pytest has counted.
        """
        results = self.ledger.results()
        return (
            tests_failed == self.ledger.failed_reports
            and any(line.outcome is Outcome.WAIVED for line in results)
            and decide(results, self.ledger.troubles).decision is not Decision.NO_GO
        )

    def _hinting(self, verdict: Verdict, config: pytest.Config) -> Verdict:
        """An ini file's `addopts = tests` hides the runbooks as a path on the command line does, and unseen."""
        given = config.args_source is pytest.Config.ArgsSource.ARGS
        if verdict.decision is not Decision.INCOMPLETE or not given:
            return verdict
        hint = f"{verdict.reason}; pytest was told to look at {' '.join(config.args)} (command line or addopts)"
        return replace(verdict, reason=hint)

    @property
    def scope_name(self) -> str:
        """The scope in the words of the verdict line."""
        return scope_name(self.options.deployment, self.options.kraken, self._real_calls)

    def _document(self, verdict: Verdict, results: list[LineResult], config: pytest.Config) -> dict[str, Any]:
        now = dt.datetime.now(dt.UTC)
        scope = {**self._scope(config), **self.observed}
        scope["sign_off_lacks"] = lacking(
            verdict.decision,
            scope,
            stages=self.plan.stages,
            hosts=self.hosts,
            issuers=self.policy.licence.issuer_keys,
            policy_root=self.options.rootdir,
            deployment=self.options.deployment,
            plugins=self._local_plugins.union(local_plugins(config)),
        )
        in_force = self.ledger.waivers
        ends = [now + dt.timedelta(hours=self.policy.verdict_valid_h)]
        ends += [one.waiver.expires_at for one in results if one.waiver is not None]
        signed = [dt.datetime.fromisoformat(sign["signed_at"]) for one in results for sign in one.signatures]
        ends += [at + dt.timedelta(hours=self.policy.sign_off.max_age_h) for at in signed]
        return verdict_document(
            run_id=self.run_id,
            verdict=verdict,
            results=results,
            troubles=self.ledger.troubles,
            warnings=unused(in_force, (one.id for one in results if one.outcome is Outcome.PASSED)),
            waivers=in_force.values(),
            runbooks=self.plan.runbooks,
            production_signoff=not scope["sign_off_lacks"],
            scope=scope,
            started_at=self.started_at,
            finished_at=now,
            valid_until=min(ends),
            git=git_state(self.options.rootdir),
        )

    def _scope(self, config: pytest.Config) -> dict[str, Any]:
        checks = {one.check.name: one.check for one in self.plan.lines.values() if one.check}
        return {
            "name": self.scope_name,
            "deployment": "rehearsal" if self.options.deployment is None else str(self.options.deployment),
            "exchange": self.options.kraken,
            **exchange_scope(self.permit, self._real_calls),
            "hosts": self.hosts,
            "recordings": self.ledger.recordings(),
            "overridden_fixtures": {name: self._shown(file) for name, file in self.overridden.items()},
            "own_checks": sorted(name for name, check in checks.items() if not is_stock(check)),
            "replaced_checks": sorted(name for name, check in checks.items() if check.replaces),
            "not_asked": not_asked(
                self.plan.stages, [(one.id, one.check.name) for one in self.plan.lines.values() if one.check]
            ),
            "unproven_checks": sorted(name for name, check in checks.items() if not check.breaks),
            "arguments": [str(word) for word in config.invocation_params.args],
            "addopts": [*config.getini("addopts"), *os.environ.get("PYTEST_ADDOPTS", "").split()],
            "plugins": sorted(self._plugins.union(plugins_of(config))),
            "allure_results": self._allure(config),
            "digests": {self._shown(path): digest for path, digest in self._digests.items()},
        }

    def _allure(self, config: pytest.Config) -> str | None:
        """Where results for Allure go; None where allure-pytest is switched off."""
        place = getattr(config.option, "allure_report_dir", None)
        return self._shown(os.path.abspath(place)) if place else None

    def _shown(self, path: str) -> str:
        root = self.options.rootdir
        return Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path


def last_line(document: dict[str, Any], file: Path, started_in: Path) -> str:
    """The verdict in one line."""
    sign = {"GO": "✔", "NO-GO": "✘"}.get(document["verdict"], "…")
    reason = document["reason"].split("\n", 1)[0]
    if document["blockers"] and not document["troubles"]:
        reason = reason.rpartition(" Next: ")[0] or reason  # its line's message has been told above
    files = (file.with_name(PAGE), file)  # what people open, and what programs read
    shown = ", ".join(str(one.relative_to(started_in) if one.is_relative_to(started_in) else one) for one in files)
    scope = document["scope"]["name"] if document["scope"] else "scope unknown"
    return f"{sign} {document['verdict']} ({scope}): {reason}  [{shown}]"


def worker_output(session: pytest.Session) -> dict[str, Any]:
    """What a worker hands over at its end."""
    side: Any = session.config.pluginmanager.get_plugin("golive-xdist")
    output: dict[str, Any] = side.seen(session)
    return output
