"""The positions of errors about expressions."""

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
    """Return the offset of the expression's first byte."""
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
    """Return the offset of errors about the value as a whole (HCL's StartRange).

    It is the star of a splat, the bracket of a computed index, the first character after the quote of a string, or the
    expression within parentheses; else the first byte.
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
    """Whether the step is an index with a key that is not a literal."""
    return isinstance(step, GetIndex) and not isinstance(step.key, Literal)


def _point_of_text(offset: int, source: Source) -> int:
    """Return the offset after the opening quote; for an empty string, after both quotes."""
    if source.data.startswith(b'""', offset):
        return offset + 2
    return offset + 1 if source.data.startswith(b'"', offset) else offset
