"""Proof by software that is not ours: each foreign client trades a session on a freshly started sandbox.

Run by `make test-clients` with the project's interpreter; the clients live in an environment of their own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
CLIENTS = ("krakenex", "kraken_sdk", "ccxt")
_START_S = 30
_SESSION_S = 120


def run(client: str, python: str, folder: Path) -> bool:
    """Run a client's session on a sandbox of its own; whether every step went well."""
    ready = folder / f"{client}.json"
    command = [
        "sandbox",
        "--port",
        "0",
        "--seed",
        "7",
        "--no-limits",
        "--latency-s",
        "0.002",
        "--ready-file",
        str(ready),
    ]
    log = folder / f"{client}.log"
    with log.open("wb") as said:
        sandbox = subprocess.Popen(
            [sys.executable, "-m", "pytest_kraken_golive.cli", *command], stdout=said, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + _START_S
        while not ready.exists():
            if sandbox.poll() is not None or time.monotonic() > until:
                print(f"  the sandbox did not start:\n{log.read_text(encoding='utf-8')}")
                return False
            time.sleep(0.05)
        session = [python, str(HERE / f"session_{client}.py"), str(ready)]
        return subprocess.run(session, timeout=_SESSION_S, check=False).returncode == 0
    finally:
        sandbox.terminate()
        sandbox.wait(_START_S)


def main() -> int:
    """Run all clients, or those that are named after the interpreter; 0 if all sessions went well."""
    python, *chosen = sys.argv[1:]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for client in chosen or CLIENTS:
            print(client, flush=True)
            if not run(client, python, Path(folder)):
                failed.append(client)
    print(f"NOT OK: {', '.join(failed)}" if failed else "all foreign clients traded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
