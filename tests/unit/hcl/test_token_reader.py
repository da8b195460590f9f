"""Reading tokens with a look-ahead of one."""

from __future__ import annotations

import pytest

from frostline.hcl.source import HclError, Source
from frostline.hcl.token_reader import MOST_LEVELS, TokenReader


def reader(text: str, newlines: bool = True) -> TokenReader:
    return TokenReader(Source("f.hcl", text.encode()), newlines)


def test_newlines_are_tokens_outside_of_brackets_only() -> None:
    tokens = reader("a\n(\nb\n)\n")
    kinds = [tokens.kind]
    tokens.advance()
    kinds.append(tokens.kind)
    tokens.advance()
    newlines = tokens.open_bracket()
    kinds.append(tokens.kind)
    tokens.advance()
    kinds.append(tokens.kind)
    tokens.close_bracket(newlines)
    assert [*kinds, tokens.kind] == ["name", "newline", "name", ")", "newline"]


def test_the_next_token_skips_newlines_within_brackets() -> None:
    assert reader("a\nb").next_kind() == "newline"
    assert reader("a\nb", newlines=False).next_kind() == "name"


def test_an_unexpected_token_is_an_error_at_the_token_or_the_given_offset() -> None:
    tokens = reader("  a")
    for start, column in ((None, 3), (0, 1)):
        with pytest.raises(HclError, match="a number, please") as caught:
            tokens.expect("number", "a number, please", start)
        assert caught.value.place.column == column
    assert not tokens.take("number")
    assert tokens.take("name")


def test_a_hundred_levels_may_be_nested_but_not_more() -> None:
    tokens = reader("a")
    for _ in range(MOST_LEVELS):
        tokens.enter_level()
    tokens.leave_level()
    tokens.check_depth(1)
    with pytest.raises(HclError, match="nested too deeply"):
        tokens.check_depth(2)
