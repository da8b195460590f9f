"""Regular expressions with counted work, compared with `re`."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from frostline.regexes import Match, Pattern, TooManySteps, find_all

PATTERNS = [
    *("a", "a*b", "(a+)+$", "(a|ab)(c|bcd)(d*)", "^([a-z]+)+$", "a{2,3}?b", "(?P<x>a)(?P<y>b)?", r"\bab\b", r"\Bb"),
    *("(?i)AbC", "[^a-c]+", r"(a)\1", "(?=ab)a", "(?!ab)a.", "(?<=a)b", "(?<!a)b", "a*+b", "(?>a*)b", "(?s:.)b"),
    *("(?m:^b$)", "(a|b)*?c", r"\w+\s\d", r"[\d_-]+", "[]a]+", "(?:a|b|)c?", "a??b??$", "(.+)-(?P<v>v[0-9]*)", "."),
    *("(a(b)?)+", "(?:(a)|b)*", "$", r"\Z", "(?x) a b # c", r"[^\W\d]+", r"(?i)(a)\1", "[^a]", r"[\s\-\]]"),
]


def spans(found: Any, groups: int) -> Any:
    return found and ([found.group(index) for index in range(groups + 1)], found.span())


@pytest.mark.parametrize("pattern", PATTERNS)
def test_matches_are_those_of_re(pattern: str) -> None:
    ours, theirs = Pattern(pattern), re.compile(pattern)
    ours._repeats = None  # or `re` would match the short texts
    random = Random(pattern)
    for _ in range(100):
        text = "".join(random.choice("aabbcdA-_1 v\n") for _ in range(random.randrange(9)))
        assert spans(ours.search(text), theirs.groups) == spans(theirs.search(text), theirs.groups), text
        assert spans(ours.fullmatch(text), theirs.groups) == spans(theirs.fullmatch(text), theirs.groups), text


@pytest.mark.parametrize("pattern", ["(a+)+$", "^([a-z]+)+$", "(a|a)*(a|b)*$", "(a?){40}a{40}!!", "(.*)(.*)(.*)(.*)b"])
def test_work_grows_with_the_text_and_the_pattern_alone(pattern: str) -> None:
    compiled = Pattern(pattern)
    assert compiled.fullmatch("a" * 1000 + "!") is None
    steps: list[int] = []
    for size in (500, 1000):
        spent = 0

        def spend(more: int) -> None:
            nonlocal spent
            spent += more

        compiled.search("a" * size + "!", spend)
        steps.append(spent)
    assert steps[1] <= 2.1 * steps[0]
    assert steps[1] <= 500 * 1000


def test_a_match_with_too_many_steps_ends() -> None:
    with pytest.raises(TooManySteps):
        Pattern(r"(a*)(a*)(a*)(a*)\1\2\3\4b").fullmatch("a" * 200)


def test_re_matches_cheap_patterns_itself() -> None:
    assert Pattern(r"(.+)-(v[0-9][A-Za-z0-9._]*)")._repeats == 2
    assert Pattern("[a-z]{3}x?")._repeats == 1
    for pattern in ("(a+)+", "(ab)*", "ab|cd", r"(a)\1", "(?=a)"):
        assert Pattern(pattern)._repeats is None


@pytest.mark.parametrize("pattern", ["(", "((a{1000}){1000}){1000}", "(?P<x>a)(?(x)b|c)"])
def test_an_invalid_or_too_large_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(re.error):
        Pattern(pattern)


def test_groups_have_numbers_and_names() -> None:
    found = Pattern("(?P<name>a)|(b)").fullmatch("b")
    assert isinstance(found, Match)
    assert (found.group("name"), found.group(2), found.has("name"), found.has("other")) == (None, "b", True, False)
    with pytest.raises(IndexError):
        found.group(3)


def test_all_matches_are_found_without_overlap() -> None:
    assert [found.span() for found in find_all(Pattern("a*"), "baac", lambda _: None)] == [
        (0, 0),
        (1, 3),
        (3, 3),
        (4, 4),
    ]
