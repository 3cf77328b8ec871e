"""The version of what the embedded exchange answers, so that an older recording of it can be told to be stale."""

from __future__ import annotations

from typing import Final

BEHAVIOUR: Final = "1"
"""Raised by hand when answers change, which `tests/sandbox/test_sandbox_behaviour.py` notices."""
