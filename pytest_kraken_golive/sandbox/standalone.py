"""The exchange as a program of its own: `kraken-golive sandbox`.

It says where it is and with which key, in words on standard output and, if wanted, as JSON in a file that is there
for exactly as long as connections are accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from .admin import TOKEN_HEADER
from .exchange import Exchange
from .recording import pair_and_path, read_recording
from .server import Servers, build_servers
from .settings import BOT_PERMISSIONS, AccountSettings, SandboxSettings

_TICK_S = 0.005
_RIGHTS = [*BOT_PERMISSIONS, "query-ledger", "create-ws-token"]


def open_exchange(prices: Iterable[str] = (), **settings: Any) -> Exchange:
    """An exchange with one account, whose key may do everything but move money out.

    Args:
        prices: `[PAIR=]FILE` of recordings that it replays.
        **settings: of `SandboxSettings`.

    Raises:
        ValueError: a recording is unusable; the message says why.
    """
    exchange = Exchange(SandboxSettings(accounts=[AccountSettings(permissions=_RIGHTS)], **settings))
    for named in prices:
        exchange.replay(read_recording(*pair_and_path(named)))
    return exchange


def announcement(exchange: Exchange, servers: Servers) -> dict[str, str]:
    """What a client must know: `url`, `admin_url`, `api_key`, `api_secret` (of the first account), `admin_token`."""
    account = exchange.settings.accounts[0]
    return {
        "url": servers.url(exchange.settings.doors[0]),
        "admin_url": servers.admin_url,
        "api_key": account.api_key.get_secret_value(),
        "api_secret": account.api_secret.get_secret_value(),
        "admin_token": exchange.settings.admin_token.get_secret_value(),
    }


def run(
    exchange: Exchange,
    ports: Mapping[str, int] | None = None,
    ready_file: Path | None = None,
    say: Callable[[str], object] = print,
) -> None:
    """Serve the exchange until SIGINT or SIGTERM.

    Args:
        exchange: what is served.
        ports: port by door name or `admin`; 0 or absent takes a free one.
        ready_file: gets the `announcement` as JSON, readable by its owner alone, once connections are accepted.
        say: takes each line for the user.

    Raises:
        OSError: a port is taken, or the file cannot be written; the message says what to do.
    """
    # At the end it would tell which requests were cut off; that is no news to whoever ended it.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    servers = build_servers(exchange, ports)
    found = announcement(exchange, servers)
    if ready_file is not None:
        # Of an exchange that was killed; nobody is to take its word for this one's.
        with contextlib.suppress(OSError):
            ready_file.unlink()
    try:
        with _signals(servers):
            asyncio.run(_serve(servers, found, ready_file, say))
    finally:
        servers.close()


async def _serve(
    servers: Servers, found: Mapping[str, str], ready_file: Path | None, say: Callable[[str], object]
) -> None:
    serving = asyncio.create_task(servers.serve())
    try:
        while not (servers.started or serving.done()):
            await asyncio.sleep(_TICK_S)
        if not serving.done():
            with _ready(ready_file, found):
                _tell(found, say)
                await serving
    finally:
        servers.stop()
        await serving


def _tell(found: Mapping[str, str], say: Callable[[str], object]) -> None:
    say(f"url         {found['url']}")
    say(f"admin url   {found['admin_url']}  (header {TOKEN_HEADER}: {found['admin_token']})")
    say(f"api key     {found['api_key']}")
    say(f"api secret  {found['api_secret']}")
    say("keys and money are invented and live as long as this process; Ctrl-C ends it")
    say("ready")


@contextlib.contextmanager
def _signals(servers: Servers) -> Iterator[None]:
    """Let Ctrl-C, Ctrl-Break and SIGTERM end the serving instead of the process."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        servers.stop()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _ready(path: Path | None, found: Mapping[str, str]) -> Iterator[None]:
    """Have the file there, whole from the first moment, until the end."""
    if path is None:
        yield
        return
    text = json.dumps({**found, "pid": os.getpid()}, indent=1)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
                target.write(text)
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(
            error.errno, f"ready file {path} cannot be written ({error.strerror}). Next: name one in a writable folder"
        ) from None
    try:
        yield
    finally:
        # Another exchange may have put its own file there since; that one is not ours to remove.
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()
