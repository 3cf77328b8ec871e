from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.documents import Document, load_json, load_yaml, parse_document
from pytest_kraken_golive.deployment.json_text import parse_json, strict_data
from pytest_kraken_golive.deployment.spots import MAX_DEPTH

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=15
)
MAPPINGS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5)


def of_yaml(text: str | bytes) -> Document:
    return parse_document(text.encode() if isinstance(text, str) else text, "config/x.yaml", yaml=True)


def of_json(text: str | bytes) -> Document:
    return parse_document(text.encode() if isinstance(text, str) else text, "x.json", yaml=False)


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, item in inner for found in paths(item, (*path, key)))]


def value_at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@settings(deadline=None)  # a busy machine is no fault
@given(MAPPINGS, st.booleans())
def test_yaml_data_are_those_of_the_safe_loader(data: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)
    document = of_yaml(text)
    assert document.data == yaml.safe_load(text) == data
    for path in paths(data):
        assert document.at(path).value == value_at(data, path)


@settings(deadline=None)  # a busy machine is no fault
@given(MAPPINGS)
def test_json_data_are_those_of_json_and_every_key_has_its_line(data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=1, ensure_ascii=False)
    document = of_json(text)
    assert document.data == json.loads(text)
    # With indent=1 every key and every item stands on a line of its own, in the order of a walk through the data.
    lines = [document.at(path).where.line for path in paths(data)]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert len(set(lines)) == len(lines)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True), st.data())
def test_yaml_lines_are_those_of_the_keys(names: list[str], data: st.DataObject) -> None:
    text, expected = "", {}
    for name in names:
        text += data.draw(st.sampled_from(["", "\n", "# comment: x\n", "# 🐙\r\n", "\n\n"]))
        expected[name] = text.count("\n") + 1
        text += f"{name}: " + data.draw(
            st.sampled_from(["1\n", "[1,\n  2]\n", "|\n  a\n\n  b\n", "{x: 1}\r\n", '"a\n b"\n'])
        )
    document = of_yaml(text)
    assert {name: document.at(name).where.line for name in names} == expected


def test_a_value_has_file_line_and_key_path() -> None:
    found = of_yaml("a:\n  b:\n    - c: 1\n    - c: 2\n").at("a.b.1.c")
    assert (found.value, str(found.where)) == (2, "config/x.yaml:4 a.b.1.c")
    assert found.unlike(3) == (
        "config/x.yaml:4 a.b.1.c: expected 3, found 2. Next: set it to 3, or change the line if the runbook is wrong."
    )


def test_keys_with_dots_and_keys_that_are_no_text() -> None:
    document = of_yaml("a.b: {c: 1}\n8: eight\nyes: affirmative\n")
    assert document.at(("a.b", "c")).where.key == '"a.b".c'
    assert document.at("8").value == "eight"
    assert document.at("true").value == "affirmative"
    with pytest.raises(NotProven):
        document.at("a.b")


def test_lines_of_merged_keys_are_where_they_are_written() -> None:
    document = of_yaml("x: &x\n  a: 1\n  b: 2\ny:\n  <<: *x\n  b: 3\nz: {<<: [*x, {a: 9, c: 4}]}\n")
    assert document.data == {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}, "z": {"a": 1, "b": 2, "c": 4}}
    assert [document.at(path).where.line for path in ("y.a", "y.b", "z.b", "z.c")] == [2, 6, 3, 7]


def test_line_separators_that_editors_do_not_count_are_not_counted() -> None:
    assert of_yaml("# a\u2028# b\u2029# c\u0085# d\nx: 1\n").at("x").where.line == 2


def test_what_is_absent_names_the_nearest_parent_its_keys_and_a_misspelling() -> None:
    document = of_yaml("trading:\n  entrypoints:\n    desktop: {enviroment: x}\n")
    with pytest.raises(NotProven) as caught:
        document.at("trading.entrypoints.desktop.environment")
    message = str(caught.value)
    assert message.startswith("config/x.yaml:3 trading.entrypoints.desktop.environment: expected this key, found none.")
    assert "nearest parent that exists is trading.entrypoints.desktop (line 3)" in message
    assert "did you mean enviroment?" in message
    assert "else add environment below trading.entrypoints.desktop" in message
    assert not document.has("trading.entrypoints.desktop.environment")


def test_below_nothing_is_absent_and_below_a_scalar_is_a_fault() -> None:
    document = of_yaml("empty:\nscalar: 5\nlist: [1]\n")
    with pytest.raises(NotProven, match=r"empty.x: expected this key"):
        document.at("empty.x")
    with pytest.raises(Fault, match=r"config/x.yaml:2 scalar: expected a mapping with the key 'x', found 5, which"):
        document.at("scalar.x")
    with pytest.raises(Fault, match="found a list"):
        document.at("list.x")
    with pytest.raises(NotProven, match="a list of 1 items"):
        document.at("list.7")
    with pytest.raises(Fault, match="found a list"):
        document.at(("list", -1))


