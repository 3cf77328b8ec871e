"""Read a runbook: Markdown in, lines out. What a list item says becomes a line; nothing else does."""

from __future__ import annotations

import hashlib
import re
from itertools import chain
from pathlib import Path

from markdown_it import MarkdownIt

from pytest_kraken_golive.runbook.binding import BindingError, read_binding
from pytest_kraken_golive.runbook.comments import Comment, comments_of, paragraph_rows, raw_rows, refuse_lost
from pytest_kraken_golive.runbook.front_matter import read_front_matter, refuse_unread_stage
from pytest_kraken_golive.runbook.items import Item, items_of
from pytest_kraken_golive.runbook.lint import fenced_rows, refuse_html_lists, refuse_lost_items
from pytest_kraken_golive.runbook.model import Binding, Line, Runbook, RunbookError
from pytest_kraken_golive.runbook.problems import Problems

_NEWLINE = re.compile(r"\r\n|\r|\n")
"""What ends a line in CommonMark. `str.splitlines` knows more, such as the form feed, and would count other lines."""


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
    problems = Problems(shown)
    rows = _NEWLINE.split(text)
    front = read_front_matter(rows, problems)
    front_is_well = not problems
    body = [""] * front.height + rows[front.height :]
    tokens = MarkdownIt("commonmark").parse("\n".join([*body, ""]))
    items = items_of(tokens)
    starts = {item.start for item in items}
    raw, paragraphs = raw_rows(rows), paragraph_rows(tokens)
    comments = [comments_of(item, raw, paragraphs) for item in items]
    lines = _lines(items, comments, shown, problems)
    fenced = fenced_rows(tokens, problems)
    refuse_lost_items(body, starts, fenced, problems)
    refuse_html_lists(tokens, problems)
    refuse_lost(
        rows,
        raw,
        comments=chain.from_iterable(comments),
        tokens=tokens,
        fenced=fenced,
        problems=problems,
    )
    if front_is_well:
        refuse_unread_stage(rows, front, fenced | starts, problems)
    if not lines and not problems:
        problems.add(0, "holds no list item, so it asks for nothing", "write each requirement as a list item")
    problems.stop()
    title = front.values.get("title") or next((item.section[0] for item in items if item.section), path.stem)
    return Runbook(path, shown, sha256, front.stage, title, front.values.get("owner", ""), tuple(lines))


def _lines(items: list[Item], comments: list[list[Comment]], shown: str, problems: Problems) -> list[Line]:
    lines: list[Line] = []
    for position, item in enumerate(items):
        binding = _binding(comments[position], problems)
        if binding is not None and binding.group:
            if not _groups_something(items, comments, position):
                problems.add(item.start, "groups nothing that is bound", "bind the items below it, or the item itself")
            continue
        box, text = item.box, item.text
        if not text:
            problems.add(item.start, "a list item without a text of its own", "say what must be proven, or delete it")
            continue
        ticked = None if box is None else box in "xX"
        lines.append(Line(shown, item.start + 1, text, item.section, ticked, binding, item.content))
    return lines


def _groups_something(items: list[Item], comments: list[list[Comment]], position: int) -> bool:
    for below in range(position + 1, len(items)):
        if items[below].depth <= items[position].depth:
            return False
        if comments[below]:
            return True
    return False


def _binding(comments: list[Comment], problems: Problems) -> Binding | None:
    if not comments:
        return None
    comment, *more = comments
    if more:
        problems.add(more[0].row, "two bindings in one item", "keep one, or write two items")
        return None
    if comment.misplaced is not None:
        problems.add(comment.row, *comment.misplaced)
        return None
    try:
        return read_binding(comment.text)
    except BindingError as error:
        problems.add(comment.row, f"the binding cannot be read: {error}", "correct the comment")
        return None
