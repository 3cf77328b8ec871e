"""The one redactor: whatever is printed or written passes it, and no known secret comes out in any form or piece."""

from __future__ import annotations

import base64
import bisect
import functools
import html
import html.entities
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_kraken_golive.fragments import SHORTEST_FRAGMENT, Fragments, is_place

MASK = "***"
SHORTEST_SECRET = 6
"""Shorter texts would mask ordinary words."""

_NAMES = re.compile(r"SECRET|API_?KEY|TOKEN|PASSWORD|PASSWD|PRIVATE", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9]+")
"""Characters that no notation escapes."""
_BACKSLASHES = r"\\{1,8}"
"""Those before an escape: JSON in JSON in JSON has seven. The limit keeps long runs of backslashes cheap."""


class Redactor:
    """Replaces known secrets by `***`, in whatever form `forms_of` knows, and longer pieces of them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: dict[str, Form] = {}
        self._anchors: list[tuple[str, Form]] = []
        """The forms with their anchors, the shortest first: in a short text most need not be looked for."""
        self._fragments = Fragments()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on this text is masked."""
        secret = secret.strip()  # what was read from a file may end with a line
        if len(secret) < SHORTEST_SECRET:
            return
        self._forms.update((form.pattern, form) for form in forms_of(secret))
        self._fragments.learn(secret, [_bytes_of(secret), _decoded(secret)])
        self._anchors = sorted(((form.anchor, form) for form in self._forms.values()), key=_length)

    def learn_environment(self, environ: Mapping[str, str]) -> None:
        """Mask the values of variables whose names say that they are secret."""
        for secret in secrets_of(environ):
            self.learn(secret)

    def text(self, text: str) -> str:
        """The text without secrets."""
        may_be = self._anchors[: bisect.bisect(self._anchors, len(text), key=_length)]
        found = [form for anchor, form in may_be if anchor in text]
        spans = sorted([*(span for form in found for span in form.spans(text)), *self._fragments.spans(text)])
        return _masked(text, spans) if spans else text

    @property
    def anchors(self) -> list[str]:
        """Of these pieces at least one is in every text that holds a whole secret, in any form."""
        return [anchor for anchor, _ in self._anchors]

    def place_in(self, text: str) -> int | None:
        """Where the first whole secret stands in a text, in any form; None where there is none."""
        found = [form for anchor, form in self._anchors if anchor in text]
        return min((start for form in found for start, _ in form.spans(text)), default=None)

    def data(self, value: Any) -> Any:
        """JSON data without secrets, keys included."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        masked = self.text(shown := str(value))
        return value if masked == shown else masked


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secret."""
    return [value for name, value in environ.items() if _NAMES.search(name)]


def may_be_chance(secret: str) -> bool:
    """Whether a text may stand somewhere without having been leaked: a word, an address, the path of a file."""
    secret = secret.strip()
    address = is_place(secret) and "@" not in secret  # which may have a password before it
    return len(secret) < SHORTEST_FRAGMENT or address or re.fullmatch(r"[A-Za-z_. -]+", secret) is not None


def _length(entry: tuple[str, Form]) -> int:
    return len(entry[0])


class Form:
    """One form of a secret, written in any notation.

    Args:
        pattern: a regular expression for it.
        anchor: a piece that is in every text that the pattern matches: looking for that is what most texts cost.
    """

    def __init__(self, pattern: str, anchor: str) -> None:
        self.pattern = pattern
        self.anchor = anchor

    @functools.cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it is in a text, from and to, also where it overlaps itself."""
        found = self._expression.search(text)
        while found is not None:
            yield found.span()
            found = self._expression.search(text, found.start() + 1)


def forms_of(secret: str) -> list[Form]:
    """The secret as it may appear.

    In clear; in Base64 of both alphabets, padded or not, alone or within a longer text; in hex. If it is Base64 itself,
    as Kraken's are, the same of its bytes. Each of them as it is, or as JSON, a URL (whatever was left unescaped), HTML
    or Python's `repr` write it.
    """
    raw = _bytes_of(secret)
    decoded = _decoded(secret)
    forms = [_form(secret), *_base64_forms(raw), *_hex_forms(raw)]
    if len(decoded) >= SHORTEST_SECRET:
        forms += [*_base64_forms(decoded), *_hex_forms(decoded)]
    return forms


def _form(text: str, *, after: str = "", base64_like: bool = False) -> Form:
    pattern = "".join(_notations(part, base64_like) for part in re.findall(r"[A-Za-z0-9]+|\\+|.", text, re.DOTALL))
    return Form(pattern + after, max(_PLAIN.findall(text), key=len, default=""))


def _base64_forms(raw: bytes) -> Iterator[Form]:
    """The characters that depend on these bytes alone, for each of the three ways they can lie in a longer text."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        if end - first >= SHORTEST_SECRET:
            shared = "[A-Za-z0-9+/_-]?" if (before + len(raw)) % 3 else ""
            yield _form(
                encoded[first:end], after=f"{shared}(?:=|%3[dD]|{_BACKSLASHES}u003[dD]){{0,2}}", base64_like=True
            )


