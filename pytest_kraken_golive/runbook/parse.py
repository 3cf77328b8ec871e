"""Read a runbook: Markdown in, lines out. What a list item says becomes a line; nothing else does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from pytest_kraken_golive.runbook.binding import NEAR_COMMENT, BindingError, read_binding
from pytest_kraken_golive.runbook.lint import lint
from pytest_kraken_golive.runbook.model import Binding, Line, Runbook, RunbookError, Stage

TASK_BOX = re.compile(r"\[([ xX])\]\s+")


def read_runbook(path: Path, shown: str) -> Runbook:
    """Read a runbook from its file.

    Args:
        path: the Markdown file, UTF-8.
        shown: its path as messages show it.

    Raises:
        RunbookError: the file cannot be read, or a part of it would be lost or mean two things. Names every problem.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunbookError([f"{shown}: cannot be read ({error.strerror}). Next: check the path."]) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RunbookError(
            [f"{shown}:{line}: not UTF-8 at byte {error.start}. Next: save the file as UTF-8."]
        ) from error
    return parse_runbook(text, path=path, shown=shown, sha256=hashlib.sha256(content).hexdigest())


def parse_runbook(text: str, *, path: Path, shown: str, sha256: str) -> Runbook:
    """Parse the text of a runbook; see `read_runbook`."""
    tokens = _markdown().parse(text)
    items = list(_items(tokens))
    problems = _Problems(shown)
    front = _front_matter(tokens, problems)
    lines = _lines(items, shown, problems)
    problems.found.extend(
        lint(text, tokens, {item.start for item in items}, sum(len(i.comments) for i in items), shown)
    )
    if not lines and not problems.found:
        problems.add(1, "holds no list item, so it asks for nothing", "write each requirement as a list item")
    problems.stop()
    title = front.get("title") or next((item.section[0] for item in items if item.section), path.stem)
    return Runbook(path, shown, sha256, _stage(front), title, front.get("owner", ""), tuple(lines))


def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").use(front_matter_plugin)


@dataclass
class _Item:
    """A list item as the Markdown parser sees it."""

    start: int
    section: tuple[str, ...]
    depth: int
    text: str = ""
    comments: list[tuple[int, str]] = field(default_factory=list)
    leading: bool = False
    trailing: bool = False


class _Problems:
    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.found: list[str] = []

    def add(self, line: int, what: str, step: str) -> None:
        self.found.append(f"{self.shown}:{line}: {what}. Next: {step}.")

    def stop(self) -> None:
        if self.found:
            raise RunbookError(sorted(dict.fromkeys(self.found), key=_line_of))


def _line_of(problem: str) -> int:
    match = re.match(r".*?:(\d+):", problem)
    return int(match[1]) if match else 0


def _items(tokens: list[Token]) -> Iterator[_Item]:
    """Every list item in document order, with its own text and comments but not those of the items below it."""
    headings: list[tuple[int, str]] = []
    open_items: list[_Item] = []
    done: list[_Item] = []
    heading_level = 0
    for token in tokens:
        if token.type == "heading_open":
            heading_level = int(token.tag[1:])
        elif token.type == "heading_close":
            heading_level = 0
        elif token.type == "list_item_open":
            start = token.map[0] if token.map else 0
            section = tuple(name for _, name in headings)
            open_items.append(_Item(start=start, section=section, depth=len(open_items)))
            done.append(open_items[-1])
        elif token.type == "list_item_close":
            open_items.pop()
        elif token.type == "inline" and heading_level:
            headings = [item for item in headings if item[0] < heading_level]
            headings.append((heading_level, _plain_text(token)))
        elif open_items and token.type == "inline":
            _take_inline(open_items[-1], token)
        elif open_items and token.type == "html_block":
            _take_block(open_items[-1], token)
    yield from done


def _plain_text(token: Token) -> str:
    pieces = []
    for child in token.children or []:
        if child.type in {"softbreak", "hardbreak"}:
            pieces.append(" ")
        elif child.type in {"text", "code_inline", "text_special"} or child.type == "image":
            pieces.append(child.content)
    return " ".join("".join(pieces).split())


def _take_inline(item: _Item, token: Token) -> None:
    line = token.map[0] if token.map else item.start
    children = token.children or []
    for position, child in enumerate(children):
        if child.type == "html_inline" and NEAR_COMMENT.match(child.content):
            item.comments.append((line, child.content))
            after = children[position + 1 :]
            item.trailing |= any(other.content.strip() for other in after if not _is_binding(other))
    text = _plain_text(token)
    if not item.text:
        item.text = text


def _is_binding(token: Token) -> bool:
    return token.type == "html_inline" and NEAR_COMMENT.match(token.content) is not None


def _take_block(item: _Item, token: Token) -> None:
    line = token.map[0] if token.map else item.start
    if NEAR_COMMENT.match(token.content.lstrip()):
        item.leading |= not item.text
        item.comments.append((line, token.content.strip()))


def _front_matter(tokens: list[Token], problems: _Problems) -> dict[str, str]:
    if not tokens or tokens[0].type != "front_matter":
        return {}
    try:
        node = yaml.compose(tokens[0].content, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.add((mark.line if mark else 0) + 2, "the front matter is not YAML", "write key: value lines")
        return {}
    front: dict[str, str] = {}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        line = key.start_mark.line + 2
        name = str(key.value)
        if name in front:
            problems.add(line, f"the front matter has {name!r} twice", "keep one of them")
        elif name.casefold() == "stage" and name != "stage":
            problems.add(line, f"the front matter has {name!r}", "write it as 'stage'")
        elif isinstance(value, yaml.ScalarNode):
            front[name] = value.value
            if name == "stage" and value.value not in {"paper", "production"}:
                problems.add(line, f"stage is {value.value!r}", "write stage: paper or stage: production")
        elif name in {"stage", "title", "owner"}:
            problems.add(line, f"{name} must be a text", f"write {name}: followed by a text")
    return front


def _stage(front: dict[str, str]) -> Stage:
    return "production" if front.get("stage") == "production" else "paper"


def _lines(items: list[_Item], shown: str, problems: _Problems) -> list[Line]:
    lines: list[Line] = []
    for position, item in enumerate(items):
        binding = _binding(item, problems)
        if binding is not None and binding.group:
            if not _groups_something(items, position):
                problems.add(
                    item.start + 1, "groups nothing that is bound", "bind the items below it, or the item itself"
                )
            continue
        box = TASK_BOX.match(item.text)
        text = item.text[box.end() :] if box else item.text
        if not text.strip():
            problems.add(item.start + 1, "an empty list item", "say what must be proven, or delete it")
            continue
        ticked = None if box is None else box[1] in "xX"
        lines.append(Line(shown, item.start + 1, text, item.section, ticked, binding))
    return lines


def _groups_something(items: list[_Item], position: int) -> bool:
    for below in items[position + 1 :]:
        if below.depth <= items[position].depth:
            return False
        if below.comments:
            return True
    return False


def _binding(item: _Item, problems: _Problems) -> Binding | None:
    if not item.comments:
        return None
    line, comment = item.comments[0]
    if len(item.comments) > 1:
        problems.add(item.comments[1][0] + 1, "two bindings in one item", "keep one, or write two items")
    elif item.leading:
        problems.add(line + 1, "the binding stands before the item's text", "put it at the end or on a line below")
    elif item.trailing:
        problems.add(line + 1, "text follows the binding", "put the comment at the end of the item's text")
    else:
        try:
            return read_binding(comment)
        except BindingError as error:
            problems.add(line + 1, f"the binding cannot be read: {error}", "correct the comment")
    return None
