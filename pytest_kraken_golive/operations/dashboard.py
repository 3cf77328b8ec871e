"""`kraken-golive dashboard`: serve the page "Exchanges" until asked to end; nothing leaves this machine for it."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.dashboard.extra import require_extra

DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses: ended when asked to; could not serve; configuration or extra missing."""

_APP = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"


def serve(config: Path, address: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit status.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        address: IP address to listen at.
        port: 0 takes a free one.
        say: told what people should know.
    """
    config = config.absolute()
    try:
        require_extra()
        if not config.is_file():
            raise NotProven(f"{config}: expected a file, found none. Next: name runtime.yaml with --config.")
        local = ipaddress.ip_address(address).is_loopback
    except (NotProven, ValueError) as error:
        say(str(error) if isinstance(error, NotProven) else f"--address: {error}. Next: write 127.0.0.1, for example.")
        return WRONG
    try:
        port = _free_port(address, port)
    except OSError as error:
        say(f"{address}:{port}: expected a port that is free, found: {error.strerror}. Next: choose another --port.")
        return FAILED
    if not local:
        say(f"{address} is not this machine alone: whoever reaches it can press the stop button.")
    shown = f"[{address}]" if ":" in address else address
    say(f"Exchanges: http://{shown}:{port}  (Ctrl-C ends it)")
    _run(config, options(address, port, local=local))
    return DONE


def options(address: str, port: int, *, local: bool) -> dict[str, Any]:
    """Streamlit's options. They win over files and variables, so that none of these can make the page talk to others.

    Args:
        address: to listen at.
        port: to listen at.
        local: only this machine can reach the address: then requests must name it, which a web page that has its own
            name point to it (DNS rebinding) does not.
    """
    return {
        "server_address": address,
        "server_port": port,
        "server_headless": True,
        "server_enableCORS": True,
        "server_enableXsrfProtection": True,
        "server_allowedHosts": ["localhost", "127.0.0.1", "::1", "[::1]", address] if local else ["*"],
        "server_fileWatcherType": "none",
        "server_runOnSave": False,
        "server_enableStaticServing": False,
        "browser_serverAddress": address,
        "browser_serverPort": port,
        "browser_gatherUsageStats": False,
        "client_showErrorDetails": "none",
        "client_showErrorLinks": False,
        "client_toolbarMode": "minimal",
        "logger_hideWelcomeMessage": True,
        "logger_level": "warning",
        "global_developmentMode": False,
    }


def _free_port(address: str, port: int) -> int:
    """The port, or a free one for 0; Streamlit would only log that it is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # as the server does: a port whose last connections are fading is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return int(probe.getsockname()[1])


def _run(config: Path, chosen: dict[str, Any]) -> None:
    from streamlit import cli_util, net_util  # noqa: PLC0415 - an extra
    from streamlit.web import bootstrap  # noqa: PLC0415 - an extra

    # To tell whether a visitor's origin is its own, Streamlit asks a server on the internet for this machine's address.
    vars(net_util)["get_external_ip"] = lambda: None
    # Its farewell, said before it ends, would keep it from ending where nobody reads any more.
    vars(cli_util)["print_to_cli"] = lambda *_, **__: None
    logging.captureWarnings(True)
    bootstrap.load_config_options(flag_options=chosen)
    bootstrap.run(str(_APP), False, [str(config)], chosen)
