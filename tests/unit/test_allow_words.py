"""The value of `--allow` in messages: a copied value allows exactly what the message names."""

from __future__ import annotations

import shlex

import pytest

from frostline.allow_words import allow_words, say_words_for_all, with_words_for_all
from frostline.cli.options import parse_allow
from frostline.model import Finding


@pytest.mark.parametrize("names", [["a"], ["a/v1", "b c", "it's, so", "x*"], ["b", "a", "b"]])
def test_the_value_is_one_shell_word_and_allows_each_name(names: list[str]) -> None:
    (word,) = shlex.split(allow_words("deletes", names))
    assert len(parse_allow([word]).deletes) == len(set(names))


def test_without_names_the_value_is_the_word_alone() -> None:
    assert allow_words("empty", []) == "empty"


def findings(*paths: str) -> list[Finding]:
    return [Finding(rule="edited", message=f"{path} was edited", value=path, help="look at it") for path in paths]


def test_the_first_of_several_refusals_suggests_the_value_for_all() -> None:
    said = say_words_for_all(findings("b", "a"), "edited", ["b", "a"])
    assert [finding.help for finding in said] == [
        "look at it; all 2 together: `--allow edited=a,edited=b`",
        "look at it",
    ]
    assert [finding.value for finding in said] == ["a", "b"]


def test_refusals_of_one_name_suggest_no_value_for_all() -> None:
    assert say_words_for_all(findings("a"), "edited", ["a"]) == tuple(findings("a"))
    assert with_words_for_all("look", "empty", ["mesh/dc1", "mesh/dc1"]) == "look"


def test_a_value_that_would_be_too_long_is_the_word_alone() -> None:
    paths = [f"services/{number}.yaml" for number in range(40)]
    assert with_words_for_all("look", "edited", paths) == "look; all 40 together: `--allow edited`"
