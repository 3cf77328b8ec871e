"""Plugins that have nothing to say at the end of a run, and would take their time to say it."""

from __future__ import annotations

import sys

import pytest

HYPOTHESIS = "hypothesispytest"
"""The name under which Hypothesis registers its plugin."""


def dismiss_idle(config: pytest.Config) -> None:
    """Let Hypothesis's plugin write no summary where nobody has used Hypothesis.

    For that summary it imports all of Hypothesis, which costs a second. To be called when all tests have run.
    """
    if "hypothesis" not in sys.modules and config.pluginmanager.hasplugin(HYPOTHESIS):
        config.pluginmanager.unregister(name=HYPOTHESIS)
