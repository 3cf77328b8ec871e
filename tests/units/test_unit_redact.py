"""No known secret comes out in any form, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import string
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_kraken_golive.fragments import SHORTEST_FRAGMENT
from pytest_kraken_golive.redact import MASK, Redactor

KEY = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
"""The secret of Kraken's published signature example: invented, and shaped as theirs are."""


def lower_escapes(secret: str) -> str:
    quoted = urllib.parse.quote(secret, safe="")
    return "".join(part.lower() if part.startswith("%") else part for part in split_escapes(quoted))


def split_escapes(quoted: str) -> list[str]:
    head, *rest = quoted.split("%")
    return [head, *(part for piece in rest for part in (f"%{piece[:2]}", piece[2:]))]


FORMS: dict[str, Callable[[str], str]] = {
    "clear": str,
    "quoted": urllib.parse.quote,
    "quoted-entirely": lambda secret: urllib.parse.quote(secret, safe=""),
    "quoted-plus": urllib.parse.quote_plus,
    "quoted-in-lower-case": lower_escapes,
    "form": lambda secret: urllib.parse.urlencode({"field": secret}),
    "httpx-query": lambda secret: str(httpx.URL("http://127.0.0.1/", params={"field": secret})),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64-unpadded": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "base64-urlsafe": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "hex": lambda secret: secret.encode().hex(),
    "hex-upper": lambda secret: secret.encode().hex().upper(),
    "json": lambda secret: json.dumps({"field": secret}),
    "repr": lambda secret: repr({"field": secret}),
}

DECODED: dict[str, Callable[[bytes], str]] = {
    "decoded-hex": bytes.hex,
    "decoded-hex-upper": lambda raw: raw.hex().upper(),
    "decoded-urlsafe": lambda raw: base64.urlsafe_b64encode(raw).decode(),
    "decoded-urlsafe-unpadded": lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    "decoded-unpadded": lambda raw: base64.b64encode(raw).decode().rstrip("="),
}

FILLER = ".,; \n"
"""What a form is put between: nothing that a form is made of."""


def leaked(form: str, cleaned: str, most: int = 5) -> str | None:
    """A piece of the form that came through and is longer than `most`."""
    for start in range(len(form) - most):
        piece = form[start : start + most + 1]
        if piece in cleaned:
            return piece
    return None


@pytest.mark.parametrize("name", FORMS)
def test_no_form_of_a_kraken_secret_comes_out(name: str) -> None:
    form = FORMS[name](KEY)
    cleaned = Redactor([KEY]).text(f"before;{form};after")
    assert MASK in cleaned
    assert leaked(form.removeprefix("http://127.0.0.1/?").removeprefix("field="), cleaned.replace("field", "")) is None
    assert cleaned.startswith("before;")
    assert cleaned.endswith(";after")


NOTATIONS: dict[str, Callable[[str], str]] = {
    "json-in-json": lambda text: json.dumps(json.dumps(text)),
    "json-in-json-in-json": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "json-not-ascii": lambda text: json.dumps(text, ensure_ascii=False),
    "json-with-slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "html": html.escape,
    "quoted-twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "quoted-half": lambda text: urllib.parse.quote(text, safe="+"),
    "repr-of-repr": lambda text: repr(repr(text)),
    "ascii": ascii,
    "repr-of-bytes": lambda text: repr(text.encode()),
    "basic-auth": lambda text: base64.b64encode(f"key:{text}".encode()).decode(),
    "before": lambda text: base64.b64encode(f"{text}:x".encode()).decode(),
    "between": lambda text: base64.urlsafe_b64encode(f"12{text}:x".encode()).decode(),
}


@pytest.mark.parametrize(
    "secret",
    [KEY, 'pass"word\\one', "it's pässwörd/\\\\+", "p<w>&o\tn\ne \U0001f600 1", "\\\"/&\\\\'+ ", "\udcff\udcfe-bytes"],
)
@pytest.mark.parametrize("name", NOTATIONS)
def test_no_notation_of_a_notation_comes_out(secret: str, name: str) -> None:
    secret = secret.strip()
    try:
        form = NOTATIONS[name](secret)
    except UnicodeEncodeError:
        form = secret
    cleaned = Redactor([secret]).text(f"<{form}>")
    assert MASK in cleaned
    assert len(cleaned) < 40  # what is left belongs to what it was put between


