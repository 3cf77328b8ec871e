"""The comment that binds a line: what it may be, where it may stand, and what its values are."""

from __future__ import annotations

from typing import Any

import pytest
from runbook_reading import GROUP, A, B, blamed, bound, problems, read, texts, the_line

from pytest_kraken_golive.runbook.binding import BindingError, read_binding


def params_of(mapping: str) -> dict[str, Any]:
    binding = the_line(f"- one <!-- golive: {{id: a, check: c, {mapping}}} -->\n").binding
    assert binding is not None
    return dict(binding.params)


@pytest.mark.parametrize(
    "text",
    [
        f"- one {A}\n",
        f"- one\n  {A}\n",
        f"- one\n\n  {A}\n",
        f"- one\n  two\n  {A}\n",
        "- one <!--golive:{id: a,check: c}-->\n",
        "- one <!--   golive:   {id: a, check: c}   -->\n",
        "- one\n  <!-- golive: {id: a,\n       check: c} -->\n",
        "- one\n  <!-- golive:\n    {id: a, check: c}\n  -->\n",
        "- one <!-- golive: {id: a,\n  check: c} -->\n",
        "- one <!-- golive: {\"id\": \"a\", 'check': 'c'} -->\n",
        f"- one\n\n\n  {A}\n",
        f"- **one {A}**\n",
        f"- one\n  {A}\n  - deeper {B}\n",
        f"- one\n  {A}\n  ```\n  code\n  ```\n",
        f"- one\n  {A}\n  > quoted\n",
        f"- one\n  {A}\n## Heading\n",
        f"- one {A}\n\n  more, in a paragraph of its own\n",
        f"- one\n  {A}\n\n  more, in a paragraph of its own\n",
        f"1. one\n   {A}\n",
    ],
)
def test_where_and_how_a_binding_may_stand(text: str) -> None:
    line = read(text).lines[0]
    assert line.binding is not None
    assert (line.binding.id, line.binding.check, line.binding.params, line.binding.group) == ("a", "c", {}, False)
    assert line.text.startswith("one")
    assert "golive" not in line.text


def test_without_a_comment_a_line_is_unbound() -> None:
    for text in ("- one\n", "- one <!-- a note -->\n", "- one golive: {id: a, check: c}\n"):
        assert the_line(text).binding is None


def test_a_comment_of_an_item_below_is_not_its_parents() -> None:
    outer, inner = read(f"- outer\n  - inner {A}\n").lines
    assert outer.binding is None
    assert inner.binding is not None


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("x: NO", "NO"),
        ("x: off", "off"),
        ("x: True", "True"),
        ("x: 010", "010"),
        ("x: 0x1f", "0x1f"),
        ("x: 1e3", "1e3"),
        ("x: 1.0", "1.0"),
        ("x: 1_000", "1_000"),
        ("x: 12:30:45", "12:30:45"),
        ("x: 2026-01-01", "2026-01-01"),
        ("x: null", "null"),
        ("x: ~", "~"),
        ("x: .nan", ".nan"),
        ("x: ", ""),
        ("x: 'a: b'", "a: b"),
        ('x: "tests/a.py::b"', "tests/a.py::b"),
        ("x: tests/a.py::b", "tests/a.py::b"),
        ('x: "a\\u0062"', "ab"),
        ("x: [NO, 010, [1]]", ["NO", "010", ["1"]]),
        ("x: []", []),
        ("x: {y: NO, 1: 010}", {"y": "NO", "1": "010"}),
        ("x: {}", {}),
    ],
)
def test_values_stay_as_they_are_written(written: str, read_as: object) -> None:
    assert params_of(written) == {"x": read_as}


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("{id: a, check: c, x: 1, x: 2}", "'x' is written twice"),
        ("{id: a, id: b, check: c}", "'id' is written twice"),
        ("{id: a, check: c, x: {y: 1, y: 2}}", "'y' is written twice"),
        ("{id: a, check: c, x: [{y: 1, 'y': 2}]}", "'y' is written twice"),
        ("{id: a}", "'check' is missing"),
        ("{check: c}", "'id' is missing"),
        ("{}", "'id' is missing"),
        ("{id: '', check: c}", "'id' must be a word"),
        ("{id: [a], check: c}", "'id' must be a word"),
        ("{id: a, check: ' '}", "'check' must be a word"),
        ("{id: a, check: {c: d}}", "'check' must be a word"),
        ("{id: a, check: c", "not a YAML flow mapping"),
        ("{id: a, check: c}}", "not a YAML flow mapping"),
        ("{id: a, check: *c}", "it has an anchor or alias"),
        ('{id: a, check: c, x: "\x07"}', "not a YAML flow mapping"),
        ("{id: &a a, check: c}", "it has an anchor or alias"),
        ("{id: a, check: c, x: !!int 1}", "it has the tag"),
        ("{id: a, check: c, x: !secret y}", "it has the tag"),
        ("{id: a, check: c, x: [[[[[[[[[[[[[1]]]]]]]]]]]]]}", "levels"),
        ("[id, check]", "expected a flow mapping"),
        ("id: a", "expected a flow mapping"),
        ("a", "expected a flow mapping"),
        ("", "expected a flow mapping"),
        ("{[id]: a, check: c}", "a key must be a plain word"),
        ("{group: true, id: a, check: c}", "a group proves nothing itself"),
        ("{group: yes}", "'id' is missing"),
    ],
)
def test_a_binding_that_cannot_be_read_says_why(comment: str, said: str) -> None:
    (problem, *more) = problems(f"- zero {bound('z')}\n- one <!-- golive: {comment} -->\n")
    assert more == []
    assert ":2: the binding cannot be read: " in problem
    assert said in problem


