"""Where errors about an expression point to: its first character, or the one that makes it what it is."""

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
            return node.at


def point(node: Expression, source: Source) -> int:
    """The offset that errors about the value as a whole point to (HCL's StartRange).

    Of a splat the star's, of an index that is not literal the bracket's, of a quoted text the first character's behind
    the quote, of anything in parentheses what it is without them; else the first byte.
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
            return node.steps[-1].at
        elif isinstance(node, Relative):
            return start(node)
        else:
            return _point_of_text(node.at, source) if isinstance(node, Literal) else node.at


def is_computed(step: Step) -> bool:
    """Whether it is an index whose key is no literal."""
    return isinstance(step, GetIndex) and not isinstance(step.key, Literal)


def _point_of_text(at: int, source: Source) -> int:
    """Behind the opening quote; behind both where there is nothing between them."""
    if source.data.startswith(b'""', at):
        return at + 2
    return at + 1 if source.data.startswith(b'"', at) else at
