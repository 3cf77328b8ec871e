"""A call as evidence: what was asked and answered, without secrets and no longer than a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_kraken_golive.contract import EvidenceRecord, Fault
from pytest_kraken_golive.recording.cassette import Answered, Asked, Interaction
from pytest_kraken_golive.recording.cleaning import answered_of, asked_of, once_of
from pytest_kraken_golive.redact import Redactor

LONGEST: Final = 2000
"""Characters of a request's fields, or of an answer's result, that are shown as data; of longer ones the beginning."""
MOST: Final = 5
"""Calls that are shown from the beginning, and from the end."""
SOURCE: Final = "exchange"


def taken_down(taken: Mapping[str, Any], redactor: Redactor, *, by: str) -> Iterator[EvidenceRecord]:
    """Records of a transcript.

    Args:
        taken: see `sandbox.transcript`.
        redactor: knows the secrets.
        by: who took it down.
    """
    note = f"as {by} took it down"
    for call in taken["first"]:
        yield _record(_call(call, redactor), note)
    if taken["left_out"]:
        yield _left_out(taken["left_out"])
    for call in taken["last"]:
        yield _record(_call(call, redactor), note)


def taped(interactions: Sequence[Interaction], redactor: Redactor, *, played: bool) -> Iterator[EvidenceRecord]:
    """Records of what a recording holds, as far as it was asked for."""
    note = "as the recording answered it" if played else "as it was recorded"
    first, rest = interactions[:MOST], interactions[MOST:]
    last = rest[-MOST:]
    for one in first:
        yield _record(_pair(one.asked, _without_amounts(one, redactor)), note)
    if len(rest) > len(last):
        yield _left_out(len(rest) - len(last))
    for one in last:
        yield _record(_pair(one.asked, _without_amounts(one, redactor)), note)


def unknown(why: str) -> EvidenceRecord:
    """The record where nobody can tell what was asked."""
    return EvidenceRecord(SOURCE, f"not known: {why}", key="calls")


def _record(value: dict[str, Any], note: str) -> EvidenceRecord:
    return EvidenceRecord(SOURCE, value, key=f"{value['asked']['method']} {value['asked']['path']}", note=note)


def _left_out(count: int) -> EvidenceRecord:
    return EvidenceRecord(SOURCE, count, key="calls between these that are left out")


def _call(call: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    path = call["target"].partition("?")[0]
    once: list[str] = []
    try:
        body = _bytes(call["body"], call["body_size"])
        asked = asked_of(call["method"], call["target"], body, redactor)
        once = once_of(body, call["target"])
    except Fault as fault:
        asked = Asked(method=call["method"], path=redactor.text(path), fields=_unseen(fault))
    if not call["status"]:
        return _pair(asked, None)
    try:
        answer = _bytes(call["answer"], call["answer_size"])
        answered = _answered(call["status"], answer, asked.endpoint, redactor, once)
    except Fault as fault:
        answered = Answered(status=call["status"], headers={}, body=_unseen(fault))
    return {**_pair(asked, answered), "duration_s": round(call["duration_s"], 6)}


def _without_amounts(one: Interaction, redactor: Redactor) -> Answered:
    return _answered(one.answered.status, one.answered.body.encode(), one.asked.endpoint, redactor, ())


def _answered(status: int, body: bytes, endpoint: str, redactor: Redactor, once: Iterable[str]) -> Answered:
    """Without balances, whatever recordings may hold: reports are passed on to more people."""
    answer = {"status": {"code": status}, "headers": {}, "body": {"string": body}}
    return answered_of(answer, endpoint, redactor, once, balances=False)


def _bytes(text: str | None, size: int) -> bytes:
    if text is None:
        raise Fault(f"a body of {size} bytes")
    return text.encode("latin-1")


def _unseen(fault: Fault) -> str:
    return f"not shown: {str(fault).partition(' Next: ')[0]}"


def _pair(asked: Asked, answered: Answered | None) -> dict[str, Any]:
    return {
        "asked": {"method": asked.method, "path": asked.path, "fields": _cut(asked.fields)},
        "answered": None if answered is None else _answer(answered),
    }


def _answer(answered: Answered) -> dict[str, Any]:
    try:
        data = json.loads(answered.body)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("error"), list):
        return {"status": answered.status, "body": _cut(answered.body)}
    rest = {name: _cut(value) for name, value in data.items() if name != "error"}
    return {"status": answered.status, "error": _cut(data["error"]), **rest}


def _cut(value: Any) -> Any:
    """The data, or the beginning of its text where that is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
