"""Takes orders of a load: the sandbox, or the same server with a constant answer; prints its port, ends with its input.

python order_server.py {sandbox|constant} ACCOUNTS
"""

from __future__ import annotations

import asyncio
import base64
import sys

from pytest_kraken_golive.sandbox import AccountSettings, Exchange, SandboxSettings
from pytest_kraken_golive.sandbox.app import Receive, Scope, Send
from pytest_kraken_golive.sandbox.server import asgi_server, bind, build_servers

ANSWER = b'{"error":[],"result":{"descr":{"order":"buy 0.00100000 XBTUSD @ market"},"txid":["OUF4EM-FRGI2-MQMWZD"]}}'
HEADERS = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-length", str(len(ANSWER)).encode()),
]


def key(number: int) -> tuple[str, str]:
    """Key and secret of an account; the load knows them too."""
    return f"bench{number}", base64.b64encode(f"{number:064}".encode()).decode()


def exchange(accounts: int) -> Exchange:
    """An exchange as anybody starts it, with all limits, and with accounts enough to stay below them."""
    made = []
    for number in range(accounts):
        api_key, api_secret = key(number)
        balances = dict.fromkeys(("ZUSD", "ZEUR", "XXBT", "XETH", "SOL"), 10**9)
        data = {"name": api_key, "api_key": api_key, "api_secret": api_secret, "balances": balances}
        made.append(AccountSettings.model_validate(data))
    return Exchange(SandboxSettings(seed=7, accounts=made))


async def constant(_scope: Scope, receive: Receive, send: Send) -> None:
    """Read a request and send the answer."""
    while (await receive()).get("more_body", False):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


async def main(kind: str, accounts: int) -> None:
    """Serve until standard input ends."""
    if kind == "constant":
        sock = bind(0)
        server = asgi_server(constant)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        print(sock.getsockname()[1], flush=True)
    else:
        servers = build_servers(exchange(accounts))
        serving = asyncio.create_task(servers.serve())
        print(servers.ports["main"], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
