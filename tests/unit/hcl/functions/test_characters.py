"""Characters are grapheme clusters."""

from __future__ import annotations

import pytest

from frostline.hcl.functions.base import FunctionError
from frostline.hcl.functions.characters import MOST_CHARACTERS, check_size, clusters, count


@pytest.mark.parametrize("characters", [["a", "b"], ["e\u0301", "x"], ["\r\n", "a"], ["👩‍👩‍👧", "!"], []])
def test_a_character_is_what_people_see(characters: list[str]) -> None:
    text = "".join(characters)
    assert clusters(text) == characters
    assert count(text) == len(characters)


def test_a_result_that_is_too_long_is_refused() -> None:
    check_size(MOST_CHARACTERS)
    with pytest.raises(FunctionError, match="longer than"):
        check_size(MOST_CHARACTERS + 1)
