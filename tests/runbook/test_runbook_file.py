"""A runbook as a file: its bytes, its digest, and the digests of its lines."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from runbook_reading import A, bound, read, the_line

from pytest_kraken_golive.runbook.model import RunbookError
from pytest_kraken_golive.runbook.parse import read_runbook

STOCK = Path(__file__).parents[2] / "config" / "runbooks" / "paper_go_live.md"


def test_the_stock_runbook_is_bound_throughout() -> None:
    book = read_runbook(STOCK, "config/runbooks/paper_go_live.md")
    raw = STOCK.read_text("utf-8")
    assert (book.stage, book.title, book.owner) == (
        "paper",
        "Paper go-live of a licensed desktop bot on Kraken",
        "trading-operations",
    )
    assert len(book.lines) == raw.count("<!-- golive:")
    assert all(line.binding is not None for line in book.lines)
    rows = raw.split("\n")
    for line in book.lines:
        assert line.text.split()[0].strip("`*") in rows[line.number - 1]
    ids = [line.binding.id for line in book.lines if line.binding]
    assert len({one.casefold() for one in ids}) == len(ids)
    assert len({line.digest for line in book.lines}) == len(ids)


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    content = f"\ufeff- naïve {A}\r\n".encode()
    file.write_bytes(content)
    book = read_runbook(file, "shown/x.md")
    assert book.sha256 == hashlib.sha256(content).hexdigest()
    assert (book.path, book.shown, book.lines[0].place) == (file, "shown/x.md", "shown/x.md:1")
    assert book.lines[0].text == "naïve"


def test_a_byte_order_mark_hides_neither_front_matter_nor_the_first_item(tmp_path: Path) -> None:
    file = tmp_path / "x.md"
    file.write_bytes(f"\ufeff---\nstage: production\n---\n- one {A}\n".encode())
    assert read_runbook(file, "x.md").stage == "production"


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"# T\n\n- na\xefve\n", "x.md:3"),
        ("- one\n".encode("utf-16"), "x.md:1"),
        (b"# T\r\n\r\n\r\n- \xff\r\n", "x.md:4"),
    ],
)
def test_another_encoding_is_named_with_its_line(tmp_path: Path, content: bytes, place: str) -> None:
    file = tmp_path / "x.md"
    file.write_bytes(content)
    with pytest.raises(RunbookError) as caught:
        read_runbook(file, "x.md")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{place}: not UTF-8")
    assert "Next: " in problem


def test_a_file_that_is_absent_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.md", tmp_path):
        with pytest.raises(RunbookError, match=r"shown\.md: cannot be read .* Next: "):
            read_runbook(path, "shown.md")


def test_a_lines_digest_is_about_words_and_binding_alone() -> None:
    digest = the_line(f"- the key may trade {A}\n").digest
    assert the_line(f"# Moved\n\n1. the  key\n   may trade\n   {A}\n").digest == digest
    for other in (
        f"- the key may not trade {A}\n",
        f"- the key may trade {bound('b')}\n",
        "- the key may trade <!-- golive: {id: a, check: d} -->\n",
        f"- the key may trade {bound('a', 'x: 1')}\n",
        "- the key may trade\n",
    ):
        assert the_line(other).digest != digest


def test_a_lines_digest_does_not_depend_on_how_its_parameters_are_spelt() -> None:
    one, two = (the_line(f"- one {bound('a', more)}\n") for more in ("x: 1, y: [a]", "'x':   \"1\", y: ['a']"))
    assert one.digest == two.digest


def test_a_lines_digest_is_about_all_its_paragraphs() -> None:
    three, thirty = (the_line(f"- The queue is limited.\n  {A}\n\n  At most {count} calls.\n") for count in (3, 30))
    assert three.text == thirty.text == "The queue is limited."
    assert three.digest != thirty.digest


@pytest.mark.parametrize(
    "item",
    [
        f"- one {A}\n\n  at most NUMBER\n",
        f"- one {A}\n  ```\n  limit: NUMBER\n  ```\n",
        f"- one {A}\n  ```limit=NUMBER\n  ```\n",
        f"- one {A}\n\n      limit: NUMBER\n",
        f"- one {A}\n  > at most NUMBER\n",
        f"- one {A}\n\n  ## At most NUMBER\n",
        f"- one {A}\n  <p>at most NUMBER</p>\n",
        f"- see [the agreement](https://x/NUMBER) {A}\n",
        f"- see [the agreement][it] {A}\n\n[it]: https://x/NUMBER\n",
        f"- see ![the agreement](NUMBER.png) {A}\n",
        f"- <b title='NUMBER'>one</b> {A}\n",
        f"- one <!-- as agreed: NUMBER --> {A}\n",
    ],
)
def test_a_lines_digest_is_about_all_that_the_item_holds(item: str) -> None:
    three, thirty = (the_line(item.replace("NUMBER", number)) for number in ("3", "30"))
    assert three.text == thirty.text
    assert three.digest != thirty.digest


def test_a_lines_digest_is_not_about_the_items_below_it() -> None:
    one = the_line(f"- one {A}\n").digest
    assert read(f"- one {A}\n  - two {bound('b')}\n").lines[0].digest == one