def _hex_forms(raw: bytes) -> Iterator[Form]:
    yield _form(raw.hex())
    yield _form(raw.hex().upper())


def _notations(part: str, base64_like: bool) -> str:
    """A regular expression for one character, or a run of plain ones or of backslashes, in any notation."""
    if _PLAIN.fullmatch(part):
        return part
    ways = [way for char in ("+-" if part == "+" else "/_") for way in _ways(char)] if base64_like else _ways(part)
    return f"(?:{'|'.join(dict.fromkeys(ways))})"


@functools.cache
def _ways(part: str) -> tuple[str, ...]:
    count, char = len(part), part[0]
    if char == "\\":  # each may be doubled, again and again
        return (rf"\\{{{count},{8 * count}}}", f"(?:{_escaped(char)}){{{count}}}")
    ways = [re.escape(char), _escaped(char)]
    short = json.dumps(char)[1:-1]
    if len(short) == 2:  # noqa: PLR2004 - a backslash and what follows
        ways.append(_BACKSLASHES + re.escape(short[1]))
    if char in "/'":
        ways.append(_BACKSLASHES + char)
    if char in "\"'":
        ways.append(char * 2)  # as CSV and YAML double it
    if char == "'":
        ways.append("'(?:\"'\"|\\\\')'")  # as a shell takes it
    if char == " ":
        ways.append(r"\+")
    ways.append(f"&#0*{ord(char)};|&#[xX]0*{_any_case(ord(char), 1)};")
    if not char.isascii():
        ways.append(re.escape(_bytes_of(char).decode("latin-1")))  # UTF-8 that was read as something else
    if (name := html.entities.codepoint2name.get(ord(char))) is not None:
        ways.append(f"&{name};")
    return tuple(ways)


def _escaped(char: str) -> str:
    r"""A character by its number: `%2F`, `%252F`, `\u002f`, `\x2f`, `\U0000002f`, and its bytes as `\xc3\xa4`."""
    raw, units = _bytes_of(char), char.encode("utf-16-be", errors="surrogatepass")
    ways = [
        "".join(f"%(?:25){{0,3}}{_any_case(byte, 2)}" for byte in raw),
        "".join(f"{_BACKSLASHES}u{_any_case(int.from_bytes(units[at : at + 2]), 4)}" for at in range(0, len(units), 2)),
        "".join(f"{_BACKSLASHES}x{_any_case(byte, 2)}" for byte in raw),
        f"{_BACKSLASHES}U{_any_case(ord(char), 8)}",
    ]
    if ord(char) <= 0xFF:  # noqa: PLR2004 - what `repr` writes in two digits
        ways.append(f"{_BACKSLASHES}x{_any_case(ord(char), 2)}")
    return "|".join(ways)


def _any_case(number: int, digits: int) -> str:
    return "".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in f"{number:0{digits}x}")


def _bytes_of(text: str) -> bytes:
    """UTF-8; a variable that is no text comes as the bytes that it is."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _decoded(secret: str) -> bytes:
    """The bytes of a secret that is Base64 of either alphabet, padded or not; none if it is not."""
    digits = secret.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        return b""


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with a mask for each stretch that the spans cover; what overlaps is one stretch."""
    pieces = []
    done, start, end = 0, *spans[0]
    for one in spans[1:]:
        if one[0] < end:
            end = max(end, one[1])
            continue
        pieces += [text[done:start], MASK]
        done, (start, end) = end, one
    return "".join([*pieces, text[done:start], MASK, text[end:]])
