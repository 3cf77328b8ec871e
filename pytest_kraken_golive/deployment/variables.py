"""The variables that a bot runs with: a deployment's `.env` below the variables of its process, each with its place.

The file is read as python-dotenv reads it (quotes, `export`, comments, `${NAME}`), with two differences that money asks
for: a name that is set twice, and a line that python-dotenv would skip, are faults. `os.environ` is never changed, and
never read: who wants it hands it in.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr

from ..contract import Fault, Found, NotProven, Where
from .source import decode, read_bytes

ENV_FILE = ".env"
PROCESS = "process environment"

_HARD_BLANK = re.compile(r"\A[^=#]*=[^\S\n]*[^\S\x00-\x7f]|\A[^#]*[^\S\x00-\x7f][ \t]*$", re.MULTILINE)
"""White space of other scripts at the beginning or end of a value without a comment."""
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Variable:
    """One variable that is set."""

    name: str
    """Its name."""
    text: str = field(repr=False)
    """Its value; it may be a secret, so it stands in no repr."""
    where: Where
    """`.env:4 NAME`, or `process environment NAME`."""
    shadows: Where | None = None
    """The place in `.env` whose other value this one hides."""


class Variables(Mapping[str, str]):
    """Every variable that a bot of this deployment sees, by name.

    Args:
        by_name: the variables that are set.
        shown: what messages call the file.
        in_file: those of the file, also where the process sets them too.
    """

    def __init__(
        self,
        by_name: Mapping[str, Variable],
        shown: str = ENV_FILE,
        in_file: Mapping[str, Variable] = MappingProxyType({}),
    ) -> None:
        self._by_name = dict(by_name)
        self._shown = shown
        self._in_file = dict(in_file)

    @classmethod
    def read(cls, path: Path, process: Mapping[str, str], shown: str = ENV_FILE) -> Variables:
        """Read a `.env` file, if there is one, below the variables of a process, which win.

        Args:
            path: the file.
            process: the variables of the process, by name.
            shown: what messages call the file.

        Raises:
            Fault: the file is no UTF-8 text, a line of it means nothing, or a name is set twice.
            NotProven: there is a file that cannot be read.
        """
        in_file = read_env_file(path, process, shown) if path.exists() or path.is_symlink() else {}
        by_name = dict(in_file)
        for name, text in process.items():
            below = in_file.get(name)
            hidden = below.where if below is not None and below.text != text else None
            by_name[name] = Variable(name, text, Where(PROCESS, key=name), hidden)
        return cls(by_name, shown, in_file)

    def __getitem__(self, name: str) -> str:
        return self._by_name[name].text

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Variables({', '.join(sorted(self._by_name))})"

    def place(self, name: str) -> Where:
        """Where a variable is set; for one that is not, where it would be."""
        known = self._by_name.get(name)
        return known.where if known is not None else Where(self._shown, key=name)

    def written(self, name: str) -> Variable:
        """A variable as the file has it, whatever the process says.

        Raises:
            NotProven: the file does not set it.
        """
        known = self._in_file.get(name)
        if known is None:
            raise NotProven(
                f"{self._shown} {name}: expected a value, and this file does not set it. "
                f"Next: add a line {name}=… to {self._shown}."
            )
        return known

    def variable(self, name: str) -> Variable:
        """A variable that must be set.

        Raises:
            NotProven: it is not.
        """
        known = self._by_name.get(name)
        if known is None:
            raise NotProven(
                f"{self._shown} {name}: expected a value, and neither this file nor the process environment sets it. "
                f"Next: add a line {name}=… to {self._shown}."
            )
        return known

    def text(self, name: str) -> Found:
        """The value of a variable that is no secret; errors as with `variable`."""
        known = self.variable(name)
        return Found(known.text, known.where)

    def number(self, name: str, *, may_be_zero: bool = False) -> Found:
        """The value of a variable as a finite number above zero, or from zero on.

        Raises:
            NotProven: it is not set.
            Fault: it is anything else, also with a sign, spaces or digits of another script; quotes it.
        """
        found = self.text(name)
        value = float(found.value) if _NUMBER.fullmatch(found.value) else -1.0
        if not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero):
            expected = f"a finite number, {'0 or more' if may_be_zero else 'more than 0'}"
            raise Fault(f"{found.where}: expected {expected}, found {found.value!r}. Next: correct it, or remove it.")
        return Found(value, found.where)

    def secret(self, name: str) -> tuple[SecretStr, Where]:
        """The value of a variable that must not be shown, and its place; errors as with `variable`."""
        known = self.variable(name)
        return SecretStr(known.text), known.where

    def shadowed(self) -> list[Variable]:
        """Variables of the process that hide another value of the file: what is judged is not what is written."""
        return [one for one in self._by_name.values() if one.shadows is not None]


def read_env_file(path: Path, process: Mapping[str, str], shown: str = ENV_FILE) -> dict[str, Variable]:
    """The variables that a `.env` file sets, by name; a name without `=` sets nothing.

    Args:
        path: the file.
        process: where `${NAME}` looks for names that the file does not set.
        shown: what messages call the file.

    Raises:
        Fault: the file is no UTF-8 text, a line of it means nothing, or a name is set twice.
        NotProven: it is missing or cannot be read.
    """
    # Not needed before there is a deployment to look at.
    from dotenv.parser import parse_stream  # noqa: PLC0415
    from dotenv.variables import parse_variables  # noqa: PLC0415

    found: dict[str, Variable] = {}
    for binding in parse_stream(io.StringIO(decode(read_bytes(path, shown), shown, utf16=False), newline=None)):
        written = binding.original.string
        line = binding.original.line + _lines_in(written[: len(written) - len(written.lstrip())])
        if binding.error:
            raise Fault(
                f"{shown}:{line}: expected NAME=value, found a line that sets nothing (its text is not shown: it may "
                "be a secret). Next: correct its quotes and name, or remove it."
            )
        if binding.key is None or binding.value is None:
            continue
        if _HARD_BLANK.search(written):
            raise Fault(
                f"{shown}:{line} {binding.key}: expected a value without blanks around it, found a blank that not all "
                "programs take for one (a no-break space, say). Next: type the line anew."
            )
        if binding.key in found:
            raise Fault(
                f"{shown}:{line} {binding.key}: set a second time; the first is in line "
                f"{found[binding.key].where.line}. Next: keep one of them."
            )
        known = {**process, **{name: one.text for name, one in found.items()}}
        text = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
        found[binding.key] = Variable(binding.key, text, Where(shown, line, binding.key))
    return found


def texts_to_mask(path: Path) -> dict[str, str]:
    """What a `.env` file says, however broken it is: what must not be shown has to be known even then."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - as above

    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        return {}  # nobody can read it, so nobody can show it
    found = {}
    for number, binding in enumerate(parse_stream(io.StringIO(text, newline=None))):
        if binding.key is not None and binding.value:
            found[f"{binding.key} {number}"] = binding.value  # a name may stand there twice
    return found


def _lines_in(text: str) -> int:
    return len(text.splitlines())
