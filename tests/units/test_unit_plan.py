"""Which lines a run has, what they are called and bound to, and in what order they run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Check, check
from pytest_kraken_golive.gate.nodes import _unbound
from pytest_kraken_golive.gate.outcome import Unbound
from pytest_kraken_golive.gate.plan import Plan, PlannedLine, find_runbooks, make_plan, unbound_id
from pytest_kraken_golive.gate.registry import CHECK_NAME, Registry, read_signature
from pytest_kraken_golive.runbook.binding import read_binding
from pytest_kraken_golive.runbook.model import Line, Runbook, RunbookError

BOOK = Runbook(Path("x.md"), "x.md", "0", "paper", "T", "")


@pytest.mark.filterwarnings("default")
def holds(evidence: Any, core_config: Any, *, value: str, limit: int = 3) -> None:
    """What it proves."""
    evidence.append((core_config, value, limit))


def looks_at_the_run(paper_bot: Any, evidence: Any) -> None: ...


def looks_at_files(evidence: Any) -> None: ...


def registry(*more: Check) -> Registry:
    made = Registry()
    for one in (check("holds")(holds), check("runs")(looks_at_the_run), *more):
        made.add(one)
    return made


Write = Callable[..., list[Path]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write runbooks by name and give their paths."""

    def make(**books: str) -> list[Path]:
        paths = []
        for name, text in books.items():
            path = tmp_path / "config" / "runbooks" / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            paths.append(path)
        return paths

    return make


def refused(paths: Sequence[Path], rootdir: Path, checks: Registry | None = None) -> list[str]:
    with pytest.raises(RunbookError) as caught:
        make_plan(paths, checks or registry(), rootdir)
    return caught.value.problems


def test_lines_are_bound_in_document_order(write: Write, tmp_path: Path) -> None:
    paths = write(
        one="- a <!-- golive: {id: A, check: holds, value: NO} -->\n- b\n",
        two="- c <!-- golive: {id: c, check: runs} -->\n",
    )
    plan = make_plan(paths, registry(), tmp_path)
    assert list(plan.lines) == ["A", "unbound-b", "c"]
    first, second, third = plan.lines.values()
    assert (first.params, first.order, first.line.place) == ({"value": "NO", "limit": 3}, 0, "config/runbooks/one.md:1")
    assert (second.check, second.signature, second.depends_on_run) == (None, None, False)
    assert (third.order, third.depends_on_run, first.depends_on_run) == (2, True, False)
    assert [book.shown for book in plan.runbooks] == ["config/runbooks/one.md", "config/runbooks/two.md"]
    assert plan.of(paths[1]) == [third]


def test_a_bound_check_asks_for_its_fixtures_alone_and_keeps_its_face(write: Write, tmp_path: Path) -> None:
    (path,) = write(one="- a <!-- golive: {id: a, check: holds, value: x, limit: 7} -->\n")
    call = make_plan([path], registry(), tmp_path).lines["a"].call()
    asked = [name for name, one in inspect.signature(call).parameters.items() if one.default is one.empty]
    assert asked == ["evidence", "core_config"]
    assert (call.__name__, call.__doc__) == ("holds", "What it proves.")
    assert [mark.name for mark in vars(call)["pytestmark"]] == ["filterwarnings"]
    seen: list[Any] = []
    call(evidence=seen, core_config="core")
    assert seen == [("core", "x", 7)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{id: a, check: hodls, value: x}", "there is no check 'hodls'; did you mean 'holds'"),
        ("{id: a, check: nothing_like_it}", "there is no check 'nothing_like_it'. Next:"),
        ("{id: a, check: holds}", "needs the parameter 'value'"),
        ("{id: a, check: holds, value: x, limt: 3}", "has no parameter 'limt'"),
        ("{id: a, check: holds, value: x, limit: many}", "parameter 'limit'"),
        ("{id: a, check: holds, value: [x]}", "parameter 'value'"),
    ],
)
def test_a_line_that_uses_a_check_wrongly_is_named(write: Write, tmp_path: Path, text: str, said: str) -> None:
    (problem,) = refused(write(one=f"# T\n\n- a <!-- golive: {text} -->\n"), tmp_path)
    assert problem.startswith("config/runbooks/one.md:3: ")
    assert said in problem
    assert "Next: " in problem


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("Key-1", "key-1"), ("STRASSE", "strasse")])
def test_ids_are_unique_over_all_runbooks_whatever_their_case(
    write: Write, tmp_path: Path, first: str, second: str
) -> None:
    template = "- a <!-- golive: {{id: {}, check: holds, value: x}} -->\n"
    (problem,) = refused(write(one=template.format(first), two=f"# T\n{template.format(second)}"), tmp_path)
    assert problem.startswith(f"config/runbooks/two.md:2: the id {second!r} is already at config/runbooks/one.md:1")


