"""What the sessions of the foreign clients share: who is called where, and steps that go on after one has failed."""

from __future__ import annotations

import contextlib
import inspect
import json
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn


class Steps:
    """The steps of one session. Reads the sandbox's ready file, which is the program's only argument."""

    def __init__(self) -> None:
        ready = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
        self.url: str = ready["url"]
        self.key: str = ready["api_key"]
        self.secret: str = ready["api_secret"]
        self._admin_url: str = ready["admin_url"]
        self._admin_token: str = ready["admin_token"]

    def run(self, session: Callable[[Steps], object]) -> NoReturn:
        """Call every public method without parameters of a session in the order of its source; exit 0 if all went well.

        A step that fails is shown, and the next one is tried.
        """
        made = session(self)
        failed, done = [], 0
        for name, step in vars(type(made)).items():
            if name.startswith("_") or len(inspect.signature(step).parameters) != 1:
                continue
            try:
                step(made)
            except Exception as error:
                failed.append(name)
                print(f"  FAILED {name}: {type(error).__name__}: {error}")
                traceback.print_exc(limit=-2, file=sys.stdout)
            else:
                done += 1
        print(f"  {done} steps went well" + (f", failed: {', '.join(failed)}" if failed else ""))
        sys.exit(1 if failed else 0)

    def admin(self, verb: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Ask the admin port."""
        request = urllib.request.Request(
            self._admin_url + path,
            method=verb,
            data=None if fields is None else json.dumps(fields).encode(),
            headers={"X-Sandbox-Token": self._admin_token},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    @contextlib.contextmanager
    def fault(self, **fields: Any) -> Iterator[None]:
        """Have this fault installed, and nothing else."""
        self.admin("DELETE", "/faults")
        self.admin("POST", "/faults", fields)
        try:
            yield
        finally:
            self.admin("DELETE", "/faults")

    def finding(self, text: str) -> None:
        """Show what the client does in trouble; docs/sandbox.md records it."""
        print(f"  finding: {text}")


@contextlib.contextmanager
def raises(kind: type[Exception]) -> Iterator[None]:
    """Demand that the block raises this kind of exception; pytest is not in the clients' environment."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")