@pytest.mark.parametrize("value", ["&x [*x]", "&x {y: [*x]}", "[" * 2000 + "]" * 2000])
def test_a_value_without_end_is_a_problem_and_no_trace_back(value: str) -> None:
    assert blamed(f"- one {bound('a', f'x: {value}')}\n") == [1]


@pytest.mark.parametrize("line_id", ["a", "A9", "0", "key-02", "a.b_c-d", "a" * 200])
def test_ids_that_pytest_can_select(line_id: str) -> None:
    assert read_binding(f"<!-- golive: {{id: {line_id}, check: c}} -->").id == line_id


@pytest.mark.parametrize(
    "line_id", ["-a", ".a", "_a", "a b", "a::b", "'a[1]'", "a/b", "a@b", "é", "'a\\n'", '"a\\n"', "'a '"]
)
def test_ids_that_pytest_cannot_select_are_refused(line_id: str) -> None:
    with pytest.raises(BindingError, match="must match"):
        read_binding(f"<!-- golive: {{id: {line_id}, check: c}} -->")


@pytest.mark.parametrize(
    "text",
    [
        f"- {A} one\n",
        f"- {A}\n  one\n",
        f"-\n  {A}\n  one\n",
        f"- {A}\n\n  one\n",
        f"- [ ] {A} one\n",
        f"- {A}\n",
    ],
)
def test_a_binding_before_the_text_is_refused(text: str) -> None:
    assert problems(text)
    assert set(blamed(text)) <= {1, 2}


@pytest.mark.parametrize(
    "text",
    [
        f"- one {A} more\n",
        f"- one {A} **more**\n",
        f"- one {A} `more`\n",
        f"- one {A}\n  more\n",
        f"- one {A}\nmore, lazily\n",
        f"- one\n  {A} more\n",
        f"- one\n  {A}\n  more\n",
        f"- one\n  {A}\nmore\n",
        f"- one\n  {A}\n  more\n  ---\n",
        f"- one {A} ![](u)\n",
        f"- one {A} <!-- note -->\n",
        f"> - one\n>   {A}\n>   more\n",
    ],
)
def test_text_behind_a_binding_is_refused(text: str) -> None:
    (problem,) = problems(text)
    assert "text follows the binding" in problem


@pytest.mark.parametrize(
    "text",
    [
        f"- one\n\n  more {A}\n",
        f"- one\n\n  more\n  {A}\n",
        f"- one\n  ```\n  code\n  ```\n  {A}\n",
        f"- one\n  - deeper {B}\n\n  {A}\n",
        f"- one\n  - deeper {B}\n  {A}\n",
        f"- one\n  > {A}\n",
        f"- one\n\n  ## Heading {A}\n",
    ],
)
def test_a_binding_away_from_the_items_first_paragraph_is_refused(text: str) -> None:
    """It would bind what a reader takes for something else: most often it is meant for the paragraph above it."""
    (problem,) = problems(text)
    assert "does not stand at its item's first paragraph" in problem


