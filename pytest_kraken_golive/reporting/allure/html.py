"""Allure's page made safe to open: no analytics, nothing from outside, and a policy under which it can call nobody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data: blob:; "
    "img-src data: blob:; font-src data: blob:; media-src data: blob:; frame-src data: blob:; "
    "connect-src data: blob:; worker-src data: blob:; form-action 'none'; base-uri 'none'"
)
"""What is in the page may run and be shown; nothing may be fetched or sent."""

_TAG_MANAGER = re.compile(
    r"<script\b[^>]*\bsrc=[\"'][^\"'>]*googletagmanager[^\"'>]*[\"'][^>]*>\s*</script>"
    r"(?:\s*<script\b[^>]*>(?:(?!</script>).)*?\bgtag\((?:(?!</script>).)*</script>)?",
    re.DOTALL | re.IGNORECASE,
)
_TRACKERS = re.compile(r"googletagmanager|google-analytics|\bgtag\(", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//|\s*(?!data:|blob:|about:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_FETCHED = {"src", "srcset", "href", "data", "poster", "action", "formaction", "background"}
_FOLLOWED_BY_PEOPLE = {("a", "href"), ("area", "href")}


class OutsideError(Exception):
    """The page would fetch something, or tell somebody that it is read."""


def made_safe(page: str) -> str:
    """The page without analytics, under a policy that keeps it to itself.

    Raises:
        OutsideError: something in it still comes from outside, or it is no page.
    """
    page = _TAG_MANAGER.sub("", page)
    require_self_contained(page)
    page, heads = _HEAD.subn(
        lambda head: f'{head[0]}<meta http-equiv="Content-Security-Policy" content="{POLICY}">', page, count=1
    )
    if not heads:
        raise OutsideError("it has no head")
    return page


def require_self_contained(page: str) -> None:
    """See that the page needs nothing but itself.

    Raises:
        OutsideError: names what it would fetch.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    if reader.outside:
        raise OutsideError(f"it fetches {reader.outside[0]}")
    tracker = _TRACKERS.search(page)
    if tracker is not None:
        raise OutsideError(f"it still holds {tracker[0]!r}")


class _Reader(HTMLParser):
    """Notes what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag and its attributes."""
        for name, value in attrs:
            if name in _FETCHED and value and (tag, name) not in _FOLLOWED_BY_PEOPLE and self._is_fetched(value):
                self.outside.append(f"<{tag} {name}={value[:100]!r}>")

    def _is_fetched(self, value: str) -> bool:
        """Also a file beside the page: it is to be one file."""
        return _OUTSIDE.match(value) is not None or not value.lstrip().startswith(("data:", "blob:", "about:", "#"))