def test_a_secret_that_overlaps_itself_leaves_no_rest() -> None:
    assert Redactor(["abcabcabc"]).text("x abcabcabcabc y") == f"x {MASK} y"


def test_what_ends_with_a_line_is_known_without_it() -> None:
    assert Redactor([f"{KEY}\n"]).text(f"a {KEY} b") == f"a {MASK} b"


def test_only_the_secret_is_masked() -> None:
    text = f"config/live.env:3 key={KEY}, found {KEY[:-2]}; Next: …"
    assert Redactor([KEY]).text(text) == f"config/live.env:3 key={MASK}, found {MASK}; Next: …"


@pytest.mark.parametrize("name", DECODED)
def test_no_form_of_a_kraken_secrets_bytes_comes_out(name: str) -> None:
    form = DECODED[name](base64.b64decode(KEY))
    cleaned = Redactor([KEY]).text(f"before;{form};after")
    assert leaked(form, cleaned) is None


@pytest.mark.parametrize(
    "secret", ['pass"word\\one', "pass'word", "pässwörd", "pass/word=one", "pass<word>&one", "a b c d e f"]
)
@pytest.mark.parametrize("name", FORMS)
def test_no_form_of_a_password_with_special_characters_comes_out(secret: str, name: str) -> None:
    form = FORMS[name](secret)
    assert form not in Redactor([secret]).text(f";{form};")


base64_secrets = st.binary(min_size=12, max_size=66).map(lambda raw: base64.b64encode(raw).decode())
token_secrets = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_.~+/="), min_size=8, max_size=40)
ENCODED = sorted(FORMS.keys() - {"quoted", "quoted-in-lower-case", "form", "httpx-query"})


@given(base64_secrets | token_secrets, st.sampled_from(ENCODED), st.text(st.sampled_from(FILLER), max_size=5))
def test_no_form_of_a_random_secret_survives(secret: str, name: str, around: str) -> None:
    form = FORMS[name](secret).removeprefix("field=")
    cleaned = Redactor([secret]).text(f"{around}{form}{around}")
    assert secret not in cleaned
    assert form not in cleaned


@given(base64_secrets, st.sampled_from(sorted(DECODED)))
def test_no_form_of_random_bytes_survives(secret: str, name: str) -> None:
    form = DECODED[name](base64.b64decode(secret))
    assert form not in Redactor([secret]).text(f"a {form} b")


@given(base64_secrets, st.text(max_size=60))
def test_ordinary_text_is_untouched(secret: str, text: str) -> None:
    redactor = Redactor([secret])
    assume(len(text) < len(secret))
    assert redactor.text(text) == text
    assert redactor.data({text: [text, 1, None, True, 1.5]}) == {text: [text, 1, None, True, 1.5]}


def test_without_secrets_everything_is_untouched() -> None:
    data = {"a": [1, "two", None]}
    assert Redactor().text("text") == "text"
    assert Redactor().data(data) == data


def test_secrets_come_out_of_data_at_any_depth_keys_included() -> None:
    redactor = Redactor([KEY])
    data: Any = {"a": [{"b": (f"x{KEY}", 3)}], f"k{KEY}": KEY, "n": 1.5, "none": None}
    assert redactor.data(data) == {"a": [{"b": [f"x{MASK}", 3]}], f"k{MASK}": MASK, "n": 1.5, "none": None}


def test_several_secrets_also_where_one_is_a_part_of_another() -> None:
    redactor = Redactor(["abcdefgh", "abcdefghijkl", "zzzzzzzz"])
    assert redactor.text("abcdefghijkl zzzzzzzz abcdefgh") == f"{MASK} {MASK} {MASK}"
    assert Redactor(["ijklmnop", "abcdefghijklmnopqrst"]).text("abcdefghijklmnopqrst") == MASK


def test_secrets_that_overlap_leave_no_rest() -> None:
    cleaned = Redactor(["abcdefgh", "efghijklmnopqrstuvwxyz"]).text("abcdefghijklmnopqrstuvwxyz")
    assert leaked("efghijklmnopqrstuvwxyz", cleaned) is None


def test_a_secret_learnt_later_is_masked_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.text(KEY) == KEY
    redactor.learn(KEY)
    assert redactor.text(KEY) == MASK


@pytest.mark.parametrize("short", ["", "a", "paper", "12345"])
def test_short_texts_are_not_taken_for_secrets(short: str) -> None:
    redactor = Redactor([short])
    assert redactor.text("a paper run of 12345") == "a paper run of 12345"


