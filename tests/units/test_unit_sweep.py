"""The sweep finds a secret wherever it was left, and nothing where there is none."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sweep import OVERLAP, PIECE, Leak, Sweep

SECRET = base64.b64encode(bytes(range(7, 71))).decode()

WAYS: dict[str, Callable[[str], bytes]] = {
    "clear": lambda secret: f"a\nb {secret} c".encode(),
    "url": lambda secret: f"a\nk={quote(secret, safe='')}".encode(),
    "json": lambda secret: json.dumps({"a": 1, "b": {"c": secret}}, indent=0).encode(),
    "hex": lambda secret: f"x\n{secret.encode().hex()}".encode(),
    "base64": lambda secret: b"x\n" + base64.b64encode(b"ab" + secret.encode() + b"c"),
    "broken over lines": lambda secret: b"x: !!binary |\n" + base64.encodebytes(b"header " + secret.encode() * 2),
    "gzip": lambda secret: gzip.compress(f"a\nb {secret}".encode()),
    "gzip in Base64": lambda secret: yaml.safe_dump({"body": gzip.compress(f"a {secret}".encode())}).encode(),
    "UTF-16": lambda secret: f"a\n{secret}".encode("utf-16"),
    "across two pieces": lambda secret: b"\n" + b"-" * (PIECE - 20) + secret.encode() + b"-" * (OVERLAP * 2),
    "after a torn end": lambda secret: gzip.compress(f"a\n{secret}\n".encode() + bytes(range(256)) * 999)[:-20],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found(way: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    path.parent.mkdir()
    path.write_bytes(WAYS[way](SECRET))
    (leak,) = Sweep(Redactor([SECRET])).below([tmp_path])
    assert leak.path == path
    assert SECRET not in str(leak)


def test_the_line_and_the_wrapping_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(b"x\n" * (PIECE + 7) + SECRET.encode()))
    assert Sweep(Redactor([SECRET])).below([path]) == [Leak(path, PIECE + 8, "gzip")]


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    sweep = Sweep(Redactor([SECRET]))
    with pytest.raises(OSError, match="nothing"):
        sweep.look_at(tmp_path / "nothing")


@given(st.binary(max_size=3000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_whatever_is_in_a_file_it_is_read_to_its_end(tmp_path: Path, noise: bytes) -> None:
    path = tmp_path / "noise"
    path.write_bytes(noise)
    sweep = Sweep(Redactor([SECRET]))
    assert sweep.below([path]) == []
    path.write_bytes(noise + b"\n" + SECRET.encode())
    assert len(sweep.below([path])) == 1
    assert sweep.files == 2
