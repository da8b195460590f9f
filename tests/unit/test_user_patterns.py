"""Patterns of users, which no text keeps busy."""

from __future__ import annotations

import pytest

from frostline.errors import UsageError
from frostline.user_patterns import UserPattern


def test_a_pattern_that_tries_everything_has_its_result() -> None:
    assert UserPattern("^([a-z]+)+$").fullmatch("a" * 5000 + "!") is None
    assert UserPattern("(x+x+)+y").search("x" * 200) is None


def test_a_pattern_beyond_the_limit_is_an_error_with_its_text() -> None:
    pattern = UserPattern(r"(a*)(a*)(a*)(a*)\1\2\3\4b")
    for match in (pattern.fullmatch, pattern.search):
        with pytest.raises(UsageError, match="takes more than 1000000 steps for `aaa"):
            match("a" * 200)


def test_what_may_be_slow_in_re_is_known_beforehand() -> None:
    assert UserPattern("(a+)+$").may_be_slow("aaaa")
    assert not UserPattern("^a+$").may_be_slow("aaaa")
    assert UserPattern(".*.*.*x").may_be_slow("a" * 300)
