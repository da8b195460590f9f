"""The positions of errors about expressions."""

from __future__ import annotations

import pytest

from frostline.hcl.positions import point, start
from frostline.hcl.source import Source

from .conftest import expression


@pytest.mark.parametrize(
    ("text", "first", "blamed"),
    [
        ("a", 4, 4),
        ("a + b", 4, 4),
        ("a ? b : c", 4, 4),
        ("(a)", 4, 5),
        ('"ab"', 4, 5),
        ('""', 4, 6),
        ('"x${a}"', 4, 5),
        ("a[0].b", 4, 4),
        ("a.b[c]", 4, 7),
        ("f(a)[c]", 4, 8),
        ("f(a).b", 4, 4),
        ("a[*]", 4, 5),
        ("(a)[*].b", 4, 7),
    ],
)
def test_an_expression_starts_at_its_first_byte_and_is_blamed_at_its_point(text: str, first: int, blamed: int) -> None:
    node = expression(text)
    assert (start(node), point(node, Source("f.hcl", f"x = {text}\n".encode()))) == (first, blamed)
