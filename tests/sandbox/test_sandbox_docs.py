"""docs/sandbox.md tells the truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from pytest_kraken_golive.cli import sandbox
from pytest_kraken_golive.sandbox.endpoints_public import ENDPOINTS
from pytest_kraken_golive.sandbox.routes import PRIVATE_ENDPOINTS
from pytest_kraken_golive.sandbox.settings import FaultKind, FaultSettings, Status

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", TEXT))


def test_everything_that_can_be_asked_for_is_named() -> None:
    assert {*ENDPOINTS, *PRIVATE_ENDPOINTS} <= NAMED
    assert {*get_args(FaultKind), *get_args(Status)} <= NAMED
    assert set(FaultSettings.model_fields) - {"kind", "handled"} <= NAMED
    options = {option for parameter in sandbox.params for option in parameter.opts if option != "--help"}
    assert options <= {name.split()[0] for name in NAMED}


def test_its_examples_run() -> None:
    examples = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "docs/sandbox.md", "exec"), {})
