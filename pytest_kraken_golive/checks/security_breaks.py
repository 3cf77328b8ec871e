"""Ways in which a secret gets out, and in which a signature is none."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any
from urllib.parse import quote

from pytest_kraken_golive.contract import sabotage


def _value(copy: Any, name: str) -> str:
    match = re.search(rf"^{name}=(.*)$", copy.read(".env"), re.MULTILINE)
    assert match is not None, name
    return match[1]


def _secret(copy: Any) -> str:
    return _value(copy, "KRAKEN_API_SECRET")


@sabotage("logs/service.log.1")
def secret_in_a_log(copy: Any) -> None:
    """A debug line that nobody took out."""
    copy.write("logs/service.log.1", f"INFO ok\nDEBUG client secret={_secret(copy)}\n")


@sabotage("(gzip)")
def secret_in_a_rotated_log(copy: Any) -> None:
    """Compressed is not hidden."""
    copy.write("logs/old.log.gz", gzip.compress(f"INFO a\nsecret={_secret(copy)}\n".encode()))


@sabotage("runtime/state.json:1")
def key_in_a_state_file(copy: Any) -> None:
    """The key identifies the account."""
    copy.write("runtime/state.json", json.dumps({"key": _value(copy, "KRAKEN_API_KEY")}))


@sabotage("reports/trace.txt:3")
def secret_in_a_url(copy: Any) -> None:
    """Escaped, as a request's trace shows it."""
    copy.write("reports/trace.txt", f"GET\n/x\n?s={quote(_secret(copy), safe='')}\n")


@sabotage("reports/dump.hex")
def secret_in_hex(copy: Any) -> None:
    """As a debugger shows bytes."""
    copy.write("reports/dump.hex", base64.b64decode(_secret(copy)).hex())


@sabotage("(Base64)")
def secret_in_a_packed_body(copy: Any) -> None:
    """A recorded answer, compressed and in Base64."""
    body = base64.b64encode(gzip.compress(f'{{"echo": "{_secret(copy)}"}}'.encode())).decode()
    copy.write("reports/cassette.yaml", f"body: |\n  {body}\n")


@sabotage("config/notes.yaml")
def secret_in_the_configuration(copy: Any) -> None:
    """Configuration is committed."""
    copy.write("config/notes.yaml", f"old_secret: {_secret(copy)}\n")


@sabotage("EAPI:Invalid signature")
def another_secret(copy: Any) -> None:
    """A secret of another key: well-formed, and wrong."""
    copy.set_variable("KRAKEN_API_SECRET", base64.b64encode(bytes(range(64))).decode())


@sabotage("EAPI:Invalid key")
def another_key(copy: Any) -> None:
    """A key that the exchange does not know."""
    copy.set_variable("KRAKEN_API_KEY", "A" * 56)


@sabotage("EAPI:Invalid signature")
def secret_signed_undecoded(copy: Any) -> None:
    """The secret's text encoded once more: what a signer that forgets to decode would sign with."""
    copy.set_variable("KRAKEN_API_SECRET", base64.b64encode(_secret(copy).encode()).decode())


@sabotage("KRAKEN_API_SECRET")
def no_secret(copy: Any) -> None:
    """Nothing to sign with."""
    copy.set_variable("KRAKEN_API_SECRET", None)


LEAKS = [
    secret_in_a_log,
    secret_in_a_rotated_log,
    key_in_a_state_file,
    secret_in_a_url,
    secret_in_hex,
    secret_in_a_packed_body,
    secret_in_the_configuration,
    no_secret,
]
SIGNATURES = [another_secret, another_key, secret_signed_undecoded, no_secret]