@pytest.mark.parametrize(
    ("read", "value", "expected", "found"),
    [
        ("text", "5", "expected text", "found 5, which is a number"),
        ("text", "yes", "expected text", "found true, which is a flag"),
        ("text", "2026-11-20", "expected text", "which is a date"),
        ("text", "", "expected text", "found nothing (null)"),
        ("text", '"  "', "expected text that is not blank", "found the text '  '"),
        ("number", "true", "expected a number", "found true, which is a flag"),
        ("number", '"3"', "expected a number", "found the text '3'"),
        ("number", ".nan", "expected a finite number", "found nan"),
        ("number", "-.inf", "expected a finite number", "found -inf"),
        ("whole", "3.0", "expected a whole number", "found 3.0"),
        ("whole", "false", "expected a whole number", "found false, which is a flag"),
        ("flag", '"true"', "expected true or false", "found the text 'true'"),
        ("flag", "1", "expected true or false", "found 1, which is a number"),
        ("names", "desktop", "expected a list", "found the text 'desktop'"),
        ("mapping", "[]", "expected a mapping", "found a list"),
        ("mapping", "{no: 1}", "expected keys that are text", "found the key false, which is a flag"),
    ],
)
def test_a_wrong_type_is_a_fault(read: str, value: str, expected: str, found: str) -> None:
    with pytest.raises(Fault) as caught:
        getattr(of_yaml(f"a:\n  b: {value}\n"), read)("a.b")
    message = str(caught.value)
    assert message.startswith("config/x.yaml:2 a.b: ")
    assert expected in message
    assert found in message
    assert "Next: " in message


@pytest.mark.parametrize(("written", "read"), [("010", 8), ("5:00", 300), ("-0_12", -10), ("1:30.5", 90.5)])
def test_a_number_that_people_read_as_another_is_a_fault_for_who_reads_it(written: str, read: float) -> None:
    document = of_yaml(f"a: {written}\nb: 007\nc: 1_000\nd: '010'\ne: 0.5\n")
    with pytest.raises(Fault, match=rf":1 a: expected a number in decimal digits, found {written}, .* as {read}, "):
        document.number("a")
    assert document.at("a").value == read, "who asks for no number has what the loader reads"
    assert [document.number(key).value for key in "bce"] == [7, 1000, 0.5]
    assert document.text("d").value == "010"


def test_a_wrong_item_names_its_own_line() -> None:
    with pytest.raises(Fault, match=r"config/x.yaml:3 tags.1: expected text, found 8"):
        of_yaml("tags:\n  - a\n  - 8\n").names("tags")


