"""Whether the extra `dashboard` is installed; nothing of it is imported to find out."""

from __future__ import annotations

import importlib.util

from ..contract import NotProven
from ..telemetry.trends import INSTALL

PACKAGES = ("streamlit", "duckdb")


def require_extra() -> None:
    """Do nothing if the extra is there.

    Raises:
        NotProven: it is not; names the install command.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise NotProven(
            f"extra dashboard: expected the packages {' and '.join(PACKAGES)}, found no {' and no '.join(missing)}. "
            f"Next: {INSTALL}."
        )
