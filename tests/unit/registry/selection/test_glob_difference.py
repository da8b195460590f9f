"""Whether a list of globs takes more than another one, against names that are tried one by one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from frostline.globs import matches
from frostline.registry.selection.glob_difference import TooManyGlobsError, name_beyond

PARTS = ["a", "b", "*", "?", "[ab]", "[!a]", "[a-c]", "!"]
GLOBS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join)
LISTS = st.lists(GLOBS.filter(lambda glob: glob != "!"), min_size=1, max_size=4)
SHORT_NAMES = ["".join(name) for size in range(1, 5) for name in product("abcd!", repeat=size)]


@given(LISTS, LISTS)
@example(["b!"], ["*"])
@example(["*", "!b*"], ["!b", "*"])
@example(["*"], ["*a"])
def test_a_name_beyond_is_taken_by_the_new_list_alone_and_is_found_if_there_is_one(
    new: list[str], old: list[str]
) -> None:
    found = name_beyond(new, old)
    if found is None:
        assert [name for name in SHORT_NAMES if matches(new, name) and not matches(old, name)] == []
    else:
        assert found
        assert matches(new, found)
        assert not matches(old, found)


@pytest.mark.parametrize(
    ("new", "old", "beyond"),
    [
        (["pay*"], ["*", "!consul"], None),
        (["c*"], ["*", "!consul"], "consul"),
        (["c*", "!consul"], ["*", "!consul"], None),
        (["*"], ["*", "!consul"], "consul"),
        (["x-*"], ["pay*"], "x-"),
        (["payments"], ["pay*"], None),
        (["payments", "ledger"], ["pay*"], "ledger"),
        (["svc-[0-9]"], ["svc-?"], None),
        (["svc-?"], ["svc-[0-9]"], "svc-a"),
        (["*-v1"], ["*-v?"], None),
    ],
)
def test_lists_as_people_write_them(new: list[str], old: list[str], beyond: str | None) -> None:
    assert name_beyond(new, old) == beyond


def test_hundreds_of_names_are_compared() -> None:
    names = [f"service-{number}" for number in range(500)]
    assert name_beyond(names[:100], names) is None
    assert name_beyond(["service-1?"], names) == "service-1a"
    assert name_beyond(["service-*"], ["service-*", "!service-[0-9]-*", *names]) is not None


def test_lists_that_are_too_large_to_compare_say_so() -> None:
    with pytest.raises(TooManyGlobsError):
        name_beyond(["*a" + "?" * 40], ["*b" + "?" * 40 + "a", "*c" + "?" * 90])