def test_right_types_come_back_with_their_places() -> None:
    document = of_yaml("t: x\nn: 1.5\nw: 3\nf: false\nl: [a]\nm: {}\n")
    reads = [document.text("t"), document.number("n"), document.whole("w"), document.flag("f")]
    assert [found.value for found in (*reads, document.names("l"), document.mapping("m"))] == [
        "x", 1.5, 3, False, ["a"], {},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\nb: 2\na: 3\n", "config/x.yaml:3 a: expected the key once, found it in line 1 and again in line 3"),
        ("x:\n  1: a\n  0x1: b\n", "config/x.yaml:3 x.1: expected the key once, found it in line 2"),
        ("yes: a\ntrue: b\n", "config/x.yaml:2 true: expected the key once, found it in line 1"),
        (
            "x: &x {a: 1}\ny:\n  <<: *x\n  <<: {b: 1}\n",
            "config/x.yaml:4 y.<<: expected the key once, found it in line 3",
        ),
        ("a:\n- b: 1\n  b: 2\n", "config/x.yaml:3 a.0.b: expected the key once"),
        ("a: 1\nb: {c: 1, c: 2}\na: 2\n", "Likewise: a (lines 1 and 3)"),
        ('a: 1\n"a": 2\n', "config/x.yaml:2 a: expected the key once"),
    ],
)
def test_duplicate_keys_of_yaml_are_a_fault_that_names_both_lines(text: str, lines: str) -> None:
    with pytest.raises(Fault) as caught:
        of_yaml(text)
    assert lines in str(caught.value)
    assert "Next: keep one and delete the other" in str(caught.value)


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP_BY_ALIAS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [[[*a{n - 1}]]]\n" for n in range(1, 60))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("? [a]\n: b\n", "config/x.yaml:1: expected a plain key, found a collection"),
        ("x:\n  ? {a: 1}\n  : b\n", "config/x.yaml:2 x: expected a plain key"),
        (
            "x:\n  a: !!python/object/apply:os.system [id]\n",
            "config/x.yaml:2 x.a: expected a value of a kind that a safe",
        ),
        (
            "a: !mine 5\n",
            "config/x.yaml:1 a: expected a value of a kind that a safe loader reads, found the tag '!mine'",
        ),
        ("a: 2026-99-99\n", "config/x.yaml:1 a: expected a value of the kind 'timestamp'"),
        ("a: !!timestamp x\n", "config/x.yaml:1 a: expected a value of the kind 'timestamp'"),
        ("a: !!int ''\n", "config/x.yaml:1 a: expected a value of the kind 'int'"),
        ("a: " + "9" * 5000, "config/x.yaml:1 a: expected a value of the kind 'int'"),
        ("<<: 5\n", "config/x.yaml:1 <<: expected a mapping to merge, found '5'"),
        ("a: &a\n  - *a\n", "config/x.yaml:1 a.0: expected a value, found an alias that contains itself"),
        ("x: &x\n  <<: *x\n", "found an alias that contains itself"),
        (LAUGHS, "expected at most 200000 values"),
        (DEEP_BY_ALIAS, f"expected at most {MAX_DEPTH} levels"),
        ("[" * 100_000, f"config/x.yaml:1: expected at most {MAX_DEPTH} levels"),
        ("a:\n" + "- " * 5000, f"config/x.yaml:2: expected at most {MAX_DEPTH} levels"),
        ("a: 1\n---\nb: 2\n", "config/x.yaml:2: expected one document, found a second one"),
        ("- a\n", "config/x.yaml:1: expected a mapping at the top level, found a list"),
        ("text", "expected a mapping at the top level, found the text 'text'"),
        ("a: *x\n", "found undefined alias"),
        ("a: 1\nb:\t\n", "config/x.yaml:2: expected YAML"),
        ("a: 1\nb: \x00\n", "config/x.yaml:2: expected text, found the character U+0000"),
    ],
)
def test_broken_yaml_is_a_fault(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        of_yaml(text)
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  b\n  c: 1\n", "2: expected YAML, found a line without a colon"),
        ("a: 1\n\n# b\ntrading\n  entry: 1\n", "4: expected YAML, found a line without a colon"),
        ("a:\n  b: 1\n  c:2\n  d: 3\n", "3: expected YAML, found a line without a colon"),
        ("a:\n  - x\n  -y\n  - z\n", "3: expected YAML, found a line without a colon"),
        ('a: 1\nb: "foo\nc: 2\nd: 3\n', "2: expected YAML, found a quote that is never closed"),
        ('a: 1\nb: "foo\nc: 2\nd: "x"\n', "2: expected YAML, found a quote that is not closed before line 4"),
        ("a: 1\nb: [x,\n", "2: expected YAML, found brackets [ ] that are opened here"),
        ("a: 1\nb: {x: 1, y: 2\nc: 2\n", "2: expected YAML, found brackets { } that are opened here"),
        ("a:\n  b: 1\n   c: 2\n", "3: expected YAML, found a key that is indented below a line that has a value"),
        ("a:\n    b: 1\n  c: 2\n", "3: expected YAML, found a line that fits nothing above it"),
        ('a: 1\nb: "x" y\n', "2: expected YAML, found a line that fits nothing above it"),
        ("a: 1\r\nb: c: d\r\n", "2: expected YAML, found a second colon in a value"),
        ("a:\n\tb: 1\n", "2: expected YAML, found a tab"),
        ("a: 1\nb: %x\n", "2: expected YAML, found a value that begins with a reserved character"),
        ('a: 1\nb: "c:\\path"\n', "2: expected YAML, found a backslash in double quotes"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\n", "2: expected YAML, found the mark of a merge conflict"),
    ],
)
def test_a_typing_mistake_is_named_in_the_line_where_it_was_made(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        of_yaml(text)
    assert str(caught.value).startswith(f"config/x.yaml:{message}")
    assert ". Next: " in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_yaml_allows(encoding: str) -> None:
    assert of_yaml("# x\nä: ö\n".encode(encoding)).at("ä").where.line == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "a: 1\nb: ä\n".encode("latin-1"),
            "config/x.yaml:2: expected UTF-8 text, found a byte that is none (0xe4) at byte 8",
        ),
        (b"\xff\xfea\x00b", "expected UTF-16 text"),
        ("a: 1".encode("utf-32"), "found UTF-32"),
        ("a: 1".encode("utf-16-le"), "found the character U+0000"),
    ],
)
def test_other_encodings_are_a_fault_with_the_byte(data: bytes, message: str) -> None:
    with pytest.raises(Fault) as caught:
        of_yaml(data)
    assert message in str(caught.value)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(st.sampled_from("ab:-?&*!|>[]{},#'\"\n 1~<=%@\t.\\"), max_size=40) | st.text(max_size=30))
