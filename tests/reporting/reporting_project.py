"""The gate's test project for this folder's tests. Test modules name this file in `pytest_plugins`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gate"))

pytest_plugins = ["golive_project"]
