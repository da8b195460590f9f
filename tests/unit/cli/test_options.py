from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click
import pytest

from frostline.cli.options import (
    FORMATS,
    allow_option,
    common_options,
    format_option,
    parse_allow,
    take_invocation,
    timings_option,
)
from frostline.cli.usage import WrongValue
from frostline.settings import Allow


@click.command()
@allow_option
@format_option(*FORMATS)
@timings_option
@common_options
def command(**options: Any) -> dict[str, Any]:
    return {"invocation": take_invocation(options), **options}


def parse(*arguments: str) -> dict[str, Any]:
    """Return the values that a command gets for these words."""
    found: dict[str, Any] = command.main(list(arguments), standalone_mode=False)
    return found


def test_the_defaults() -> None:
    found = parse()
    invocation = found.pop("invocation")
    assert found == {"allow": Allow()}
    assert (invocation.config, invocation.quiet, invocation.verbose, invocation.timings) == (None, False, 0, False)
    assert (invocation.color, invocation.format, invocation.today) == ("auto", "text", date.today())


def test_the_values_that_were_given() -> None:
    words = "-c x.yaml -q -vv --today 2026-02-03 --color never --format json --timings"
    invocation = parse(*words.split())["invocation"]
    assert (invocation.config, invocation.quiet, invocation.verbose, invocation.timings) == (
        Path("x.yaml"),
        True,
        2,
        True,
    )
    assert (invocation.color, invocation.format, invocation.today) == ("never", "json", date(2026, 2, 3))


@pytest.mark.parametrize("words", [["--format", "sarif"], ["--today", "tomorrow"], ["--color", "red"]])
def test_an_unknown_value_is_refused(words: list[str]) -> None:
    with pytest.raises(click.BadParameter):
        parse(*words)


def test_allow_may_be_given_again() -> None:
    assert parse("--allow", "updates", "--allow", "empty")["allow"] == Allow(updates=("*",), empty=("*",))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Allow()),
        (["deletes"], Allow(deletes=("*",))),
        (["deletes=legacy-*"], Allow(deletes=("legacy-*",))),
        (["deletes=a=b"], Allow(deletes=("a=b",))),
        (["deletes=a,deletes=b"], Allow(deletes=("a", "b"))),
        (["moves=shop/*", "updates=a"], Allow(moves=("shop/*",), updates=("a",))),
        (
            ["empty=mesh/dc1", "edited=a.yaml", "adopt=b/*"],
            Allow(empty=("mesh/dc1",), edited=("a.yaml",), adopt=("b/*",)),
        ),
        (["partial"], Allow(partial=True)),
        (["updates,empty", "edited, adopt"], Allow(updates=("*",), empty=("*",), edited=("*",), adopt=("*",))),
    ],
)
def test_allow_takes_comma_separated_words(words: list[str], expected: Allow) -> None:
    assert parse_allow(words) == expected


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("partial=mesh/dc2", "`partial` takes no scope|write `partial` alone"),
        ("partial=", "`partial` takes no scope|write `partial` alone"),
        ("deletes=", "`deletes=` has an empty scope|write `deletes` for all"),
        ("moves,edited=", "`edited=` has an empty scope|write `edited` for all"),
    ],
)
def test_a_scope_that_a_word_does_not_take_or_that_is_empty_is_refused(word: str, said: str) -> None:
    with pytest.raises(WrongValue) as caught:
        parse_allow([word])
    assert f"{caught.value.message}|{caught.value.help}" == said


@pytest.mark.parametrize(("word", "near"), [("delete", "deletes"), ("Partial", "partial"), ("move=a", "moves")])
def test_a_misspelt_word_of_allow_names_the_nearest(word: str, near: str) -> None:
    with pytest.raises(WrongValue) as caught:
        parse_allow([word])
    assert caught.value.help == f"did you mean `{near}`?"


@pytest.mark.parametrize("word", ["", "updates,,empty", "all", "instances", "=x"])
def test_an_unknown_word_of_allow_is_refused_with_a_list_of_all_words(word: str) -> None:
    words = "deletes[=GLOB], updates[=GLOB], moves[=GLOB], empty[=SOURCE/DATACENTER|OUTPUT], edited[=PATH]"
    with pytest.raises(WrongValue, match="there is no word `") as caught:
        parse_allow([word])
    assert caught.value.help.startswith(f"the words are {words}")
