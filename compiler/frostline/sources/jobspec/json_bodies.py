"""A job file in HCL's JSON syntax as the body that the same file in HCL's own syntax has (hcl/json/spec.md).

In JSON only the shape of a block tells which members are blocks, and how many labels they have. Strings are templates.
"""

from __future__ import annotations

from collections.abc import Iterator

from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Expression, Literal, ObjectOf, TupleOf
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_embedded, parse_template
from frostline.hcl.values import string
from frostline.sources.jobspec.json_tree import Members, Node, plain
from frostline.sources.jobspec.shape import JOB, OPEN, Shape
from frostline.sources.jobspec.variables import value_of

_VARIABLE = Shape(blocks={"validation": OPEN}, labels=1, open=True)
_TOP = Shape(blocks={"job": JOB, "variable": _VARIABLE, "variables": OPEN, "locals": OPEN})
_COMMENT = "//"


def body_of_json(tree: Node, source: Source) -> Body:
    """The body of a job file. HclError: a member has not the form that its block needs."""
    return _body(tree, source, _TOP)


def values_of_json(tree: Node, source: Source) -> Body:
    """The body of a var file: an object of values, in which strings are no templates."""
    if not isinstance(tree.value, Members):
        raise HclError("a var file in JSON must be an object", source.place(tree.offset))
    attributes: dict[str, AttributeNode] = {}
    for name, node in tree.value.items:
        _add(attributes, AttributeNode(node.offset, name, _literal(node), node.offset), source)
    return Body(0, source, attributes, ())


def _body(node: Node, source: Source, shape: Shape) -> Body:
    attributes: dict[str, AttributeNode] = {}
    blocks: list[BlockNode] = []
    for name, value in _members(node, source, "a job file in JSON" if shape is _TOP else "a block"):
        if name == _COMMENT:
            continue
        if name == "dynamic" and not shape.open:
            blocks += _dynamic_blocks(value, source, shape)
        elif name in shape.blocks:
            blocks += _blocks(name, value, source, shape.blocks[name])
        else:
            _add(
                attributes,
                AttributeNode(value.offset, name, _argument(name, value, source, shape), value.offset),
                source,
            )
    return Body(node.offset, source, attributes, tuple(blocks))


def _add(attributes: dict[str, AttributeNode], attribute: AttributeNode, source: Source) -> None:
    name = attribute.name
    if name in attributes:
        first = source.place(attributes[name].offset)
        raise HclError(f"`{name}` is set twice, first at {first}", source.place(attribute.offset))
    attributes[name] = attribute


def _members(node: Node, source: Source, what: str) -> tuple[tuple[str, Node], ...]:
    if not isinstance(node.value, Members):
        raise HclError(f"{what} must be an object", source.place(node.offset))
    return node.value.items


def _blocks(
    kind: str, node: Node, source: Source, shape: Shape, labels: tuple[tuple[str, int], ...] = ()
) -> Iterator[BlockNode]:
    """The blocks of a member: an object, or an array of them; with a label an object of those by label."""
    if node.value is None:
        return
    for item in node.value if isinstance(node.value, tuple) else (node,):
        members = _members(item, source, f"`{kind}`")
        if shape.labels == len(labels):
            yield BlockNode(item.offset, kind, labels, _body(item, source, shape))
            continue
        for label, inner in members:
            yield from _blocks(kind, inner, source, shape, (*labels, (label, inner.offset)))


def _dynamic_blocks(node: Node, source: Source, shape: Shape) -> Iterator[BlockNode]:
    for item in node.value if isinstance(node.value, tuple) else (node,):
        for kind, inner in _members(item, source, "`dynamic`"):
            content = Shape(open=True, blocks={"content": shape.blocks.get(kind, OPEN)}, labels=1)
            yield from _blocks("dynamic", inner, source, content, ((kind, inner.offset),))


def _argument(name: str, node: Node, source: Source, shape: Shape) -> Expression:
    if isinstance(node.value, str) and shape is _VARIABLE and name == "type":
        return parse_embedded(node.value, source, node.offset + 1)
    if isinstance(node.value, str) and name == "iterator" and "content" in shape.blocks:
        return parse_embedded(node.value, source, node.offset + 1).inner
    if shape is _VARIABLE and name == "default":
        return _literal(node)
    return _expression(node, source)


def _expression(node: Node, source: Source) -> Expression:
    match node.value:
        case Members(items):
            pairs = ((_text(key, value.offset, source), _expression(value, source)) for key, value in items)
            return ObjectOf(node.offset, tuple(pairs))
        case tuple():
            return TupleOf(node.offset, tuple(_expression(item, source) for item in node.value))
        case str():
            return _text(node.value, node.offset, source)
        case _:
            return Literal(node.offset, value_of(node.value))


def _text(text: str, offset: int, source: Source) -> Expression:
    if "${" in text or "%{" in text:
        return parse_template(text, source, offset + 1)
    return Literal(offset, string(text))


def _literal(node: Node) -> Literal:
    return Literal(node.offset, value_of(plain(node)))
