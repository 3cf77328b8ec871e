"""Front matter: stage, title, owner; and what must not be taken for it."""

from __future__ import annotations

import pytest
from runbook_reading import A, B, blamed, problems, read, texts


def with_front(front: str, body: str = f"- one {A}\n") -> str:
    return f"---\n{front}\n---\n{body}"


def test_stage_title_and_owner() -> None:
    book = read(with_front("stage: production\ntitle: Cut-over\nowner: desk"))
    assert (book.stage, book.title, book.owner) == ("production", "Cut-over", "desk")


def test_defaults_without_front_matter() -> None:
    book = read(f"# The first heading\n\n## Another\n\n- one {A}\n")
    assert (book.stage, book.title, book.owner) == ("paper", "The first heading", "")
    assert read(f"- one {A}\n").title == "x"


@pytest.mark.parametrize(
    "front",
    [
        "stage: paper",
        "stage: 'paper'",
        '"stage": paper',
        "# a note\nstage: paper # a note",
        "tags: [a, b]\nstage: paper",
    ],
)
def test_any_yaml_mapping_is_front_matter(front: str) -> None:
    assert read(with_front(front)).stage == "paper"


def test_lines_are_counted_from_the_top_of_the_file() -> None:
    assert texts(with_front("stage: paper\ntitle: t", f"\n- one {A}\n")) == [(6, "one")]


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("stage: staging", 2),
        ("title: t\nstage: Production", 3),
        ("stage:", 2),
        ("stage: 1", 2),
        ("Stage: production", 2),
        ("STAGE: production", 2),
        ("stage: [paper]", 2),
        ("stage: {a: paper}", 2),
        ("owner: [a, b]", 2),
        ("title: {a: b}", 2),
        ("stage: paper\nstage: production", 3),
        ("title: a\ntitle: a", 3),
        ("title: t\nstage: [", 3),
        ("a: b: c", 2),
        ("a: &x b\nstage: paper", 2),
        ("stage: paper\nb: [&x b, *x]", 3),
        ("stage: !!str paper", 2),
        ("title: t\n[a]: b", 3),
        ("- stage: paper", 2),
        ("paper", 2),
    ],
)
def test_front_matter_that_says_two_things_or_nothing_is_refused(front: str, line: int) -> None:
    assert blamed(with_front(front)) == [line]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"---\nstage: production\ntitle: t\n\n- one {A}\n", id="never-closed"),
        pytest.param(f"\n---\nstage: production\n---\n\n- one {A}\n", id="after-a-blank-line"),
        pytest.param(f" ---\nstage: production\n ---\n\n- one {A}\n", id="indented"),
        pytest.param(f"<!-- note -->\n---\nstage: production\n---\n\n- one {A}\n", id="after-a-comment"),
        pytest.param(f"---\n- stage: production\n---\n\n- one {A}\n", id="a-list"),
        pytest.param(f"---\nproduction\n---\n\n- one {A}\n", id="a-word"),
        pytest.param(f"stage: production\n\n- one {A}\n", id="without-marks"),
        pytest.param(f"stage: production\n---\n\n- one {A}\n", id="without-first-mark"),
        pytest.param(f"# T\n---\nstage: production\n---\n\n- one {A}\n", id="after-a-heading"),
        pytest.param(f"+++\nstage = 'production'\n+++\n\n- one {A}\n", id="toml"),
        pytest.param(f"<!--\nstage: production\n-->\n\n- one {A}\n", id="in-a-comment"),
        pytest.param(f"\ufeff---\nstage: production\n---\n\n- one {A}\n", id="second-byte-order-mark"),
        pytest.param(f"---\ntitle: t\n---\n---\nstage: production\n---\n\n- one {A}\n", id="second-block"),
        pytest.param(f"---\ntitle: t\nmeta:\n  stage: production\n---\n\n- one {A}\n", id="nested"),
        pytest.param(f"---\ntitle: t\nmeta: {{stage: production}}\n---\n\n- one {A}\n", id="nested-in-braces"),
        pytest.param(f"---\n# stage: production\ntitle: t\n---\n\n- one {A}\n", id="commented-out"),
        pytest.param(f"# T\n\n**Stage:** production\n\n- one {A}\n", id="in-prose"),
    ],
)
def test_a_stage_that_nobody_reads_is_no_paper_stage(text: str) -> None:
    """A runbook for production must not be rehearsed as one for paper because its front matter is none."""
    assert problems(text) or read(text).stage == "production"


@pytest.mark.parametrize("before", ["\n", " ", "<!-- note -->\n", "<!-- a note\n\nof lines -->\n\n", "\ufeff"])
def test_title_and_owner_that_nobody_reads_are_refused_too(before: str) -> None:
    (problem,) = problems(f"{before}---\ntitle: t\n---\n\n- one {A}\n")
    assert "almost front matter" in problem


@pytest.mark.parametrize(
    "prose", ["Stage: see above.", "The stage: production", "```\nstage: production\n```", "Stages: two", "- stage one"]
)
def test_prose_about_stages_is_no_stage(prose: str) -> None:
    assert problems(f"# T\n\n- one {A}\n\n{prose}\n") == []


def test_prose_may_repeat_the_stage_of_the_front_matter() -> None:
    assert read(with_front("stage: production", f"Stage: production\n\n- one {A}\n")).stage == "production"


@pytest.mark.parametrize("front", ["title: t", "", "# only a note", "tags: [a]"])
def test_well_formed_front_matter_without_a_stage_is_one_for_paper(front: str) -> None:
    assert read(with_front(front)).stage == "paper"


@pytest.mark.parametrize("end", ["---", "--- ", "...", "----"])
def test_what_ends_front_matter(end: str) -> None:
    assert texts(f"---\nstage: paper\n{end}\n- one {A}\n") == [(4, "one")]


def test_a_list_between_two_thematic_breaks_at_the_top_is_not_swallowed() -> None:
    text = f"---\n- check one\n- check two\n---\n\n- three {A}\n"
    assert problems(text) or [number for number, _ in texts(text)] == [2, 3, 6]


def test_a_thematic_break_at_the_top_is_no_front_matter() -> None:
    text = f"---\n\n# Title\n\n- one {A}\n- two {B}\n"
    assert problems(text) or texts(text) == [(5, "one"), (6, "two")]