def test_everything_wrong_is_said_at_once(write: Write, tmp_path: Path) -> None:
    checks = registry(check("Bad Name")(holds))
    paths = write(one="1.Check\n", two="- a <!-- golive: {id: a, check: nope} -->\n- b <!-- golive: {id: a} -->\n")
    problems = refused([*paths, tmp_path / "three.md"], tmp_path, checks)
    assert len(problems) == 4  # nope is not looked for in a runbook that cannot be read
    assert [
        bool(re.search(said, "\n".join(problems))) for said in ("Bad Name", r"one\.md:1", r"two\.md:2", r"three\.md")
    ]


def test_a_run_in_which_nothing_is_bound_is_refused(write: Write, tmp_path: Path) -> None:
    (problem,) = refused(write(one="- a\n- b\n"), tmp_path)
    assert "no line is bound to a check" in problem
    assert "config/runbooks/one.md" in problem


@pytest.mark.parametrize("magic", [False, True])
def test_a_pattern_without_a_runbook_names_init(tmp_path: Path, magic: bool) -> None:
    pattern = str(tmp_path / ("*.md" if magic else "none.md"))
    with pytest.raises(RunbookError) as caught:
        find_runbooks([pattern, str(tmp_path)])
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].startswith(pattern)
    assert "kraken-golive init" in caught.value.problems[0]


def test_patterns_give_each_file_once_in_their_order(write: Write, tmp_path: Path) -> None:
    one, two = write(one="- a\n", two="- b\n")
    pattern = str(tmp_path / "config" / "runbooks" / "*.md")
    assert find_runbooks([pattern]) == [one, two]
    assert find_runbooks([str(two), pattern, str(one)]) == [two, one]


def test_a_file_with_brackets_in_its_name_is_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "go-live [paper].md"
    path.write_text("- a\n", encoding="utf-8")
    assert find_runbooks([str(path)]) == [path]


def test_node_ids_name_lines_and_nothing_else(write: Write, tmp_path: Path) -> None:
    plan = make_plan(write(one="- a <!-- golive: {id: a, check: holds, value: x} -->\n"), registry(), tmp_path)
    assert plan.line_of("config/runbooks/one.md::a") is plan.lines["a"]
    for nodeid in ("tests/test_x.py::a", "config/runbooks/one.md::b", "a", "", "config/runbooks/one.md"):
        assert plan.line_of(nodeid) is None


def planned(name: str, order: int, bound: Check | None, text: str = "text") -> PlannedLine:
    line = Line("x.md", order + 1, text, ())
    return PlannedLine(name, line, BOOK, bound, read_signature(bound) if bound else None, {}, order)


def plan_of(lines: Sequence[tuple[str, Sequence[str]]]) -> Plan:
    """Lines in document order: the check that each is bound to, and what that check comes after."""
    after = {name: tuple(names) for name, names in lines if name}
    checks = {name: check(name, after=names)(looks_at_files) for name, names in after.items()}
    made = [planned(f"l{order}", order, checks.get(name)) for order, (name, _) in enumerate(lines)]
    return Plan([BOOK], {one.id: one for one in made})


def test_without_after_lines_run_in_document_order() -> None:
    plan = plan_of([("a", ()), ("", ()), ("b", ()), ("a", ())])
    assert plan.in_order(["l3", "l0", "l2", "l1"]) == ["l0", "l1", "l2", "l3"]
    assert plan.in_order(["l3", "l1"]) == ["l1", "l3"]
    assert plan.in_order([]) == []


def test_a_line_runs_after_all_lines_of_the_checks_that_its_own_comes_after() -> None:
    plan = plan_of([("health", ("smoke",)), ("other", ()), ("smoke", ("setup",)), ("smoke", ("setup",)), ("setup", ())])
    order = plan.in_order(plan.lines)
    assert order == ["l1", "l4", "l2", "l3", "l0"]
    assert plan.in_order(["l0", "l1"]) == ["l0", "l1"]


@pytest.mark.parametrize(
    "lines",
    [
        [("a", ("b",)), ("b", ("a",))],
        [("a", ("a",)), ("a", ("a",))],
        [("a", ("b",)), ("b", ("c",)), ("c", ("a",)), ("d", ("a",)), ("a", ("b",))],
        [("a", ("nothing",))],
    ],
)
def test_a_cycle_loses_no_line_and_ends(lines: list[tuple[str, tuple[str, ...]]]) -> None:
    plan = plan_of(lines)
    order = plan.in_order(plan.lines)
    assert sorted(order) == sorted(plan.lines)
    assert order == plan.in_order(reversed(list(plan.lines)))


