"""What GitHub Actions shows of a run: a summary of the job, and annotations at the places that are at fault."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.failures import counted
from pytest_kraken_golive.reporting.page import SIGNS
from pytest_kraken_golive.reporting.signoff_page.blocking import Blocking, Card, blocking, sign_of, words_of
from pytest_kraken_golive.reporting.signoff_page.parts import parts
from pytest_kraken_golive.reporting.signoff_page.standing import Standing, standing
from pytest_kraken_golive.reporting.signoff_page.texts import moment, visible

MOST_ANNOTATIONS = 10
"""GitHub: a step shows so many errors, and drops the others without a word."""
CARDS_SHOWN = 25
LONGEST = 900_000
"""Bytes of a summary. GitHub: one above 1 MiB is not shown at all."""

_PLACE = re.compile(r"(?P<file>[^\s:]+):(?P<line>\d+)[\s:]")
_MARKUP = re.compile(r"[\\`*_\[\]|~#@$&<>\"']")


def tell(document: dict[str, Any], environ: Mapping[str, str], root: Path, redactor: Redactor) -> list[str]:
    """Append to the job's summary what the verdict says.

    Args:
        document: the verdict as it was written, see `gate.document`.
        environ: of this process; `GITHUB_STEP_SUMMARY` names the summary's file.
        root: the project's, to which files in messages are relative.
        redactor: the run's.

    Returns:
        The annotations, to be printed each on a line of its own.
    """
    told = list(annotated(document, root, Path(environ.get("GITHUB_WORKSPACE", root))))
    file = environ.get("GITHUB_STEP_SUMMARY")
    if file:
        try:
            with Path(file).open("a", encoding="utf-8", errors="backslashreplace") as summary:
                summary.write(redactor.text(markdown(document)))
        except OSError as error:
            told.append(_command("warning", f"the summary of the job cannot be written ({error.strerror})"))
    return [redactor.text(command) for command in told]


class Silence:
    """From a run's first word GitHub takes no line of it for a command, whatever a message, a log or a test prints.

    GitHub: stopping and starting workflow commands.
    """

    def __init__(self) -> None:
        self._token: str | None = None

    def begin(self) -> str:
        """The line that begins it. Nobody else can end it: its word is drawn by lot."""
        self._token = f"golive-{secrets.token_hex(16)}"
        return f"::stop-commands::{self._token}"

    def end(self) -> list[str]:
        """The lines that end it; none if it has ended."""
        token, self._token = self._token, None
        return [] if token is None else ["", f"::{token}::"]  # whatever stood there without a line's end


def harmless(line: str) -> str:
    """A line that is printed behind the silence, and is no command."""
    text = str(visible(" ".join(line.splitlines()))).replace("##[", "# #[")
    return text.replace("::", ": :", 1) if text.lstrip().startswith("::") else text


def annotated(document: dict[str, Any], root: Path, workspace: Path) -> Iterator[str]:
    """A command for each cause that is in the way, at its place, the nearest first; one for the verdict otherwise.

    Args:
        document: see `tell`.
        root: see `tell`.
        workspace: what GitHub takes files to be relative to.
    """
    head, found = standing(document), blocking(document)
    title = f"{head.verdict} ({head.scope})"
    for warning in document.get("warnings") or ():
        yield _command("warning", warning, title="go-live")
    if head.tone != "no-go":
        yield _command("warning" if head.tone == "open" else "notice", f"{head.call} {head.sentence}", title=title)
        return
    told = [
        *(_command("error", _with_step(fact, step), title=title) for fact, step in found.troubles),
        *(_of_card(card, document, root, workspace) for card in found.cards),
    ]
    yield from told[: MOST_ANNOTATIONS - 1] if len(told) > MOST_ANNOTATIONS else told
    if len(told) > MOST_ANNOTATIONS:
        left = len(told) - MOST_ANNOTATIONS + 1
        yield _command("error", f"{left} more causes are in the way: see the summary of the job", title=title)
    if not told:
        yield _command("error", f"{head.call} {head.sentence}", title=title)


def _of_card(card: Card, document: dict[str, Any], root: Path, workspace: Path) -> str:
    place = _PLACE.match(card.fact)
    if place is not None and (root / place["file"]).is_file():
        file, line = place["file"], place["line"]
    else:
        file, line = next(
            (book["path"], str(one["line"]))
            for book in document["runbooks"]
            for one in book["lines"]
            if one["id"] == card.line["id"]
        )
    shown = Path(os.path.relpath(root / file, workspace)).as_posix()
    said = "\n".join([card.line["text"], *_told(card)])
    return _command("error", said, file=shown, line=line, title=f"{card.line['id']} {words_of(card.line['outcome'])}")


def _told(card: Card) -> list[str]:
    return [_with_step(fact, step) for fact, step in ((card.fact, card.step), *card.also)]


def _with_step(fact: str, step: str) -> str:
    return f"{fact} Next: {step}" if step else fact


def _command(name: str, message: str, **properties: str) -> str:
    """A workflow command, in GitHub's escapes: no text can end it, or begin another one."""
    given = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{name}{f' {given}' if given else ''}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    # Line breaks are kept by their number; what a terminal acts upon is shown by its own.
    kept = str(visible("\n".join(text.splitlines())))
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in kept)


