"""Bindings of lines that people judge."""

from __future__ import annotations

import pytest

from pytest_kraken_golive.runbook.binding import BindingError, read_binding
from pytest_kraken_golive.runbook.model import Manual


def test_who_must_sign() -> None:
    bound = read_binding("<!-- golive: {id: a, manual: true, roles: [risk, desk-2], persons: 2} -->")
    assert (bound.id, bound.check, bound.params, bound.manual) == ("a", "", {}, Manual(("risk", "desk-2"), 2))
    assert read_binding("<!-- golive: {id: a, manual: true, roles: [risk]} -->").manual == Manual(("risk",), 1)


def test_a_check_may_stand_beside_them() -> None:
    bound = read_binding("<!-- golive: {id: a, manual: true, roles: [risk], check: c, value: 1} -->")
    assert (bound.check, bound.params, bound.manual) == ("c", {"value": "1"}, Manual(("risk",), 1))


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("manual: yes, roles: [risk]", "manual must be true, found 'yes'"),
        ("manual: false, roles: [risk], check: c", "manual must be true, found 'false'"),
        ("manual: true", "roles must be a list of words"),
        ("manual: true, roles: []", "roles must be a list of words"),
        ("manual: true, roles: risk", "roles must be a list of words"),
        ("manual: true, roles: [Risk]", "roles must be a list of words"),
        ("manual: true, roles: [../x]", "roles must be a list of words"),
        ("manual: true, roles: [[risk]]", "roles must be a list of words"),
        ("manual: true, roles: [risk, risk]", "roles names one twice"),
        ("manual: true, roles: [risk], persons: 0", "persons must be a number from 1 to 9"),
        ("manual: true, roles: [risk], persons: two", "persons must be a number from 1 to 9"),
        ("manual: true, roles: [risk], persons: 1.5", "persons must be a number from 1 to 9"),
        ("manual: true, roles: [risk], value: 1", "has no key 'value'"),
        ("roles: [risk]", "the key 'check' is missing"),
    ],
)
def test_what_nobody_could_sign_is_refused(mapping: str, why: str) -> None:
    with pytest.raises(BindingError, match="(?s)" + why.replace("[", r"\[")):
        read_binding(f"<!-- golive: {{id: a, {mapping}}} -->")
