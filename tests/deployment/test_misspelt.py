from __future__ import annotations

import pytest

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.misspelt import letters, misspelt, shortened
from pytest_kraken_golive.deployment.section import Section

LIMITS = ("max_concurrency", "burst")


def section(text: str) -> Section:
    return Section(parse_document(text.encode(), "config/x.yaml", yaml=True), "q")


@pytest.mark.parametrize(
    "key",
    [
        *("max_concurency", "max_concurrnecy", "mx_concurrency", "concurrency_max"),
        *("maxconcurency", "max_concurrancy", "MAX_CONCURRENCY", "max-concurrency", "maxConcurrency"),
        *("max concurrency", "max_concurrenc\u0443", "m\u0430x_concurrency", "max_concurrency\u200b"),
    ],
)  # fmt: skip
def test_slips_and_disguises_of_a_key(key: str) -> None:
    assert misspelt(key, "max_concurrency")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("max_concurrency", "max_concurrency"),
        ("min_concurrency", "max_concurrency"),
        ("max_concurrency_per_pair", "max_concurrency"),
        ("health_max", "health_min"),
        ("rate_limit", "rate_limit_max"),
        ("timeout_warning_seconds", "rate_limit_warning_seconds"),
        ("max_open_orders", "max_open_positions"),
        ("host", "port"),
        ("live", "paper"),
        ("\u540d\u524d", "\u30b3\u30fc\u30c9"),
        ("", "tags"),
    ],
)
def test_other_words_are_no_misspelling(key: str, meant: str) -> None:
    assert not misspelt(key, meant)


@pytest.mark.parametrize(
    ("key", "meant", "slip"),
    [
        ("burst_s", "burst", False),
        ("healthy", "health", False),
        ("enable", "enabled", True),
        ("bursts", "burst", True),
        ("post", "port", True),
        ("required_permission", "required_permissions", True),
        ("maxConcurrency", "max_concurrency", True),
    ],
)
def test_beside_the_right_key_a_word_more_or_another_word_is_no_slip(key: str, meant: str, slip: bool) -> None:
    assert misspelt(key, meant, beside=True) is slip
    assert misspelt(key, meant)


def test_a_disguise_leaves_no_letter_out() -> None:
    assert letters("Burst") == letters("burst")
    assert letters("busrt") != letters("burst")
    assert shortened("concurrency", "max_concurrency")
    assert not shortened("min_concurrency", "max_concurrency")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q: {max_concurency: 9}", "config/x.yaml:1 q.max_concurency: expected the key max_concurrency"),
        (
            "q:\n  max_concurrency: 3\n  max_concurency: 9\n",
            "config/x.yaml:3 q.max_concurency: expected the key max_con",
        ),
        (
            "q:\n  max_concurrency: 3\n  max_concurency: 9\n",
            "max_concurrency is there too (line 2). Next: take it out.",
        ),
        ("q: {concurrency: 9}", "q.concurrency: expected the key max_concurrency, found 'concurrency'"),
        ("q: {max_concurrency: 1, Burst: 9}", "q.Burst: expected the key burst"),
        ("q: {max_concurrency: 1, burs\u0442: 1}", "found 'burs\\u0442'"),
    ],
)
def test_a_closed_mapping_refuses_what_must_be_meant_to_be_a_known_key(text: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        section(text).closed(known=LIMITS)
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


def test_a_closed_mapping_keeps_other_unknown_keys() -> None:
    text = "q: {max_concurrency: 3, burst: 6, concurrency: 1, min_concurrency: 1, note: x}"
    assert len(section(text).closed(known=LIMITS).value) == 5


def test_a_key_that_may_be_left_out_is_absent_only_if_nothing_looks_like_it() -> None:
    assert section("q: {tags: []}").given("tags")
    assert not section("q: {tip: 1}").given("tags")
    assert not section("q: {}").given("tags", "deeper")
    with pytest.raises(Fault, match=r"config/x.yaml:1 q.tag: expected the key tags, found 'tag'"):
        section("q: {tag: [live]}").given("tags")
    with pytest.raises(Fault, match=r"config/x.yaml:1 Q: expected the key q"):
        section("Q: {tags: []}").given("tags")


def test_a_twin_in_disguise_reaches_whoever_reads_the_key() -> None:
    twins = section("q: {key: paper, KEY: live}\nother: {key: 1}")
    assert twins.given("else") is False
    for read in (lambda: twins.text("key"), lambda: twins.has("key")):
        with pytest.raises(Fault, match=r"q.KEY: expected the key key, found 'KEY'.*key is there too \(line 1\)"):
            read()
    with pytest.raises(NotProven):
        section("r: 1").text("key")
