"""Which checks may be bound, what is said about those that may not, and how parameters get their types."""

from __future__ import annotations

import functools
import types
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel

from pytest_kraken_golive.contract import Check, check
from pytest_kraken_golive.gate.registry import CheckError, Registry, is_stock, place, read_signature, validated

if TYPE_CHECKING:
    from pathlib import PurePath

    from pytest_kraken_golive.contract import Evidence


def made(function: Any, name: str = "made", **more: Any) -> Check:
    return check(name, **more)(function)


def holds(evidence: Evidence, core_config: Any, *, value: str, limit: int = 3) -> None:
    """A check as it should be."""


def test_fixtures_are_positional_and_parameters_keyword_only() -> None:
    signature = read_signature(made(holds))
    assert (signature.fixtures, list(signature.params)) == (("evidence", "core_config"), ["value", "limit"])


def test_a_check_is_found_at_its_function() -> None:
    assert place(made(holds)).startswith(f"{__file__}:")
    assert not is_stock(made(holds))


def with_default(evidence: Evidence, other: int = 1) -> None: ...
def with_args(*evidence: Evidence) -> None: ...
def with_kwargs(evidence: Evidence, **more: str) -> None: ...
def positional_only(evidence: Evidence, /) -> None: ...
async def coroutine(evidence: Evidence) -> None: ...


async def async_generator(evidence: Evidence) -> AsyncIterator[None]:
    yield


def generator(evidence: Evidence) -> Iterator[None]:
    yield


