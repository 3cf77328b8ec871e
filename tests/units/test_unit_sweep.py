"""The sweep finds a secret wherever it was left, and nothing where there is none."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import quopri
import shlex
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sweep import OVERLAP, PIECE, Leak, Sweep

SECRET = base64.b64encode(bytes(range(7, 71))).decode()


def twice(raw: bytes) -> bytes:
    return base64.b64encode(b"x " + base64.b64encode(b"y" + raw) + b" z")


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("first.txt", "nothing")
        file.writestr("inside.txt", content)
    return packed.getvalue()


WAYS: dict[str, Callable[[str], bytes]] = {
    "clear": lambda secret: f"a\nb {secret} c".encode(),
    "url": lambda secret: f"a\nk={quote(secret, safe='')}".encode(),
    "json": lambda secret: json.dumps({"a": 1, "b": {"c": secret}}, indent=0).encode(),
    "hex": lambda secret: f"x\n{secret.encode().hex()}".encode(),
    "base64": lambda secret: b"x\n" + base64.b64encode(b"ab" + secret.encode() + b"c"),
    "broken over lines": lambda secret: b"x: !!binary |\n" + base64.encodebytes(b"header " + secret.encode() * 2),
    "gzip": lambda secret: gzip.compress(f"a\nb {secret}".encode()),
    "gzip in Base64": lambda secret: yaml.safe_dump({"body": gzip.compress(f"a {secret}".encode())}).encode(),
    "gzip in gzip": lambda secret: base64.b64encode(gzip.compress(gzip.compress(f"a {secret}".encode()))),
    "Base64 in Base64 in Base64": lambda secret: twice(twice(b"ab" + secret.encode() + b"c") * 2),
    "Base64 in lines in JSON": lambda secret: json.dumps(
        {"a": base64.encodebytes(secret.encode() * 3).decode()}
    ).encode(),
    "UTF-16 that does not say so": lambda secret: f"a\n{secret}".encode("utf-16-be"),
    "UTF-16": lambda secret: f"a\n{secret}".encode("utf-16"),
    "across two pieces": lambda secret: b"\n" + b"-" * (PIECE - 20) + secret.encode() + b"-" * (OVERLAP * 2),
    "bzip2": lambda secret: bz2.compress(f"a\nb {secret}".encode()),
    "xz": lambda secret: lzma.compress(f"a\nb {secret}".encode()),
    "zip": lambda secret: zipped(f"a\nb {secret}".encode()),
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


odd_secrets = st.text(st.sampled_from("abcXYZ0189+/=%&\"'<>\\äöüß€ {}:,#"), min_size=16, max_size=90).filter(
    lambda text: text == text.strip() and sum(char.isalnum() for char in text) >= 12
)
FILES: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: f"a\n{text}\n".encode(),
    "Latin-1": lambda text: text.replace("€", "ü").encode("latin-1"),
    "JSON": lambda text: json.dumps({"a": {"b": text}}, indent=1).encode(),
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps([text], ensure_ascii=False)}).encode(),
    "YAML": lambda text: yaml.safe_dump({"a": {"b": f"said {text} and more of it"}}).encode(),
    "YAML as it is": lambda text: yaml.safe_dump({"a": [f"said {text}"]}, allow_unicode=True).encode(),
    "YAML in single quotes": lambda text: yaml.safe_dump({"a": text}, default_style="'", allow_unicode=True).encode(),
    "YAML in double quotes": lambda text: yaml.safe_dump({"a": text}, default_style='"').encode(),
    "XML": lambda text: ElementTree.tostring(element(text)),
    "HTML": lambda text: html.escape(text).encode(),
    "CSV": lambda text: ",".join(f'"{one}"' for one in ("a", text.replace('"', '""'))).encode(),
    "a shell": lambda text: shlex.join(["run", f"--key={text}"]).encode(),
    "a mail": lambda text: quopri.encodestring(text.encode()),
    "repr": lambda text: repr([text]).encode(),
    "ascii": lambda text: ascii(text).encode(),
    "a form": lambda text: urlencode({"a": text}).encode(),
    "Base64": lambda text: base64.b64encode(f"a{text}".encode()),
    "Base64 in Base64": lambda text: twice(text.encode()),
    "gzip": lambda text: gzip.compress(text.encode()),
}


def element(text: str) -> ElementTree.Element:
    made = ElementTree.Element("a", b=text)
    made.text = text
    return made


@given(odd_secrets, st.sampled_from(sorted(FILES)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
def test_an_odd_secret_is_found_however_it_was_written(tmp_path: Path, secret: str, way: str) -> None:
    secret = secret.replace("€", "ü") if way == "Latin-1" else secret
    path = tmp_path / "file"
    path.write_bytes(FILES[way](secret))
    assert len(Sweep(Redactor([secret])).below([path])) == 1


def test_a_file_may_be_named_by_a_secret(tmp_path: Path) -> None:
    (tmp_path / SECRET.replace("/", "_")).write_text("", encoding="utf-8")
    (leak,) = Sweep(Redactor([SECRET.replace("/", "_")])).below([tmp_path])
    assert leak.packed == "its name"


def test_the_line_is_named_where_a_secret_goes_over_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text('a: 1\nb: "one two\\\n  \\ three four five"\nc: 2\n', encoding="utf-8")
    assert Sweep(Redactor(["two three four"])).below([path]) == [Leak(path, 3)]
