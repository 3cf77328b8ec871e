"""What exactly was tested, with what, and what could have changed the result: rows of names and values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.reporting.signoff_page.standing import EXCHANGES
from pytest_kraken_golive.reporting.signoff_page.texts import NOT_RECORDED, between, moment


@dataclass(frozen=True)
class Row:
    """A name and what stands behind it."""

    name: str
    values: tuple[str, ...]
    """One to each row; none: there is none, and that is known."""
    code: bool = False
    """Whether people copy it."""
    remarkable: bool = False
    """Whether a reader must know it to weigh the verdict."""


def about(document: dict[str, Any], verdict_sha256: str) -> Iterator[tuple[str, list[Row]]]:
    """All groups of rows, each with its heading."""
    scope = document["scope"] or {}
    yield "The run", _run(document, verdict_sha256)
    yield "What it is about", _judged(document, scope)
    yield "Where it ran", _machine(document.get("identity"))
    yield "Who was called", _called(scope)
    yield "What could have changed a result", _changing(scope)


def _run(document: dict[str, Any], verdict_sha256: str) -> list[Row]:
    started, finished = document["started_at"], document["finished_at"]
    return [
        Row("Run", (_or_not(document["run_id"]),), code=True),
        Row("Started", (moment(started),)),
        Row("Finished", (moment(finished) if finished else "it did not reach its end",), remarkable=not finished),
        Row("Took", (between(started, finished),)),
        Row("Valid until", (moment(document["valid_until"]),)),
        Row("SHA-256 of verdict.json", (verdict_sha256,), code=True),
    ]


def _judged(document: dict[str, Any], scope: dict[str, Any]) -> list[Row]:
    dirty = document["dirty"]
    state = {True: "tracked files differ from the commit", False: "clean: tracked files are as committed"}
    deployment, exchange = scope.get("deployment"), scope.get("exchange")
    return [
        Row("Commit", (_or_not(document["commit"]),), code=True, remarkable=document["commit"] is None),
        Row("Working tree", (state.get(dirty, NOT_RECORDED),), remarkable=dirty is not False),
        Row(
            "Deployment",
            ("a rehearsal: a copy of config/ made for the run" if deployment == "rehearsal" else _or_not(deployment),),
        ),
        Row("Exchange", (f"{EXCHANGES[exchange]} ({exchange})" if exchange in EXCHANGES else _or_not(exchange),)),
        _recordings(scope),
        Row(
            "Runbooks",
            tuple(f"{book['path']}\nsha256 {book['sha256']}" for book in document["runbooks"]) or (NOT_RECORDED,),
            code=True,
        ),
        Row("Other files", _digests(scope.get("digests"), document), code=True),
    ]


def _recordings(scope: dict[str, Any]) -> Row:
    known = scope.get("recordings")
    if known is None:
        return Row("Recordings", (NOT_RECORDED,))
    rows = tuple(
        f"{line}: of {one.get('origin', NOT_RECORDED)}, {_days(one.get('age_days'))}"
        + (f"; stale: {one['stale']}" if one.get("stale") else "")
        for line, one in known.items()
    )
    return Row("Recordings", rows, remarkable=any(one.get("stale") for one in known.values()))


def _days(age: Any) -> str:
    return f"{age:.1f} days old" if isinstance(age, (int, float)) else "age not recorded"


def _machine(identity: dict[str, Any] | None) -> list[Row]:
    if identity is None:
        return [Row("Machine and versions", (NOT_RECORDED,), remarkable=True)]
    python = f"{identity.get('implementation', '')} {identity.get('python', NOT_RECORDED)}".strip()
    packages = identity.get("packages")
    return [
        Row("Machine", (_or_not(identity.get("machine")),)),
        Row("System", (_or_not(identity.get("platform")),)),
        Row("Python", (python,)),
        Row(
            "Packages",
            (NOT_RECORDED,) if packages is None else tuple(f"{name} {version}" for name, version in packages.items()),
        ),
    ]


def _called(scope: dict[str, Any]) -> list[Row]:
    rows = [Row("Hosts that the gate called", _list(scope.get("hosts")), code=True)]
    bot = scope.get("bot")
    if bot is None:
        return [*rows, Row("Bot", ("none ran",) if "bot" in scope else (NOT_RECORDED,))]
    return [
        *rows,
        Row("Bot", (_or_not(bot.get("kind")),), remarkable=bot.get("kind") not in {None, "reference bot"}),
        Row("Its command", (" ".join(map(str, bot.get("command") or [])) or NOT_RECORDED,), code=True),
        Row("Its exit status", (_or_not(bot.get("exit_status")),)),
        Row("Hosts that the bot called", _hosts(bot.get("hosts")), code=True),
        Row("Who asked the bot", _hosts(bot.get("asked_by")), code=True),
        Row("Left out of its copy", _list(bot.get("left_out_of_its_copy"))),
    ]


def _hosts(hosts: Any) -> tuple[str, ...]:
    if hosts is None:
        return (NOT_RECORDED,)
    return tuple(
        f"{one['host']}:{one['port']} ({', '.join(str(one[key]) for key in ('whose', 'how') if one.get(key))})"
        for one in hosts
    )


def _changing(scope: dict[str, Any]) -> list[Row]:
    not_asked = scope.get("not_asked")
    asked = None if not_asked is None else [f"{one['line']} ({one['check']})" for one in not_asked]
    overridden = scope.get("overridden_fixtures")
    weighty = (
        ("Overridden fixtures", None if overridden is None else [f"{name} ({at})" for name, at in overridden.items()]),
        ("Checks of the project's own", scope.get("own_checks")),
        ("Replaced stock checks", scope.get("replaced_checks")),
        ("Checks without a break", scope.get("unproven_checks")),
        ("Stock lines that are not asked", asked),
    )
    return [
        *(Row(name, _list(values), remarkable=values is None or bool(values)) for name, values in weighty),
        Row("Plugins", _list(scope.get("plugins"))),
        Row("Arguments", _words(scope.get("arguments")), code=True),
        Row("addopts", _words(scope.get("addopts")), code=True),
    ]


def _list(values: Any) -> tuple[str, ...]:
    return (NOT_RECORDED,) if values is None else tuple(map(str, values))


def _words(values: Any) -> tuple[str, ...]:
    if values is None:
        return (NOT_RECORDED,)
    return (" ".join(map(str, values)),) if values else ()


def _digests(digests: Any, document: dict[str, Any]) -> tuple[str, ...]:
    if digests is None:
        return (NOT_RECORDED,)
    runbooks = {book["path"] for book in document["runbooks"]}
    return tuple(
        f"{path}: absent" if digest == "absent" else f"{path}\nsha256 {digest}"
        for path, digest in digests.items()
        if path not in runbooks
    )


def _or_not(value: Any) -> str:
    return NOT_RECORDED if value is None else str(value)
