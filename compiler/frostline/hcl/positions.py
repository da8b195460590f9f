"""The places that errors about expressions point to."""

from __future__ import annotations

from frostline.hcl.nodes import (
    Binary,
    Conditional,
    Expression,
    GetIndex,
    Literal,
    Parenthesized,
    Relative,
    Splat,
    Step,
    Template,
    Traversal,
)
from frostline.hcl.source import Source


def start(node: Expression) -> int:
    """The offset of the expression's first byte."""
    while True:
        if isinstance(node, Binary):
            node = node.left
        elif isinstance(node, Conditional):
            node = node.condition
        elif isinstance(node, (Relative, Splat)):
            node = node.subject
        else:
            return node.offset


def point(node: Expression, source: Source) -> int:
    """The offset that errors about the value as a whole point to (HCL's StartRange).

    That is the star of a splat, the bracket of a computed index, the first character after the quote of a text, what
    stands in parentheses; else the first byte.
    """
    while True:
        if isinstance(node, Binary):
            node = node.left
        elif isinstance(node, Conditional):
            node = node.condition
        elif isinstance(node, Parenthesized):
            node = node.inner
        elif isinstance(node, Template) and node.parts:
            node = node.parts[0]
        elif isinstance(node, (Relative, Traversal)) and node.steps and is_computed(node.steps[-1]):
            return node.steps[-1].offset
        elif isinstance(node, Relative):
            return start(node)
        else:
            return _point_of_text(node.offset, source) if isinstance(node, Literal) else node.offset


def is_computed(step: Step) -> bool:
    """Whether it is an index whose key is not a literal."""
    return isinstance(step, GetIndex) and not isinstance(step.key, Literal)


def _point_of_text(offset: int, source: Source) -> int:
    """After the opening quote; after both quotes of an empty text."""
    if source.data.startswith(b'""', offset):
        return offset + 2
    return offset + 1 if source.data.startswith(b'"', offset) else offset