def test_an_empty_secret_masks_nothing() -> None:
    assert Redactor(["", "      "[:0]]).text("text") == "text"


@pytest.mark.parametrize(
    "name",
    [
        "KRAKEN_API_KEY",
        "KRAKEN_API_SECRET",
        "kraken_apikey",
        "GITHUB_TOKEN",
        "DB_PASSWORD",
        "X_PASSWD",
        "SIGNING_PRIVATE_KEY",
    ],
)
def test_variables_that_say_that_they_are_secret_are_masked(name: str) -> None:
    redactor = Redactor()
    redactor.learn_environment({name: "hunter2-hunter2", "HOME": "/home/someone"})
    assert redactor.text("hunter2-hunter2 in /home/someone") == f"{MASK} in /home/someone"


def test_a_redactor_does_not_show_what_it_knows() -> None:
    assert KEY not in repr(Redactor([KEY]))


SPELLINGS: dict[str, Callable[[str], str]] = {
    "clear": str,
    "url": lambda secret: urllib.parse.quote(secret, safe=""),
    "hex": lambda secret: secret.encode().hex(),
    "hex of its bytes": lambda secret: base64.b64decode(secret).hex().upper(),
    "Base64": lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
    "Base64 within a text": lambda secret: base64.b64encode(f"a{secret}".encode()).decode()[2:-4],
}


@given(st.binary(min_size=32, max_size=64), st.sampled_from(sorted(SPELLINGS)), st.data())
def test_no_longer_piece_of_a_secret_survives(raw: bytes, name: str, data: st.DataObject) -> None:
    secret = base64.b64encode(raw).decode()
    spelling = SPELLINGS[name](secret)
    start = data.draw(st.integers(0, len(spelling) - SHORTEST_FRAGMENT))
    end = data.draw(st.integers(start + SHORTEST_FRAGMENT, len(spelling)))
    before = data.draw(st.text(st.sampled_from(" :'\n|…"), max_size=13))
    shown = Redactor([secret]).text(f"{before}{spelling[start:end]}… (400 characters)")
    assert shown.startswith(before)
    left = shown.removeprefix(before).partition("…")[0]
    assert MASK in left
    assert len(left) < len(MASK) + SHORTEST_FRAGMENT


@given(st.binary(min_size=32, max_size=64), st.text(st.sampled_from(" :'\n|…"), max_size=9), st.integers(4, 60))
def test_a_text_of_many_pieces_keeps_none(raw: bytes, between: str, length: int) -> None:
    secret = base64.b64encode(raw).decode()
    shown = Redactor([secret]).text(between.join(secret[at : at + length] for at in range(0, 40, 3)))
    assert not any(secret[at : at + SHORTEST_FRAGMENT] in shown for at in range(len(secret) - SHORTEST_FRAGMENT + 1))


def test_pieces_of_an_address_or_a_folder_are_ordinary_words(tmp_path: Path) -> None:
    folder = tmp_path / ".secrets"
    folder.mkdir()
    for variable in ("https://user@vault.example.org/keys/", str(folder)):
        redactor = Redactor([variable])
        assert redactor.text(f"at {variable}") == f"at {MASK}"
        assert redactor.text(variable[:-1]) == variable[:-1]


def test_a_key_that_looks_like_a_path_is_still_a_key() -> None:
    key = "/tmpA7bQ9xKfLw3Rj2Vh8Ys0Zd4Nc6Me1Gu5Ti+Po"
    assert key[:20] not in Redactor([key.replace("+", "/")]).text(f"cut: {key[:20]}")


def test_pieces_are_looked_for_in_proportion_to_the_text() -> None:
    redactor = Redactor(["a" * 88, "ab" * 44, base64.b64encode(bytes(range(64))).decode()])
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    def work(text: str) -> int:
        nonlocal calls
        calls = 0
        sys.setprofile(count)
        try:
            redactor.text(text)
        finally:
            sys.setprofile(None)
        return calls

    for piece in ("aaaaaaaaaa ", "abababab-", "no secret "):
        assert work(piece * 800) < 2.5 * work(piece * 400)


def test_a_number_that_is_a_secret_is_masked() -> None:
    assert Redactor(["4711081500"]).data({"pin": 4711081500, "on": True, "count": 3}) == {
        "pin": MASK,
        "on": True,
        "count": 3,
    }
