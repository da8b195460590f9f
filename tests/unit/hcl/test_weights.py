"""The size and depth of values."""

from __future__ import annotations

from frostline.hcl.values import NULL, number, object_value, string, tuple_value
from frostline.hcl.weights import extent, text_weight


def test_the_extent_counts_values_texts_and_names() -> None:
    assert extent(number(1)) == extent(NULL) == (1, 1)
    assert extent(string("x" * 33)) == (text_weight("x" * 33), 1) == (3, 1)
    pair = tuple_value([string("a"), tuple_value([number(1)])])
    assert extent(pair) == (4, 3)
    assert extent(tuple_value([pair, pair])) == (9, 4)
    assert extent(object_value({"n" * 32: number(1)})) == (4, 2)
