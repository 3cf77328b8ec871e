"""The line `dashboard-page`: what it takes for a page, and what not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from watched import deployment, traded

from pytest_kraken_golive.checks.dashboard import dashboard_page, load_metrics, require_comparison, require_page
from pytest_kraken_golive.contract import Break, Evidence, Fault, NotProven
from pytest_kraken_golive.dashboard import extra
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.policy import Policy


class Files:
    """What a break may do."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, file: str) -> str:
        return (self._root / file).read_text(encoding="utf-8")

    def write(self, file: str, content: str) -> None:
        (self._root / file).write_text(content, encoding="utf-8")

    def remove(self, file: str) -> None:
        (self._root / file).unlink()


@pytest.fixture
def watched(tmp_path: Path) -> Deployment:
    now = time.time()
    deployment(tmp_path, now, traded("kraken", 60, now - 3700))
    return Deployment(tmp_path)


def test_a_page_that_compares(watched: Deployment) -> None:
    pytest.importorskip("streamlit")
    evidence = Evidence()
    dashboard_page(watched, Policy(), watched.root, evidence)
    seen = {record.key: record.value for record in evidence.records}
    assert seen["title"] == "Exchanges"
    assert seen["kraken.Success rate"] == "✔ 100.00 %"
    assert seen["/_stcore/health"] == "ok"
    assert seen["listens at"] == ["127.0.0.1"]
    assert seen["after its end"] == {"processes": [], "answers": False}


def look(root: Path) -> dict[str, Any]:
    """What the page says, without a process of its own."""
    from dataclasses import asdict  # noqa: PLC0415

    from pytest_kraken_golive.dashboard.kit import OpenPage  # noqa: PLC0415

    return asdict(OpenPage(root / "config" / "runtime.yaml").look())


@pytest.mark.parametrize("sabotage", dashboard_page.breaks, ids=lambda one: one.name)
def test_each_break_shows(watched: Deployment, sabotage: Break) -> None:
    pytest.importorskip("streamlit")
    sabotage.apply(Files(watched.root), {})
    with pytest.raises((NotProven, Fault, AssertionError)) as caught:
        require_comparison(look(watched.root), load_metrics(watched), {"kraken": "kraken_spot"}, Evidence())
    assert sabotage.expect in str(caught.value)


def test_a_page_that_shows_something_else(watched: Deployment) -> None:
    pytest.importorskip("streamlit")
    shown = look(watched.root)
    metrics = load_metrics(watched)
    require_comparison(shown, metrics, {"kraken": "kraken_spot"}, Evidence())
    for name, wrong in (("Success rate (filled of ended orders)", "✔ 99.99 %"), ("Order latency p95", "✔ 81.0 ms")):
        figures = {"kraken": {**shown["figures"]["kraken"], name: wrong}}
        with pytest.raises(AssertionError, match="expected the page to show"):
            require_comparison({**shown, "figures": figures}, metrics, {"kraken": "kraken_spot"}, Evidence())
        del figures["kraken"][name]
        with pytest.raises(AssertionError, match="found no such figure"):
            require_comparison({**shown, "figures": figures}, metrics, {"kraken": "kraken_spot"}, Evidence())


@pytest.mark.parametrize("change", [{"crashes": ["KeyError"]}, {"title": "Home"}, {"buttons": ["Refresh"]}])
def test_a_page_that_is_none(change: dict[str, Any]) -> None:
    good = {"title": "Exchanges", "alerts": [], "crashes": [], "buttons": ["Stop trading …"]}
    require_page(good, "Exchanges", Evidence())
    with pytest.raises(AssertionError):
        require_page({**good, **change}, "Exchanges", Evidence())


def test_without_the_extra_it_is_not_proven(watched: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "PACKAGES", ("streamlit", "no_such_package_xyz"))
    with pytest.raises(NotProven, match=r"pip install 'pytest-kraken-golive\[dashboard\]'"):
        dashboard_page(watched, Policy(), watched.root, Evidence())


def test_nothing_of_the_extra_is_imported_before_it_is_asked_for() -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    script = "import sys, pytest_kraken_golive.cli, pytest_kraken_golive.checks.dashboard as d; "
    script += "assert not {'streamlit', 'duckdb', 'pandas', 'altair'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
