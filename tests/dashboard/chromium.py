"""A real headless Chromium, spoken to over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 60.0


class Tab:
    """The one tab of a browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self.hosts: set[str] = set()
        """Whom the page spoke to."""
        self.errors: list[str] = []
        """What its scripts threw."""
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._calls += 1
        self._connection.send(json.dumps({"id": self._calls, "method": method, "params": params}))
        while True:
            message = json.loads(self._connection.recv(timeout=PATIENCE_S))
            if message.get("id") == self._calls:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            url = urlsplit(params["request"]["url"])
            self.hosts.update({url.hostname} - {None} if url.scheme not in {"data", "blob"} else set())
        elif event["method"] == "Network.webSocketCreated":
            self.hosts.add(str(urlsplit(params["url"]).hostname))
        elif event["method"] == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))

    def show(self, url: str, *, width: int, height: int, scheme: str) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait_for(self, script: str) -> Any:
        until = time.monotonic() + PATIENCE_S
        while not (found := self.value(script)):
            assert time.monotonic() < until, f"{script} is not so; the page says: {self.text()}"
            time.sleep(0.1)
        return found

    def text(self) -> str:
        return str(self.value("document.body.innerText"))

    def click(self, label: str) -> None:
        button = f"[...document.querySelectorAll('button')].find(one => one.innerText.includes({json.dumps(label)}))"
        self.wait_for(f"{button} && !{button}.disabled")
        self.value(f"{button}.click()")

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Tab]:
    assert PROGRAM is not None
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
    words += ["--disable-background-networking", "--disable-dev-shm-usage", "--no-first-run", "--lang=en"]
    log = (folder / "chromium.log").open("wb")
    process = subprocess.Popen(
        [PROGRAM, *words, f"--user-data-dir={folder}", "about:blank"], stdout=log, stderr=log, cwd=folder
    )
    try:
        port = _port(folder / "DevToolsActivePort")
        tabs = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False).json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        with connect(address, max_size=None, proxy=None) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
        log.close()


def _port(file: Path) -> int:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if file.is_file() and (words := file.read_text().split()):
            return int(words[0])
        time.sleep(0.05)
    raise AssertionError("Chromium does not come up")