def test_whatever_the_text_there_is_a_document_or_a_message(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    for parse in (of_yaml, of_json):
        message = "Next: "
        try:
            parse(data)
        except (Fault, NotProven) as error:
            message = str(error)
        assert "Next: " in message


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(st.sampled_from("ab: -&*[]{},#\n1<"), max_size=30))
def test_what_is_accepted_is_what_the_plain_safe_loader_reads(text: str) -> None:
    try:
        document = of_yaml(text)
    except (Fault, NotProven):
        return
    assert document.data == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n"a": 2}', "x.json:2 a: expected the key once, found it in line 1 and again in line 2"),
        ('{"\\u0061": 1, "a": 2}', "x.json:1 a: expected the key once"),
        ('{"a":\n{"b": NaN}}', "x.json:2 a.b: expected a finite number (JSON has no other), found NaN"),
        ('{"a": [0,\n-Infinity]}', "x.json:2 a.1: expected a finite number"),
        ('{"a": 1e999}', "found 1e999"),
        ('{"a":\n1', "x.json:2: expected JSON to its end, found that it breaks off"),
        ('{"a": "x', "x.json:1: expected JSON to its end, found that it breaks off"),
        ('{"a":\ntru}', "x.json:2: expected JSON, found text that is none"),
        ('{"a": 1}\n{"b": 2}', "x.json:2: expected JSON, found text that is none: Extra data"),
        ('{"a": "\\ud800"}', "x.json:1 a: expected text, found half a character"),
        ('{"a":\n' + "9" * 5000 + "}", "x.json:2: expected a number, found one with too many digits"),
        ('{"a":' * 100_000, f"expected at most {MAX_DEPTH} levels"),
        ('{"a":' * 150 + "1" + "}" * 150, f"expected at most {MAX_DEPTH} levels"),
        ('["bare"]', "x.json:1: expected a mapping at the top level, found a list"),
    ],
)
def test_broken_json_is_a_fault(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        of_json(text)
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


def test_json_encodings() -> None:
    assert of_json('{"a": 1}'.encode("utf-8-sig")).data == {"a": 1}
    with pytest.raises(Fault, match="found UTF-16 at byte 0"):
        of_json('{"a": 1}'.encode("utf-16"))
    with pytest.raises(Fault, match=r"x.json:2: .*0xff.* at byte 8"):
        of_json(b'{"a":\n"x\xff"}')


@pytest.mark.parametrize("text", ["", "  \n", "# only a comment\n", "---\n", "---\n...\n"])
def test_an_empty_file_is_not_proven(text: str) -> None:
    with pytest.raises(NotProven, match="found an empty file"):
        of_yaml(text)


def test_a_missing_file_and_a_folder_are_not_proven(tmp_path: Path) -> None:
    with pytest.raises(NotProven) as caught:
        load_yaml(tmp_path / "none" / "runtime.yaml", "config/runtime.yaml")
    assert "config/runtime.yaml: expected a file, found none. Next: create it" in str(caught.value)
    with pytest.raises(NotProven, match=r"config: expected a file, found a directory"):
        load_json(tmp_path, "config")
    with pytest.raises(NotProven, match=r"cannot be read"):
        load_json(tmp_path / "a\x00b", "config")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotProven, match=r"cannot be read"):
        load_json(tmp_path / "file" / "below", "config")


def read_by(parse: Callable[[str, str], Any], text: str) -> tuple[str, Any]:
    try:
        return "read", repr(parse(text, "x.json"))
    except Fault as error:
        return "refused", str(error)


def with_places(text: str, shown: str) -> Any:
    parsed = parse_json(text, shown)
    return None if parsed is None else parsed[0]


TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"a"',
    '"b"',
    "1",
    "1e999",
    "-1.5",
    "NaN",
    "true",
    '"\\ud800"',
    '"\\u00e4"',
    " ",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join) | MAPPINGS.map(json.dumps) | st.text(max_size=20))
@example('{"a": 1, "a": 1}')
@example('[{"a": {"b": 1, "b": 2}}]')
@example('{"a": 1e999}')
@example('{"a": -Infinity}')
@example('["\\ud83d\\ude00"]')
@example(f'{{"a": {"9" * 5000}}}')
@example("[" * 100_000)
def test_json_without_places_is_read_and_refused_alike(text: str) -> None:
    assert read_by(strict_data, text) == read_by(with_places, text)
