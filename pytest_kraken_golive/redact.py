"""The one redactor: whatever is printed or written passes it, and no known secret comes out in any form."""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "***"
SHORTEST_SECRET = 6
"""Shorter texts would mask ordinary words."""

_NAMES = re.compile(r"SECRET|API_?KEY|TOKEN|PASSWORD|PASSWD|PRIVATE", re.IGNORECASE)


class Redactor:
    """Replaces known secrets by `***`: in clear, Base64, URL-encoded and hex form."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on this text is masked."""
        if len(secret) < SHORTEST_SECRET:
            return
        self._forms |= forms_of(secret)
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))

    def learn_environment(self, environ: Mapping[str, str]) -> None:
        """Mask the values of variables whose names say that they are secret."""
        for name, value in environ.items():
            if _NAMES.search(name):
                self.learn(value)

    def text(self, text: str) -> str:
        """The text without secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def data(self, value: Any) -> Any:
        """JSON data without secrets, keys included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item) for item in value]
        return value


def forms_of(secret: str) -> set[str]:
    """The secret as it may appear: clear, URL-encoded, Base64 of its text, hex of its text and of its decoded bytes."""
    raw = secret.encode()
    forms = {
        secret,
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        raw.hex().upper(),
    }
    try:
        decoded = base64.b64decode(secret, validate=True)
    except ValueError:
        decoded = b""
    if len(decoded) >= SHORTEST_SECRET:
        forms |= {decoded.hex(), decoded.hex().upper(), base64.urlsafe_b64encode(decoded).decode()}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}
