"""A page as a parser reads it: its text, its elements, and whether every element that opens is closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "input", "col", "br"})
BLOCKS = frozenset({"p", "li", "div", "tr", "td", "dt", "dd", "h1", "h2", "h3", "h4", "summary", "caption", "section"})


@dataclass
class Element:
    """An element and all that is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """What a reader sees, spaces as one; styles and scripts are no text."""
        return " ".join(self._raw().split())

    def _raw(self) -> str:
        if self.tag in {"style", "script"}:
            return ""
        inner = "".join(child if isinstance(child, str) else child._raw() for child in self.children)
        return f" {inner} " if self.tag in BLOCKS else inner

    def all(self, tag: str, css_class: str | None = None) -> list[Element]:
        return [
            one
            for one in self.walk()
            if one.tag == tag and (css_class is None or css_class in one.attributes.get("class", "").split())
        ]

    def one(self, tag: str, css_class: str | None = None) -> Element:
        (found,) = self.all(tag, css_class)
        return found

    def by_id(self, element_id: str) -> Element:
        (found,) = [one for one in self.walk() if one.attributes.get("id") == element_id]
        return found

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every element with the names of its attributes, in order."""
        return [(one.tag, tuple(one.attributes)) for one in self.walk()]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def finished(self) -> Element:
        self.close()
        assert self._open == [self.root], [one.tag for one in self._open]
        return self.root


def read(page: str) -> Element:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(page)
    return reader.finished()
