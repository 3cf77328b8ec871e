"""The check that stands in the conftest of every new project, as an example to copy."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_is_word_for_word_the_guides() -> None:
    """So its break is noticed where the guide's is; the guide may say more, in a docstring."""
    stock = (
        (ROOT / "conftest.py").read_text(encoding="utf-8").split("::\n\n", 1)[1].split("with the runbook line", 1)[0]
    )
    guide = (ROOT / "docs/your-own-parts.md").read_text(encoding="utf-8").split("```python\n", 1)[1].split("```", 1)[0]
    told = [line for line in guide.splitlines() if line and '"""' not in line]
    assert [line for line in dedent(stock).splitlines() if line] == told
