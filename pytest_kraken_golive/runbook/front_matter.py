"""The front matter: the YAML mapping between `---` in a runbook's first line and the next `---`.

It decides whether a runbook is one for paper or for production. Whatever could have been meant as front matter and is
none is refused: a runbook for production must not be rehearsed as one for paper.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pytest_kraken_golive.runbook.model import Stage
from pytest_kraken_golive.runbook.plain_yaml import PlainYamlError, read_mapping
from pytest_kraken_golive.runbook.problems import Problems

_OPENING = re.compile(r"---+[ \t]*\Z")
_CLOSING = re.compile(r"(?:---+|\.\.\.)[ \t]*\Z")
_LOOKS_LIKE_A_KEY = re.compile(r"""\s*["']?[A-Za-z][\w-]*["']?\s*:(?:\s|\Z)""")
_STAGE = re.compile(r"\W*stage\W{0,9}[:=]\W{0,9}(?:(?:paper|production)\b|\w+\W*\Z)", re.IGNORECASE)
"""A line that says which stage it is, whatever it is dressed in."""
_NESTED_STAGE = re.compile(r"\bstage\b[\"']?\s*[:=]", re.IGNORECASE)

_WHOLE = "begin the file with ---, then key: value lines such as stage: paper, then --- again"


@dataclass(frozen=True)
class FrontMatter:
    """What a runbook says about itself."""

    height: int = 0
    """How many lines it takes, its marks included; 0 without front matter."""
    values: dict[str, str] = field(default_factory=dict)
    """Its texts by key."""

    @property
    def stage(self) -> Stage:
        """What the runbook takes live; paper if it does not say."""
        return "production" if self.values.get("stage") == "production" else "paper"


def read_front_matter(rows: list[str], problems: Problems) -> FrontMatter:
    """Read the front matter, and add what is wrong with it to the problems.

    A file whose first line is `---` has front matter, always: a list or a word between two `---` is no pair of rules
    with something in between, because nobody could tell the one from the other.
    """
    if not _OPENING.match(rows[0]):
        _refuse_misplaced(rows, problems)
        return FrontMatter()
    end = next((row for row in range(1, len(rows)) if _CLOSING.match(rows[row])), None)
    if end is None:
        problems.add(0, "front matter that is never closed", f"{_WHOLE}; or write *** for a rule")
        return FrontMatter(1)
    return FrontMatter(end + 1, _values(rows[1:end], problems))


def _refuse_misplaced(rows: list[str], problems: Problems) -> None:
    """Front matter that is not at the very top: indented, or behind blank lines and comments."""
    in_comment = False
    for row, line in enumerate(rows[:-1]):
        in_comment |= line.lstrip().startswith("<!--")
        if in_comment or not line.strip("\ufeff \t"):
            in_comment &= "-->" not in line
            continue
        if _OPENING.match(line.strip("\ufeff \t")) and _LOOKS_LIKE_A_KEY.match(rows[row + 1]):
            problems.add(row, "almost front matter, but not in the first line and column", _WHOLE)
        return


def _values(rows: list[str], problems: Problems) -> dict[str, str]:
    try:
        mapping = read_mapping("\n".join(rows))
    except PlainYamlError as error:
        step = f"{_WHOLE}; or write *** for a rule" if error.is_syntax else "correct the front matter"
        problems.add(error.line + 1, f"the front matter is not key: value lines in YAML: {error}", step)
        return {}
    if mapping is None:
        return {}
    front: dict[str, str] = {}
    for name, value in mapping.values.items():
        row = mapping.lines[name] + 1
        if name.casefold() == "stage" and name != "stage":
            problems.add(row, f"the front matter has {name!r}", "write it as 'stage'")
        elif isinstance(value, str):
            front[name] = value
            if name == "stage" and value not in {"paper", "production"}:
                problems.add(row, f"stage is {value!r}", "write stage: paper or stage: production")
        elif name in {"stage", "title", "owner"}:
            problems.add(row, f"{name} must be a text", f"write {name}: followed by a text")
    return front


def refuse_unread_stage(rows: list[str], front: FrontMatter, skipped: AbstractSet[int], problems: Problems) -> None:
    """Refuse a stage that stands where nobody reads it, in a runbook that would be one for paper without it.

    Args:
        rows: the runbook's lines.
        front: its front matter.
        skipped: 0-based lines that are neither text nor front matter: code, and items of lists.
        problems: what is found is added here.
    """
    if "stage" in front.values:
        return
    for row, line in enumerate(rows):
        said = _NESTED_STAGE.search(line) if row < front.height else row not in skipped and _STAGE.match(line)
        if said:
            problems.add(row, f"a stage that is not read: {line.strip()[:60]!r}", f"{_WHOLE}; or delete the line")
