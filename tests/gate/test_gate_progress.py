"""A long run says how far it is: in a live line on a terminal, in rows elsewhere; pytest's own output is as ever."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from accepted import accept_all

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

SLOW = """
import time


@check("takes")
def takes(evidence: Evidence, *, seconds: float) -> None:
    evidence.record("test", seconds)
    time.sleep(seconds)
"""
LIVE = re.compile(r"\x1b\[J\n([^\n]*?)\x1b\[A\x1b\[\d+G")


@pytest.fixture
def slow(project: Project) -> Project:
    project.conftest(SLOW)
    lines = [f"Line {n}. <!-- golive: {{id: {n}, check: takes, seconds: {s}}} -->" for n, s in (("a", 2.1), ("b", 0))]
    last = "Line c. <!-- golive: {id: c, check: takes, seconds: 0} -->"
    project.write(
        "config/runbooks/x.md", f"# Small\n\n## First\n\n- {lines[0]}\n- {lines[1]}\n\n## Second\n\n- {last}\n"
    )
    return project


def test_rows_where_there_is_no_terminal(slow: Project) -> None:
    first = slow.gate()
    first.require("GO", 0)
    assert "\n  First  2/2 · 2 of 3 lines\n" in first.out
    assert "\x1b" not in first.out
    again = slow.gate("-n", "2")
    again.require("GO", 0)
    assert re.search(r"\n  First  2/2 · [23] of 3 lines( · now c)?\n", again.out), again.out
    assert slow.gate("-q").out.count("of 3 lines") == 0


def on_a_terminal(project: Project, *arguments: str) -> str:
    """What a terminal of 80 columns gets."""
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    accept_all(project.root)
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    for name in ("PY_COLORS", "NO_COLOR", "FORCE_COLOR", "CI"):
        environ.pop(name, None)
    words = [sys.executable, "-m", "pytest", "--golive", *arguments]
    with subprocess.Popen(words, cwd=project.root, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as run:
        os.close(theirs)
        got = b""
        try:
            while piece := os.read(ours, 4096):
                got += piece
        except OSError:  # the other end is gone
            pass
        assert run.wait(60) == 0, got.decode(errors="replace")
    os.close(ours)
    return got.decode().replace("\r\n", "\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_live_line_on_a_terminal_that_leaves_nothing_behind(slow: Project, workers: tuple[str, ...]) -> None:
    shown = on_a_terminal(slow, *workers)
    live = LIVE.findall(shown)
    assert any(text.startswith("  First  ") and " of 3 lines" in text for text in live), shown
    assert all(len(text) < 80 for text in live)
    rest = LIVE.sub("", shown)
    assert " of 3 lines" not in rest
    # Each live line is erased before anything else is written: what follows one is only another, or its eraser.
    after = [shown[found.end() :] for found in LIVE.finditer(shown)]
    assert [text[:40] for text in after if not text.startswith("\x1b[J")] == []
    plain = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", rest)
    assert re.search(r"\n(config/runbooks/x\.md )?\.\.\. +\[100%\]\n", plain), plain


def test_others_may_write_in_between(slow: Project) -> None:
    assert LIVE.findall(on_a_terminal(slow, "-s")) == []
