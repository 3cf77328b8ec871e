"""What Streamlit runs anew for each visitor and each click: `app.py RUNTIME_YAML`."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_kraken_golive.dashboard.page import exchanges_page

exchanges_page(Path(sys.argv[1]))
