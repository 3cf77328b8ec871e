"""What the sieve holds back holds no secret; and it holds back the lines of a log."""

from __future__ import annotations

import base64
import gzip
import itertools
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive import sweep
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sieve import Sieve
from pytest_kraken_golive.sweep import Sweep

SECRET = base64.b64encode(bytes(range(7, 49))).decode()
SHORT = "Pa55w0rd"
REDACTOR = Redactor([SECRET, SHORT])
STRETCH = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\s+[A-Za-z0-9+/_-]{4,})*={0,2}")
BREAKS = ["=\n", "=\r\n", "=\rodd, really \n", "\\\n", "\\\r\n  ", "\\\n \\ ", "\n  ", "\0", "="]
NOISE = ["x", " ", "\n", "\r\n", '"', "=", "==", "=4", "\\", "\\n", "\0", ".", "\xa0", "\u2003", "\xe9", "word" * 4,
         "wo" * 20, "abcd", "2026-11-20T09:31:05+0000 INFO queue=kraken_spot waited=0.123456789012345s"]  # fmt: skip


@st.composite
def spread_secrets(draw: st.DrawFn) -> str:
    """Something like a secret, which may be in one piece, or written as a mail has it, or broken anywhere."""
    secret = draw(st.sampled_from([SECRET, SHORT, SECRET.encode().hex(), base64.b64encode(SECRET.encode()).decode()]))
    places = draw(st.lists(st.integers(0, len(secret)), max_size=3))
    how = draw(st.sampled_from([*BREAKS, "quoted"]))
    if how == "quoted":
        return "".join(f"={ord(char):02X}" if at in places else char for at, char in enumerate(secret))
    if how == "\0" and draw(st.booleans()):
        return "".join(char + "\0" for char in secret)
    cuts = sorted({0, len(secret), *places})
    return how.join(secret[start:end] for start, end in itertools.pairwise(cuts))


TEXTS = st.lists(st.sampled_from(NOISE) | spread_secrets(), max_size=12).map("".join)


def holds(text: str) -> bool:
    """The same as the sweep says, without a sieve."""
    ways = (text, *(joined(text) for joined in sweep._JOINED))
    return any(REDACTOR.place_in(way) is not None for way in ways)


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_what_is_held_back_holds_no_secret(text: str) -> None:
    sieve = Sieve(REDACTOR.anchors)
    assert sieve.may_hold(text) or not holds(text)


@pytest.mark.parametrize("how", BREAKS)
def test_a_secret_that_is_broken_somewhere_is_let_through(how: str) -> None:
    sieve = Sieve(Redactor([SECRET]).anchors)
    broken = [f". {SECRET[:cut]}{how}{SECRET[cut:]} ." for cut in range(1, len(SECRET))]
    found = [text for text in broken if holds(text)]
    assert found or how in {"=", "\n  ", "\\\n \\ "}, "these leave something between"
    assert all(map(sieve.may_hold, found))


@given(st.lists(st.sampled_from(NOISE) | st.from_regex(r"\A[A-Za-z0-9+/_-]{3,40}={0,2}\Z"), max_size=25).map("".join))
@settings(max_examples=150, deadline=None)
def test_every_stretch_that_is_long_enough_is_let_through(text: str) -> None:
    sieve = Sieve(["K" * 12 + "abcdefgh12345"])
    needed = len(sieve._needed)
    assert 20 <= needed <= 34
    all_of_them = {found.span(): re.sub(r"[\s=]", "", found[0]) for found in STRETCH.finditer(text)}
    stretches = {found.span() for found in sieve.stretches(text)}
    assert {span for span, digits in all_of_them.items() if len(digits) >= needed} <= stretches <= all_of_them.keys()
    assert sieve.may_be_packed(text) or not stretches


@pytest.mark.parametrize("secret", [SECRET, "x" * 40, "ab" * 15, SHORT])
@pytest.mark.parametrize("times", [1, 2])
def test_no_packed_secret_is_too_short(secret: str, times: int) -> None:
    sieve = Sieve(Redactor([secret]).anchors)
    for raw in (secret.encode(), gzip.compress(secret.encode(), mtime=0)):
        packed = raw
        for _ in range(times):
            packed = base64.b64encode(packed)
        text = f'"{packed.decode()}"'
        if len(packed) >= 16:
            assert sieve.may_be_packed(text)
            assert list(sieve.stretches(text))


def test_lines_of_a_log_are_held_back() -> None:
    sieve = Sieve(Redactor([SECRET]).anchors)
    json_line = '{"event": "io_rate_limit_wait", "waited": 0.12345678901234567, "to": "io_rate_limit_wait for it"}'
    line = f"{NOISE[-1]}\n{json_line}\n"
    assert not sieve.may_hold(line * 100)
    assert not sieve.may_be_packed(line * 100)


@given(
    before=st.integers(0, 700), noise=st.lists(st.sampled_from(NOISE), max_size=6).map("".join), packed=st.booleans()
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
def test_the_ends_of_pieces_hide_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, noise: str, packed: bool
) -> None:
    monkeypatch.setattr(sweep, "PIECE", 300)
    monkeypatch.setattr(sweep, "OVERLAP", 200)
    path = tmp_path / "file"
    secret = base64.b64encode(gzip.compress(SECRET.encode())).decode() if packed else SECRET
    head = ("-" * 9 + "\n") * (before // 10)
    path.write_bytes((head + noise + "\n." + secret + "." + noise).encode("latin-1", "replace"))
    (leak,) = Sweep(Redactor([SECRET])).below([path])
    assert leak.line == 1 + (head + noise + "\n").count("\n")