@pytest.mark.parametrize(
    "text",
    [
        f"- one {A} {B}\n",
        f"- one {A}{B}\n",
        f"- one {A} and {B}\n",
        f"- one\n  {A}\n  {B}\n",
        f"- one\n  {A} {B}\n",
        f"- one {A}\n  {B}\n",
        f"- one {A}\n\n  two {B}\n",
        f"- one {A}\n  - deeper {bound('d')}\n\n  {B}\n",
    ],
)
def test_two_bindings_in_one_item_are_refused(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize(
    "text",
    [
        '- one <!-- golive: {id: a, check: c, x: "-->"} -->\n',
        "- one\n  <!-- golive: {id: a, check: c, x: '-->'} -->\n",
        "- one\n  <!-- golive: {id: a, check: c, x: 'a --> b'} -->\n",
        "- one\n  <!-- golive: {id: a,\n  check: c, x: 'a --> b'} -->\n",
    ],
)
def test_an_arrow_inside_a_value_ends_the_comment_and_is_refused(text: str) -> None:
    (problem,) = problems(text)
    assert "its first --> ends it, in a quoted value too" in problem


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- GoLive: {id: b, check: c} -->",
        "<!-- GOLIVE: {id: b, check: c} -->",
        "<!-- go-live: {id: b, check: c} -->",
        "<!-- go_live: {id: b, check: c} -->",
        "<!-- go live: {id: b, check: c} -->",
        "<!-- golive {id: b, check: c} -->",
        "<!-- golive = {id: b, check: c} -->",
        "<!--- golive: {id: b, check: c} --->",
        "\\<!-- golive: {id: b, check: c} -->",
        "`<!-- golive: {id: b, check: c} -->`",
        "<!-- golive: {id: b, check: c} ->",
    ],
)
def test_almost_a_binding_is_named(comment: str) -> None:
    assert 2 in blamed(f"- one {A}\n- two {comment}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"# Title {B}\n\n- one {A}\n", 1, id="heading"),
        pytest.param(f"Text. {B}\n\n- one {A}\n", 1, id="paragraph"),
        pytest.param(f"- one {A}\n\n{B}\n", 3, id="below-the-list"),
        pytest.param(f"- one\n{A}\n", 2, id="not-indented"),
        pytest.param(f"- one {A}\n\n<div>\n{B}\n</div>\n", 4, id="html"),
        pytest.param(f"- one {A}\n\n    {B}\n\nText {bound('c')}\n", 5, id="two-strays"),
        pytest.param(f"> {B}\n\n- one {A}\n", 1, id="quote"),
        pytest.param(f"---\nstage: paper\nx: y # {B}\n---\n- one {A}\n", 3, id="front-matter"),
        pytest.param(f"- one `{B}` {A}\n", 1, id="code-in-an-item"),
        pytest.param(f"- one `{B}\n  {B}` {A}\n", 2, id="code-over-two-lines"),
        pytest.param(f"- one {A}\n\n> <!--\n> golive: {{id: b, check: c}} -->\n", 3, id="quoted-in-two-lines"),
    ],
)
def test_a_binding_of_no_item_is_named(text: str, line: int) -> None:
    assert line in blamed(text)


def test_a_binding_over_two_lines_does_not_hide_one_that_belongs_to_nothing() -> None:
    assert 5 in blamed(f"- one\n  <!--\n  golive: {{id: a, check: c}} -->\n\nA paragraph that asks for much. {B}\n")


def test_a_line_that_only_looks_blank_moves_no_binding() -> None:
    assert texts(f"- one {A}\n\n\u00a0\n- two\n  {B}\n") == [(1, "one"), (4, "two")]
    assert texts(f"-\n  \u00a0\n  one {A}\n- two {B}\n") == [(1, "one"), (4, "two")]


def test_a_group_is_no_line() -> None:
    assert texts(f"- about keys {GROUP}\n  - one {A}\n  - two {B}\n") == [(2, "one"), (3, "two")]


def test_groups_may_hold_groups_and_unbound_lines_beside_bound_ones() -> None:
    lines = read(f"1. a {GROUP}\n   - b {GROUP}\n     - one {A}\n     - two\n").lines
    assert [(line.number, line.binding is not None) for line in lines] == [(3, True), (4, False)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"- zero {A}\n- about keys {GROUP}\n", 2),
        (f"- about keys {GROUP}\n- one {A}\n", 1),
        (f"- about keys {GROUP}\n  - one\n- two {A}\n", 1),
        (f"- about keys {GROUP}\n  - deeper {GROUP}\n- two {A}\n", 2),
        (f"- about keys {GROUP}\n\n  Text only.\n\n- two {A}\n", 1),
    ],
)
def test_a_group_of_nothing_bound_is_refused(text: str, line: int) -> None:
    found = [problem for problem in problems(text) if "groups nothing that is bound" in problem]
    assert any(f":{line}: " in problem for problem in found)
