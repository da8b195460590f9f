"""Regular expressions of users: no text makes a match run for long."""

from __future__ import annotations

import pytest

from frostline.errors import UsageError
from frostline.user_regexes import UserRegex


def test_a_pattern_that_backtracks_exponentially_in_re_has_a_result() -> None:
    assert UserRegex("^([a-z]+)+$").fullmatch("a" * 5000 + "!") is None
    assert UserRegex("(x+x+)+y").search("x" * 200) is None


def test_a_pattern_beyond_the_limit_of_steps_is_an_error_that_quotes_it() -> None:
    pattern = UserRegex(r"(a*)(a*)(a*)(a*)\1\2\3\4b")
    for match in (pattern.fullmatch, pattern.search):
        with pytest.raises(UsageError, match="takes more than 1000000 steps for `aaa"):
            match("a" * 200)


def test_a_pattern_that_may_be_slow_in_re_is_known_beforehand() -> None:
    assert UserRegex("(a+)+$").may_be_slow("aaaa")
    assert not UserRegex("^a+$").may_be_slow("aaaa")
    assert UserRegex(".*.*.*x").may_be_slow("a" * 300)
