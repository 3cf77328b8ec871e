"""What a check is written against: the leaf of the package, which imports nothing of ours.

A check is a function that looks at a deployment, records what it saw and asserts what its runbook line says::

    @check("environment_exchange", breaks=[other_exchange])
    def environment_exchange(core_config, evidence, *, environment: str, exchange: str) -> None:
        found = core_config.environment(environment).exchange
        evidence.saw(found)
        assert found.value == exchange, found.unlike(exchange)

Positional arguments are fixtures; keyword-only arguments are the line's parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, runtime_checkable

Touches = Literal["none", "reads", "validate", "orders", "cancels_all"]
"""What a check does to the exchange, from nothing to cancelling every order of the account."""

Judges = Literal["deployment", "account"]
"""Whose word a check takes: the deployment's own files and behaviour, or the exchange's word about an account."""


EVERYTHING = "*"
"""In a check's `after`: it runs last."""


class NotProven(Exception):
    """What a line needs is absent: no file, no key, no sample. It is not a pass, and not yet a fault."""

    unread: str | None = None
    """The file that cannot be read at all, so that nothing that stands in it can be judged."""


class Fault(Exception):
    """What a line looked at is there and is wrong: a wrong type, a duplicate key, a broken file.

    The message is written for people: file, line, key path, expected, found, next step.
    """

    unread: str | None = None
    """As with `NotProven`."""


class Faults(AssertionError):
    """Several faults that one look has found: all of them are told."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = tuple(messages)


def refuse(faults: Iterable[str]) -> None:
    """Fail the line if there are faults, and tell each of them once.

    Args:
        faults: a message for each, as `Found.unlike` gives it; all are looked for before the first is told.

    Raises:
        Faults: there is one.
    """
    found = list(dict.fromkeys(faults))
    if found:
        raise Faults(found)


class Outcome(StrEnum):
    """How a line came out."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NOT_PROVEN = "not_proven"
    UNBOUND = "unbound"
    SUSPECT = "suspect"
    PENDING = "pending"
    SIGNED = "signed"
    WAIVED = "waived"
    NOT_RUN = "not_run"


GOOD = frozenset({Outcome.PASSED, Outcome.SIGNED, Outcome.WAIVED})
"""Outcomes that a GO may consist of."""


@dataclass(frozen=True)
class Where:
    """A place that a person can open."""

    source: str
    """File (relative to the deployment's root), URL, command or `exchange`."""
    line: int | None = None
    """1-based line in the file, where there is one."""
    key: str | None = None
    """Key path, written with dots: `trading.entrypoints.kraken_desktop_paper.environment`."""

    @property
    def by_program(self) -> bool:
        """Whether nobody edits this by hand: JSON here is reports, licences, fingerprints and lists."""
        return self.source.endswith(".json")

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return place if self.key is None else f"{place} {self.key}"


@dataclass(frozen=True)
class Found:
    """A value and the place where it was found."""

    value: Any
    """The value as parsed: text, number, flag, list, mapping or None."""
    where: Where
    """Its place."""

    def unlike(self, expected: object, do: str | None = None) -> str:
        """Say that this is not what was expected, and what to do about it.

        Args:
            expected: the value that the line asks for; a `Words` is what to expect in words.
            do: the next step; by default, to set the key (or to change the runbook if the runbook is wrong).
        """
        wanted = expected if isinstance(expected, Words) else show(expected)
        set_it = (
            f"let the program that writes this file write {wanted}" if self.where.by_program else f"set it to {wanted}"
        )
        step = do or f"{set_it}, or change the line if the runbook is wrong"
        return f"{self.where}: expected {wanted}, found {show(self.value)}. Next: {step}."


class Words(str):
    """What is expected, described rather than quoted: `Words("at least one decision")`."""

    __slots__ = ()


