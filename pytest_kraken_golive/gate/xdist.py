"""pytest-xdist: what must run in one process does, workers hand over what they saw, and a dead one is never forgotten.

Registered only where xdist is present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from pytest_kraken_golive.gate.digests import judged_files
from pytest_kraken_golive.gate.genuine import patched
from pytest_kraken_golive.gate.plan import Plan, PlannedLine
from pytest_kraken_golive.gate.real_scope import local_plugins
from pytest_kraken_golive.gate.scope import PACKAGE, HostWatch, around_lines, overridden_fixtures, plugins_of
from pytest_kraken_golive.signoff.digests import digest_files
from pytest_kraken_golive.stash import ENVIRONMENT, GATE, PLAN, QUIET, WORLDS

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

BATCH = 50
"""Lines that need no common process travel in batches: xdist looks each one up in a list."""


class LineScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist brings no types
    """Groups lines by what they share, other tests one by one.

    `config/runbooks/a.md::paper-run` and `…::summary-status` look at the same bot: both are in the scope `run:paper`.
    Lines that read files alone form batches.
    """

    def __init__(self, config: pytest.Config, log: Any, plan: Plan) -> None:
        super().__init__(config, log)
        self._scopes = {planned.id: _scope(planned, plan) for planned in plan.lines.values()}
        self._plan = plan

    def _split_scope(self, nodeid: str) -> str:
        planned = self._plan.line_of(nodeid.partition("[")[0])  # a line's breaks go where the line goes
        return nodeid if planned is None else self._scopes[planned.id]

    def remove_node(self, node: WorkerController) -> str | None:
        """Give a dead worker's lines to another one, except the line it died with."""
        for work_unit in self.assigned_work[node].values():
            died_with = next((nodeid for nodeid, done in work_unit.items() if not done), None)
            if died_with is not None:
                return self._without(node, work_unit, died_with)
        crashed: str | None = super().remove_node(node)
        return crashed

    def _without(self, node: WorkerController, work_unit: dict[str, bool], died_with: str) -> str | None:
        crashed: str | None = super().remove_node(node)
        work_unit[died_with] = True
        if all(work_unit.values()):
            for scope in [scope for scope, unit in self.workqueue.items() if unit is work_unit]:
                del self.workqueue[scope]
        return crashed


def _scope(planned: PlannedLine, plan: Plan) -> str:
    named = {name for other in plan.lines.values() if other.check for name in other.check.after}
    check = planned.check
    if planned.depends_on_run or (check is not None and (check.after or check.name in named)):
        return f"run:{planned.runbook.stage}"
    return f"files:{planned.order // BATCH}"


class WorkerSide:
    """What a worker keeps for its controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._watch = HostWatch()
        self._watch.start()
        plan = config.stash[PLAN]
        deployment = config.option.golive_deployment
        place = None if deployment is None else (config.invocation_params.dir / deployment).resolve()
        replayed = config.option.kraken == "replay"
        self._files = judged_files(config.rootpath, place, plan, config.stash[WORLDS].policy, cassettes=replayed)

    def seen(self, session: pytest.Session) -> dict[str, Any]:
        """Hosts, overridden fixtures and digests, in a form that travels."""
        return {
            "quiet": session.config.stash.get(QUIET, []),
            "hosts": sorted(self._watch.hosts),
            "real_calls": session.config.stash[WORLDS].real_calls(),
            "overridden": overridden_fixtures(session.items, PACKAGE) | around_lines(session.items, PACKAGE),
            "plugins": plugins_of(session.config),
            "local_plugins": local_plugins(session.config),
            "digests": digest_files(self._files),
            "patched": patched(),
        }


class ControllerSide:
    """What the controller does for its workers."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> LineScheduling:
        """Schedule lines by what they share, whatever `--dist` says."""
        return LineScheduling(config, log, config.stash[PLAN])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker what it must not find out for itself: where the exchange is, what the environment was."""
        node.workerinput["golive_worlds"] = self._config.stash[WORLDS].tickets()
        node.workerinput["golive_environment"] = self._config.stash[ENVIRONMENT].digests

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object | None) -> None:
        """Take over what a worker saw, or note that it died."""
        gate = self._config.stash[GATE]
        output = getattr(node, "workeroutput", None)
        if error or output is None or "golive" not in output:
            gate.ledger.trouble(f"worker {node.gateway.id} died; what it did is not known. Next: run everything again")
        else:
            gate.take_worker(output["golive"])
