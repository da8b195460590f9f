"""JSON files as trees of values with their places."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.hcl.source import HclError, Source
from frostline.sources.jobspec.json_tree import Members, Node, parse_json_tree, to_plain

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
)


def tree(text: str) -> Node:
    return parse_json_tree(Source("a.json", text.encode()))


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 0, 2]), st.booleans())
def test_a_tree_has_the_values_of_the_file(value: Any, indent: int | None, is_ascii: bool) -> None:
    assert to_plain(tree(json.dumps(value, indent=indent, ensure_ascii=is_ascii))) == value


def test_every_value_has_the_offset_of_its_first_byte() -> None:
    found = tree('{"é": [1,\n  {"b" : "c"}, []],\t"d":null}')
    (_, accented), (_, last) = found.value.items
    first, second, third = accented.value
    nodes = [found, accented, first, second, second.value.items[0][1], third, last]
    assert [node.offset for node in nodes] == [0, 7, 8, 13, 20, 26, 35]


def test_all_members_of_the_same_name_are_kept_and_the_last_one_counts() -> None:
    found = tree('{"a": 1, "\\u0061": 2}')
    assert found.value == Members((("a", Node(1, 6)), ("a", Node(2, 19))))
    assert to_plain(found) == {"a": 2}


@pytest.mark.parametrize(
    ("data", "column", "message"),
    [
        (b"[1 2]", 4, "this is not JSON"),
        (b'"\xff"', 2, "the text is not UTF-8"),
        (b"[NaN]", 1, "NaN is not a number in JSON"),
        (b'["", "\\ud800"]', 6, "half a surrogate pair"),
        (b'{"a": {"\\udfffk": 1}}', 8, "half a surrogate pair"),
        (b"[" * 202 + b"]" * 202, 202, "nested too deeply"),
        (b"[" * 100_000, 1, "nested too deeply"),
    ],
    ids=["comma", "utf-8", "NaN", "surrogate", "surrogate in a key", "deep", "bomb"],
)
def test_what_is_not_json_is_refused_at_its_place(data: bytes, column: int, message: str) -> None:
    with pytest.raises(HclError, match=message) as caught:
        parse_json_tree(Source("a.json", data))
    assert caught.value.place.column == column