def markdown(document: dict[str, Any]) -> str:
    """The verdict as Markdown: what it is about, what is in the way, how each section stands."""
    head, found = standing(document), blocking(document)
    text = "\n\n".join([*_head(document, head), *_in_the_way(found), *_waivers(document), *_sections(document)])
    if len(text.encode(errors="backslashreplace")) > LONGEST:
        text = "\n\n".join([*_head(document, head), "The rest is too long to be shown here: see `signoff.html`."])
    return f"{text}\n\n"


def _head(document: dict[str, Any], head: Standing) -> Iterator[str]:
    yield f"## {head.sign} {_plain(head.verdict)} ({_plain(head.scope)})"
    yield f"**{_plain(head.call)}** {_plain(head.sentence)}"
    counts = [f"{SIGNS[one]} {n} {words_of(one)}" for one in SIGNS if (n := document["counts"].get(one))]
    if counts:
        yield " · ".join(map(_plain, counts))
    yield f"Sign-off for production: **{'yes' if head.production else 'no'}**. {_plain(' '.join(head.why))}"
    yield f"Valid until {_plain(moment(document['valid_until']))}."


def _in_the_way(found: Blocking) -> Iterator[str]:
    if not (found.troubles or found.cards):
        return
    yield "### What is in the way"
    rows = [f"- {_plain(_with_step(fact, step))}" for fact, step in found.troubles]
    for card in found.cards[:CARDS_SHOWN]:
        others = ", ".join([*card.same, *card.follows, *(line_id for line_id, _ in card.may_follow)])
        rows.append(
            f"- {sign_of(card.line['outcome'])} **{_plain(card.line['id'])}** "
            f"{_plain(words_of(card.line['outcome']))}: {_plain(card.line['text'])}<br>"
            f"{'<br>'.join(map(_fact, ((card.fact, card.step), *card.also)))}"
            f"{f'<br>The same, or from there: {_plain(others)}' if others else ''}"
        )
    left = len(found.cards) + len(found.beyond) - CARDS_SHOWN
    if left > 0:
        rows.append(f"- and {counted(left, 'more cause')}")
    yield "\n".join(rows)


def _fact(told: tuple[str, str]) -> str:
    fact, step = told
    return f"{_plain(fact)}{f'<br>**Next:** {_plain(step)}' if step else ''}"


def _waivers(document: dict[str, Any]) -> Iterator[str]:
    rows = [
        f"- {_plain(one['line'])}: {_plain(one['reason'])} ({_plain(one['approver'])}, {_plain(one['ticket'])}, "
        f"until {_plain(moment(one['expires_at']))})"
        for one in document.get("waivers") or ()
        if one["used"]
    ]
    if rows:
        yield "### Waived"
        yield "\n".join(rows)


def _sections(document: dict[str, Any]) -> Iterator[str]:
    for book in document["runbooks"]:
        rows = [
            f"| {sign_of(part.worst)} | {_plain(part.name)} | {part.good}/{len(part.lines)} |"
            for part in parts(book["lines"])
        ]
        yield "\n".join(
            [
                f"<details><summary>{_plain(book['title'])}</summary>",
                "",
                "| | section | proven |",
                "|---|---|---|",
                *rows,
                "",
                "</details>",
            ]
        )


def _plain(text: str) -> str:
    """A text that Markdown and HTML leave as it is."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", " ".join(str(visible(text)).split()))
