"""The words of `--allow` in messages: what a reader copies lets pass what it says, and no more than it says."""

from __future__ import annotations

import shlex

import pytest

from frostline.allow_words import allow_words, say_words_for_all, with_words_for_all
from frostline.cli.options import parse_allow
from frostline.model import Finding


@pytest.mark.parametrize("names", [["a"], ["a/v1", "b c", "it's, so", "x*"], ["b", "a", "b"]])
def test_the_words_are_one_word_of_a_shell_and_allow_each_name(names: list[str]) -> None:
    (word,) = shlex.split(allow_words("deletes", names))
    assert len(parse_allow([word]).deletes) == len(set(names))


def test_without_a_name_the_word_stands_alone() -> None:
    assert allow_words("empty", []) == "empty"


def findings(*paths: str) -> list[Finding]:
    return [Finding(rule="edited", message=f"{path} was edited", value=path, help="look at it") for path in paths]


def test_of_several_refusals_the_first_that_is_shown_says_the_words_for_all() -> None:
    said = say_words_for_all(findings("b", "a"), "edited", ["b", "a"])
    assert [finding.help for finding in said] == [
        "look at it; all 2 together: `--allow edited=a,edited=b`",
        "look at it",
    ]
    assert [finding.value for finding in said] == ["a", "b"]


def test_one_refusal_or_several_of_one_scope_have_no_other_words() -> None:
    assert say_words_for_all(findings("a"), "edited", ["a"]) == tuple(findings("a"))
    assert with_words_for_all("look", "empty", ["mesh/dc1", "mesh/dc1"]) == "look"


def test_so_many_that_a_report_would_cut_them_are_the_word_without_scopes() -> None:
    paths = [f"services/{number}.yaml" for number in range(40)]
    assert with_words_for_all("look", "edited", paths) == "look; all 40 together: `--allow edited`"