def test_many_lines_in_a_cycle_end_too() -> None:
    plan = plan_of([("a", ("b",)), ("b", ("a",))] * 700)
    assert len(plan.in_order(plan.lines)) == 1400


NAMES = "abcdef"


@given(
    st.lists(st.sampled_from(["", *NAMES]), max_size=12),
    st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3)),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_after_is_kept_wherever_it_can_be(bound: list[str], after: dict[str, set[str]], data: st.DataObject) -> None:
    acyclic = {name: sorted(other for other in others if other < name) for name, others in after.items()}
    plan = plan_of([(name, acyclic.get(name, ())) for name in bound])
    chosen = data.draw(st.lists(st.sampled_from(sorted(plan.lines)), unique=True)) if plan.lines else []
    order = plan.in_order(chosen)
    assert sorted(order) == sorted(chosen)
    names = [bound[plan.lines[one].order] for one in order]
    for position, name in enumerate(names):
        assert not set(names[position + 1 :]) & set(acyclic.get(name, ()))
    free = [one for one, name in zip(order, names, strict=True) if not acyclic.get(name)]
    pulled = {other for others in acyclic.values() for other in others}
    left = [one for one in free if bound[plan.lines[one].order] not in pulled]
    assert left == sorted(left, key=lambda one: plan.lines[one].order)


def test_unbound_lines_are_called_by_their_words() -> None:
    line = Line("x.md", 9, "The `key` may trade, *not* withdraw anything", ())
    assert unbound_id(line, {}) == "unbound-the-key-may-trade-not"
    assert unbound_id(line, {"unbound-the-key-may-trade-not": "x.md:1"}) == "unbound-the-key-may-trade-not-2"
    assert unbound_id(Line("x.md", 9, "Ключ", ()), {}) == "unbound-line"


def test_unbound_lines_of_one_text_are_told_apart(write: Write, tmp_path: Path) -> None:
    bound = "- x <!-- golive: {id: x, check: holds, value: x} -->\n"
    plan = make_plan(write(one=f"{bound}- same\n- same\n- Same!\n"), registry(), tmp_path)
    assert list(plan.lines) == ["x", "unbound-same", "unbound-same-2", "unbound-same-3"]


@given(st.one_of(st.text(min_size=1, max_size=30), st.from_regex(r"[0-9]{1,3} [a-z]+( [a-z0-9]+)?", fullmatch=True)))
@settings(max_examples=100, deadline=None)
def test_the_comment_to_paste_can_be_pasted_and_its_check_be_written(text: str) -> None:
    line = Line("x.md", 1, text, ())
    with pytest.raises(Unbound) as caught:
        _unbound(PlannedLine(unbound_id(line, {}), line, BOOK, None, None, {}, 0))()
    binding = read_binding(str(caught.value).split("\n")[-1])
    assert binding.params == {}
    assert CHECK_NAME.match(binding.check)
    assert f"one called {binding.check} " in str(caught.value)


def test_an_unbound_line_is_offered_what_fits_its_words_filled_in_as_other_lines_do(
    write: Write, tmp_path: Path
) -> None:
    def no_breaches(evidence: Any, *, entrypoint: str) -> None:
        """The entrypoint lists its breaches, and there is none."""

    def paper_run(evidence: Any, *, entrypoint: str) -> None:
        """The bot ran on paper."""

    def tags(evidence: Any, *, profile: str) -> None:
        """The profile has its labels."""

    known = registry()
    for function in (no_breaches, paper_run, tags):
        known.add(check(function.__name__)(function))
    text = (
        "- Ran. <!-- golive: {id: run, check: paper_run, entrypoint: desk_paper} -->\n"
        "- The list of breaches of `desk_paper` is empty.\n- The labels of profile `my_desk`.\n- Backups are made.\n"
    )
    lines = make_plan(write(one=text), known, tmp_path).lines
    assert lines["unbound-the-list-of-breaches-of"].proposals[0] == (
        "<!-- golive: {id: the-list-of-breaches-of, check: no_breaches, entrypoint: desk_paper} -->"
    )
    assert "check: tags, profile: my_desk}" in lines["unbound-the-labels-of-profile-my"].proposals[0]
    assert lines["unbound-backups-are-made"].proposals == ()