def show(value: object, limit: int = 300) -> str:
    """A value as a person would write it in YAML or JSON, cut where it is long."""
    text = _written(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _written(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) is list:
        return f"[{', '.join(map(_written, value))}]"
    if type(value) is dict:
        return f"{{{', '.join(f'{_written(key)}: {_written(item)}' for key, item in value.items())}}}"
    return repr(value)


@dataclass(frozen=True)
class EvidenceRecord:
    """One thing that a check saw."""

    source: str
    """File, URL, command or `exchange`."""
    value: Any
    """What was seen, as JSON data."""
    line: int | None = None
    """1-based line in the file."""
    key: str | None = None
    """Key path in the file or answer."""
    note: str | None = None
    """What the reader should know about it: simulated, derived, measured how."""


class Evidence:
    """Collects what a check saw. A check that passes without a record is not proven."""

    def __init__(self) -> None:
        self.records: list[EvidenceRecord] = []
        self._recorded: set[str] = set()

    def saw(self, found: Found, note: str | None = None) -> None:
        """Record a value together with the place where it was found."""
        self.record(found.where.source, found.value, line=found.where.line, key=found.where.key, note=note)

    def record(
        self, source: str, value: object, *, line: int | None = None, key: str | None = None, note: str | None = None
    ) -> None:
        """Record one thing that was seen; what is recorded again is kept once.

        Args:
            source: file, URL, command or `exchange`.
            value: what was seen; kept as JSON data, other types as their text.
            line: 1-based line in the file.
            key: key path in the file or answer.
            note: what the reader should know about it.
        """
        record = EvidenceRecord(source, plain(value), line, key, note)
        if (same := repr(record)) not in self._recorded:  # unlike `==`, this tells 1 from true and from 1.0
            self._recorded.add(same)
            self.records.append(record)

    def require(self, *pairs: tuple[Found, object], do: str | None = None) -> None:
        """Record each value, and demand that it is the one expected.

        Args:
            pairs: what was found, and what must have been found.
            do: the next step, as with `Found.unlike`.

        Raises:
            Faults: tells of each value that is another one.
        """
        for found, _ in pairs:
            self.saw(found)
        refuse([found.unlike(expected, do) for found, expected in pairs if found.value != expected])


def plain(value: object) -> Any:
    """The value as JSON data; types that JSON does not know become their text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [plain(item) for item in value]
    if value is None or type(value) in {bool, int, str}:
        return value
    for kind in (int, float):  # an enumeration's member, say, as the plain number that it is
        if isinstance(value, kind) and value - value == 0:  # JSON has no NaN and no infinity
            return kind(value)
    return str.__str__(value) if isinstance(value, str) else str(value)


@runtime_checkable
class Copy(Protocol):
    """The copy of a rehearsal that a break may alter. Paths are relative to the deployment's root."""

    def edit(self, file: str, key: str, value: object) -> None:
        """Set the key path in a YAML or JSON file; the parents must exist."""
        ...

    def drop(self, file: str, key: str) -> None:
        """Remove the key path from a YAML or JSON file; it must exist."""
        ...

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace text in a file; the text must be there."""
        ...

    def write(self, file: str, content: str | bytes) -> None:
        """Write a whole file."""
        ...

    def remove(self, file: str) -> None:
        """Delete a file that exists."""
        ...

    def read(self, file: str) -> str:
        """The text of a file."""
        ...

    def set_variable(self, name: str, text: str | None) -> None:
        """Let `.env` set a variable to this text as it stands in the file, or, with None, not at all."""
        ...

    def git(self, *words: str) -> None:
        """Run git in the copy's repository; it must succeed."""
        ...


@dataclass(frozen=True)
class Break:
    """A sabotage under which a line must not pass."""

    name: str
    """Unique within its check."""
    act: Callable[..., None]
    """Alters the copy that it is given: `act(copy)`, or `act(copy, params)` with the parameters of the line."""
    expect: str
    """Text that the line's message must hold; `{name}` stands for the line's parameter of that name."""
    before_run: bool = False
    """True: acts before exchange and bot start, so the copy gets its own. False: acts on the finished run's files."""
    of_recording: bool = False
    """True: acts on a copy of the line's cassette, and is tried where recordings are played. False: the exchange of the
    copy answers live."""

    def apply(self, copy: Any, params: Mapping[str, Any]) -> None:
        """Alter the copy for a line with these parameters."""
        wanted = len(inspect.signature(self.act).parameters)
        self.act(*(copy, params)[:wanted])

    def expected(self, params: Mapping[str, Any]) -> str:
        """What the message of a line with these parameters must hold."""
        text = self.expect
        for name, value in params.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text


def sabotage(
    expect: str, *, before_run: bool = False, of_recording: bool = False
) -> Callable[[Callable[..., None]], Break]:
    """Turn a function that alters a copy into a `Break` of the function's name."""

    def make(act: Callable[..., None]) -> Break:
        return Break(name=act.__name__, act=act, expect=expect, before_run=before_run, of_recording=of_recording)

    return make


@dataclass(eq=False)
class Check:
    """A function that lines can be bound to. Calling it calls the function."""

    name: str
    """What a line writes after `check:`."""
    function: Callable[..., None]
    """Positional arguments are fixtures, keyword-only ones the line's parameters."""
    breaks: tuple[Break, ...] = ()
    """Sabotages that it must notice."""
    touches: Touches = "none"
    """What it does to the exchange."""
    unarmed: Touches | None = None
    """What it does to a real exchange where real orders are not armed; None: what it `touches`, and then it cannot be
    judged there if that is more than `validate`."""
    judges: Judges = "deployment"
    """`account`: takes the exchange's word about an account, which an invented one cannot give."""
    after: tuple[str, ...] = ()
    """Checks whose lines run before this one's, wherever they stand in the runbook; `*`: all of them."""
    begins: tuple[str, ...] = ()
    """What its lines will ask the rehearsal for and may begin when the run does; names as of `Rehearsal.begin`."""
    waivable: bool = True
    """False: no waiver may excuse it."""
    replaces: str | None = None
    """The check of this name that it takes the place of; must equal `name`."""
    tags: tuple[str, ...] = field(default=())
    """Words for `-k`."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Call the function."""
        return self.function(*args, **kwargs)

    @property
    def __name__(self) -> str:
        """The function's name, which is how pytest's marks recognise what they may be put on."""
        return self.function.__name__

    @property
    def pytestmark(self) -> list[Any]:
        """Marks written above `@check` are the function's marks."""
        return list(getattr(self.function, "pytestmark", []))

    @pytestmark.setter
    def pytestmark(self, marks: list[Any]) -> None:
        """What pytest's marks set when they are put on the check."""
        self.function.__dict__["pytestmark"] = marks


def check(
    name: str,
    *,
    breaks: Sequence[Break] = (),
    touches: Touches = "none",
    unarmed: Touches | None = None,
    judges: Judges = "deployment",
    after: Sequence[str] = (),
    begins: Sequence[str] = (),
    waivable: bool = True,
    replaces: str | None = None,
    tags: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Check]:
    """Make a function available to runbook lines under `name`; see `Check` for the meaning of each argument."""

    def make(function: Callable[..., None]) -> Check:
        return Check(
            name,
            function,
            tuple(breaks),
            touches,
            unarmed,
            judges,
            tuple(after),
            tuple(begins),
            waivable,
            replaces,
            tuple(tags),
        )

    return make