@functools.wraps(holds)
def wrapped(*args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize("case", [1, 2])
def parametrised(evidence: Evidence, case: int) -> None: ...


def untyped(evidence: Evidence, *, value) -> None: ...  # type: ignore[no-untyped-def]  # what is tested
def typed_for_checkers_only(evidence: Evidence, *, value: PurePath) -> None: ...
def typed_with_nothing(evidence: Evidence, *, value: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - what is tested


class Callable_:
    def __call__(self, evidence: Evidence) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (with_default, "the fixture 'other' has a default"),
        (with_args, "takes *evidence"),
        (with_kwargs, "takes **more"),
        (positional_only, "takes evidence"),
        (coroutine, "is async"),
        (async_generator, "is async"),
        (generator, "yields"),
        (wrapped, "another decorator"),
        (parametrised, "is parametrised"),
        (untyped, "the parameter 'value' has no type"),
        (typed_for_checkers_only, "the type of 'value' cannot be read"),
        (typed_with_nothing, "the type of 'value' cannot be read"),
    ],
)
def test_a_function_that_could_pass_without_checking_is_refused(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(CheckError) as caught:
        read_signature(made(function))
    message = str(caught.value)
    assert said in message
    assert message.startswith(
        f"{__file__}:{function.__code__.co_firstlineno}: " if function is not wrapped else __file__
    )
    assert "check 'made'" in message
    assert "Next: " in message


@pytest.mark.parametrize("thing", [functools.partial(holds, value="x"), Callable_(), Callable_, print, 3])
def test_what_is_no_plain_function_is_refused(thing: Any) -> None:
    with pytest.raises(CheckError, match=r"check 'made': expected a plain function, .* Next: "):
        read_signature(Check("made", thing))


@pytest.mark.parametrize("name", ["", "Queue", "1st", "io-queue", "io queue", "_io", "io\n", "é"])
def test_names_that_cannot_be_written_in_a_comment_are_refused(name: str) -> None:
    with pytest.raises(CheckError, match=r"(?s)lower-case letters.*Next: "):
        read_signature(made(holds, name))


def test_marks_below_and_above_the_decorator_are_seen() -> None:
    def function(evidence: Evidence, *, case: int) -> None: ...

    above = pytest.mark.parametrize("case", [1])(check("made")(function))
    with pytest.raises(CheckError, match="is parametrised"):
        read_signature(above)


def registry_of(*checks: Check) -> Registry:
    registry = Registry()
    registry.take_from(types.SimpleNamespace(**{f"name{index}": one for index, one in enumerate(checks)}))
    return registry


def another(evidence: Evidence) -> None: ...
def a_third(evidence: Evidence) -> None: ...


def test_every_check_of_a_module_is_taken_and_nothing_else() -> None:
    module = types.ModuleType("conftest")
    vars(module).update(one=made(holds, "one"), two=made(another, "two"), three=holds, four="text")
    registry = Registry()
    registry.take_from(module)
    registry.take_from(object())
    assert sorted(registry.checks) == ["one", "two"]
    assert registry.complain() == []
    assert registry.signature(registry.checks["two"]).fixtures == ("evidence",)


def test_one_check_imported_into_two_modules_is_one() -> None:
    one = made(holds)
    registry = registry_of(one, one)
    registry.take_from(types.SimpleNamespace(again=one))
    assert registry.complain() == []


def test_two_checks_of_one_name_name_both_places() -> None:
    (problem,) = registry_of(made(holds), made(another)).complain()
    assert problem.startswith(f"{place(made(another))}: a check named 'made' is already at {place(made(holds))}")
    assert "replaces=" in problem


@pytest.mark.parametrize("first", [True, False])
def test_a_check_may_take_anothers_place_in_whatever_order_they_come(first: bool) -> None:
    stock, own = made(holds), made(another, replaces="made")
    registry = registry_of(*((own, stock) if first else (stock, own)))
    assert registry.complain() == []
    assert registry.checks["made"] is own
    assert registry.signature(registry.checks["made"]).fixtures == ("evidence",)


def test_only_one_may_take_a_place() -> None:
    registry = registry_of(made(holds), made(another, replaces="made"), made(a_third, replaces="made"))
    (problem,) = registry.complain()
    assert "already at" in problem


@pytest.mark.parametrize("first", [True, False])
def test_two_stock_checks_of_one_name_are_not_hidden_by_a_third_that_replaces(first: bool) -> None:
    own = made(another, replaces="made")
    pair = (made(holds), made(a_third))
    assert registry_of(*((own, *pair) if first else (*pair, own))).complain()


def test_replacing_nothing_and_replacing_another_name_are_refused() -> None:
    (problem,) = registry_of(made(holds, replaces="made")).complain()
    assert "replaces nothing" in problem
    (problem,) = registry_of(made(holds, "other", replaces="made")).complain()
    assert "give both the same name" in problem


def test_all_problems_are_kept_and_a_refused_check_is_not_there() -> None:
    registry = registry_of(made(generator, "one"), made(coroutine, "two"), made(holds, "three"))
    assert [("yields" in problem, "async" in problem) for problem in registry.complain()] == [
        (True, False),
        (False, True),
    ]
    assert sorted(registry.checks) == ["three"]


class Limits(BaseModel):
    """A parameter with a shape of its own."""

    burst: int


def typed(
    evidence: Evidence,
    *,
    text: str = "t",
    count: int = 1,
    ratio: float = 1.0,
    amount: Decimal = Decimal(1),
    flag: bool = False,
    names: list[str] = [],  # noqa: B006 - a default that is shared, as a careless author writes it
    totals: Mapping[str, float] | None = None,
    kind: Literal["list", "mapping"] = "list",
    limits: Limits | None = None,
) -> None: ...


def one(name: str, raw: Any) -> Any:
    subject = made(typed)
    return validated(subject, read_signature(subject), {name: raw})[name]


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("text", "NO", "NO"),
        ("text", "010", "010"),
        ("count", "3", 3),
        ("ratio", "1.0", 1.0),
        ("amount", "0.10", Decimal("0.10")),
        ("flag", "true", True),
        ("flag", "false", False),
        ("names", ["a", "b"], ["a", "b"]),
        ("totals", {"warning": "0"}, {"warning": 0.0}),
        ("kind", "mapping", "mapping"),
        ("limits", {"burst": "6"}, Limits(burst=6)),
    ],
)
def test_written_parameters_get_their_types(name: str, raw: Any, value: Any) -> None:
    found = one(name, raw)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("text", ["a"]),
        ("text", {"a": "b"}),
        ("count", "three"),
        ("count", "1.5"),
        ("count", ""),
        ("count", ["1"]),
        ("ratio", "nan"),
        ("ratio", "inf"),
        ("ratio", "-Infinity"),
        ("ratio", "1,0"),
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("amount", ""),
        ("flag", "maybe"),
        ("flag", ""),
        ("names", "a"),
        ("names", {"a": "b"}),
        ("names", [["a"]]),
        ("totals", {"warning": "nan"}),
        ("totals", {"warning": "none"}),
        ("totals", ["a"]),
        ("kind", "List"),
        ("limits", {"burst": "x"}),
        ("limits", {}),
    ],
)
def test_mistyped_parameters_are_named_with_what_was_found(name: str, raw: Any) -> None:
    with pytest.raises(CheckError) as caught:
        one(name, raw)
    assert f"parameter {name!r} of check 'made'" in str(caught.value)
    assert repr(raw) in str(caught.value)


def test_unknown_and_missing_parameters_are_named() -> None:
    subject = made(holds)
    signature = read_signature(subject)
    with pytest.raises(CheckError, match="has no parameter 'valeu'"):
        validated(subject, signature, {"value": "x", "valeu": "y"})
    with pytest.raises(CheckError, match="needs the parameter 'value'"):
        validated(subject, signature, {"limit": "3"})
    with pytest.raises(CheckError, match="has no parameter 'evidence'"):
        validated(subject, signature, {"value": "x", "evidence": "y"})
    bare = made(another)
    with pytest.raises(CheckError, match="has no parameter 'x'"):
        validated(bare, read_signature(bare), {"x": "y"})
    assert validated(subject, signature, {"value": "x"}) == {"value": "x", "limit": 3}
