"""The dashboard's stop button, pressed while the live service trades."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("streamlit", reason="the extra dashboard is not installed")

from pytest_kraken_golive.dashboard.kit import OpenPage

if TYPE_CHECKING:
    from live_folder import LiveFolder

pytest_plugins = ["live_folder"]


def test_the_button_really_stops(live_folder: LiveFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in live_folder.environ().items():
        monkeypatch.setenv(name, text)
    deployed = live_folder.command("deploy")
    assert deployed.returncode == 0, deployed.stderr
    live_folder.wait(lambda: live_folder.events("order_fill"))
    page = OpenPage(live_folder.root / "config" / "runtime.yaml")
    page.ask_to_stop()
    look = page.confirm_stop()
    assert not look.crashes
    assert any("✔ STOPPED" in text and "open orders of its own: 0" in text for text in look.praise), look
    orders = live_folder.books()["orders"]
    assert not [one for one in orders if one["status"] in {"open", "pending"}]
    assert live_folder.events()[-1].type == "trading_suspended"
    drills = [json.loads(file.read_text(encoding="utf-8")) for file in live_folder.root.glob("**/drills/*.json")]
    assert "dashboard" in [one["by"] for one in drills if "by" in one]
