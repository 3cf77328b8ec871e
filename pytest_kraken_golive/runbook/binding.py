"""Read the comment that binds a line: `<!-- golive: {id: …, check: …, parameter: …} -->`."""

from __future__ import annotations

import re

from pytest_kraken_golive.runbook.model import Binding, Manual, Raw
from pytest_kraken_golive.runbook.plain_yaml import PlainYamlError, read_mapping

COMMENT = re.compile(r"<!--\s*golive:(?P<mapping>.*)-->", re.DOTALL)
"""A binding as it must be written."""

NEAR_COMMENT = re.compile(r"<!--+[\s>]*go[-_ ]?live\b", re.IGNORECASE)
"""The beginning of anything that was meant to be a binding; `>` because a quote's mark may stand before each line."""

LINE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
"""Names that pytest can select, run again and report."""

MANUAL_KEYS = ("manual", "roles", "persons")
ROLE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
"""As signers have it in the policy."""
PERSONS = re.compile(r"[1-9]\Z")


class BindingError(ValueError):
    """The comment cannot be read; the message says what is wrong with it and how to write it."""


def read_binding(comment: str) -> Binding:
    """Read one binding comment.

    Values stay as written (`NO` is no False, `010` no 8); the check's parameters give them their types.

    Raises:
        BindingError: no plain flow mapping, no or a malformed id, no check.
    """
    match = COMMENT.fullmatch(comment.strip())
    if match is None:
        raise BindingError("expected <!-- golive: {id: …, check: …} -->")
    mapping = _mapping(match["mapping"].strip())
    if mapping.get("group") == "true":
        if len(mapping) > 1:
            raise BindingError("a group proves nothing itself: write only {group: true}")
        return Binding(id="", check="", params={}, group=True)
    manual = _manual(mapping) if "manual" in mapping else None
    line_id = _word(mapping, "id")
    check = "" if manual is not None and "check" not in mapping else _word(mapping, "check")
    if not LINE_ID.match(line_id):
        raise BindingError(f"id {line_id!r} must match [A-Za-z0-9][A-Za-z0-9_.-]*")
    own = {"id", "check", *(MANUAL_KEYS if manual is not None else ())}
    params = {key: value for key, value in mapping.items() if key not in own}
    if params and not check:
        raise BindingError(
            f"a line that people judge has no key {next(iter(params))!r}; it has: {', '.join(sorted(own))}"
        )
    return Binding(id=line_id, check=check, params=params, manual=manual)


def _manual(mapping: dict[str, Raw]) -> Manual:
    """Who must sign: `manual: true, roles: [risk, trading], persons: 2`."""
    if mapping["manual"] != "true":
        raise BindingError(
            f"manual must be true, found {mapping['manual']!r}; leave it out for a check that decides alone"
        )
    roles = mapping.get("roles")
    if not isinstance(roles, list) or not roles or not all(isinstance(one, str) and ROLE.match(one) for one in roles):
        raise BindingError(f"roles must be a list of words, such as [risk, trading], found {roles!r}")
    if len(set(map(str, roles))) < len(roles):
        raise BindingError(f"roles names one twice: {roles!r}; `persons: 2` asks for two people")
    persons = mapping.get("persons", "1")
    if not isinstance(persons, str) or not PERSONS.match(persons):
        raise BindingError(f"persons must be a number from 1 to 9, found {persons!r}")
    return Manual(tuple(map(str, roles)), int(persons))


def _word(mapping: dict[str, Raw], key: str) -> str:
    if key not in mapping:
        raise BindingError(f"the key {key!r} is missing; write {{id: …, check: …}}")
    value = mapping[key]
    if not isinstance(value, str) or not value.strip():
        raise BindingError(f"the key {key!r} must be a word, found {value!r}")
    return value


def _mapping(text: str) -> dict[str, Raw]:
    try:
        mapping = read_mapping(text)
    except PlainYamlError as error:
        if error.is_syntax and not text.startswith("{"):
            raise BindingError("expected a flow mapping in braces: {id: …, check: …}") from error
        raise BindingError(f"not a YAML flow mapping: {error}" if error.is_syntax else str(error)) from error
    if mapping is None or not mapping.in_braces:
        raise BindingError("expected a flow mapping in braces: {id: …, check: …}")
    return mapping.values
