"""Read the comment that binds a line: `<!-- golive: {id: …, check: …, parameter: …} -->`."""

from __future__ import annotations

import re
from typing import cast

import yaml

from pytest_kraken_golive.runbook.model import Binding, Raw

COMMENT = re.compile(r"<!--\s*golive:(?P<mapping>.*?)-->", re.DOTALL)
"""A binding as it must be written."""

NEAR_COMMENT = re.compile(r"<!--+\s*go[-_ ]?live\b", re.IGNORECASE)
"""The beginning of anything that was meant to be a binding."""

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the C parser where PyYAML was built with it

LINE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
"""Names that pytest can select, run again and report."""


class BindingError(ValueError):
    """The comment cannot be read; the message says what is wrong with it and how to write it."""


def read_binding(comment: str) -> Binding:
    """Read one binding comment.

    Values stay as written (`NO` is no False, `010` no 8); the check's parameters give them their types.

    Raises:
        BindingError: not a flow mapping, a duplicate key, no or a malformed id, no check.
    """
    match = COMMENT.fullmatch(comment.strip())
    if match is None:
        raise BindingError("expected <!-- golive: {id: …, check: …} -->")
    mapping = _mapping(match["mapping"].strip())
    if mapping.get("group") == "true":
        if len(mapping) > 1:
            raise BindingError("a group proves nothing itself: write only {group: true}")
        return Binding(id="", check="", params={}, group=True)
    line_id, check = (_word(mapping, key) for key in ("id", "check"))
    if not LINE_ID.match(line_id):
        raise BindingError(f"id {line_id!r} must match [A-Za-z0-9][A-Za-z0-9_.-]*")
    params = {key: value for key, value in mapping.items() if key not in {"id", "check"}}
    return Binding(id=line_id, check=check, params=params)


def _word(mapping: dict[str, Raw], key: str) -> str:
    if key not in mapping:
        raise BindingError(f"the key {key!r} is missing; write {{id: …, check: …}}")
    value = mapping[key]
    if not isinstance(value, str) or not value.strip():
        raise BindingError(f"the key {key!r} must be a word, found {value!r}")
    return value


def _mapping(text: str) -> dict[str, Raw]:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
        raise BindingError(f"not a YAML flow mapping: {problem}") from error
    if not isinstance(node, yaml.MappingNode) or not node.flow_style:
        raise BindingError("expected a flow mapping in braces: {id: …, check: …}")
    return cast("dict[str, Raw]", _plain(node))


def _plain(node: yaml.Node) -> Raw:
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Raw] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise BindingError("a key must be a plain word")
            if key_node.value in result:
                raise BindingError(f"the key {key_node.value!r} is written twice")
            result[key_node.value] = _plain(value_node)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return str(node.value)
