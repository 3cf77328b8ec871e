"""`python -m pytest_kraken_golive.bot`."""

from __future__ import annotations

import sys

from pytest_kraken_golive.bot.main import main

if __name__ == "__main__":
    sys.exit(main())
