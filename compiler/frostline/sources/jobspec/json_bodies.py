"""Read a job file in HCL's JSON syntax (hcl/json/spec.md) as the same body that HCL's own syntax would give.

In JSON only the shape of a block tells which members are blocks, and how many labels they have. Strings are templates.
"""

from __future__ import annotations

from collections.abc import Iterator

from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Expression, Literal, ObjectOf, TupleOf
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse_embedded, parse_template
from frostline.hcl.values import string
from frostline.sources.jobspec.json_tree import Members, Node, to_plain
from frostline.sources.jobspec.shape import JOB, OPEN, Shape
from frostline.sources.jobspec.variables import value_of

_VARIABLE = Shape(blocks={"validation": OPEN}, labels=1, open=True)
_TOP = Shape(blocks={"job": JOB, "variable": _VARIABLE, "variables": OPEN, "locals": OPEN})
_COMMENT = "//"


def read_json_body(tree: Node, source: Source) -> Body:
    """Read the body of a job file. HclError: a member does not have the form that its block needs."""
    return _read_body(tree, source, _TOP)


def read_json_values(tree: Node, source: Source) -> Body:
    """Read the body of a var file: an object of values, whose strings are not templates."""
    if not isinstance(tree.value, Members):
        raise HclError("a var file in JSON must be an object", source.place(tree.offset))
    attributes: dict[str, AttributeNode] = {}
    for name, node in tree.value.items:
        _add_attribute(attributes, AttributeNode(node.offset, name, _make_literal(node), node.offset), source)
    return Body(0, source, attributes, ())


def _read_body(node: Node, source: Source, shape: Shape) -> Body:
    attributes: dict[str, AttributeNode] = {}
    blocks: list[BlockNode] = []
    for name, value in _require_members(node, source, "a job file in JSON" if shape is _TOP else "a block"):
        if name == _COMMENT:
            continue
        if name == "dynamic" and not shape.open:
            blocks += _read_dynamic_blocks(value, source, shape)
        elif name in shape.blocks:
            blocks += _read_blocks(name, value, source, shape.blocks[name])
        else:
            _add_attribute(
                attributes,
                AttributeNode(value.offset, name, _read_argument(name, value, source, shape), value.offset),
                source,
            )
    return Body(node.offset, source, attributes, tuple(blocks))


def _add_attribute(attributes: dict[str, AttributeNode], attribute: AttributeNode, source: Source) -> None:
    name = attribute.name
    if name in attributes:
        first = source.place(attributes[name].offset)
        raise HclError(f"`{name}` is set twice, first at {first}", source.place(attribute.offset))
    attributes[name] = attribute


def _require_members(node: Node, source: Source, what: str) -> tuple[tuple[str, Node], ...]:
    if not isinstance(node.value, Members):
        raise HclError(f"{what} must be an object", source.place(node.offset))
    return node.value.items


def _read_blocks(
    kind: str, node: Node, source: Source, shape: Shape, labels: tuple[tuple[str, int], ...] = ()
) -> Iterator[BlockNode]:
    """Yield the blocks of a member: an object or an array of objects; a block with labels is in an object by label."""
    if node.value is None:
        return
    for item in node.value if isinstance(node.value, tuple) else (node,):
        members = _require_members(item, source, f"`{kind}`")
        if shape.labels == len(labels):
            yield BlockNode(item.offset, kind, labels, _read_body(item, source, shape))
            continue
        for label, inner in members:
            yield from _read_blocks(kind, inner, source, shape, (*labels, (label, inner.offset)))


def _read_dynamic_blocks(node: Node, source: Source, shape: Shape) -> Iterator[BlockNode]:
    for item in node.value if isinstance(node.value, tuple) else (node,):
        for kind, inner in _require_members(item, source, "`dynamic`"):
            content = Shape(open=True, blocks={"content": shape.blocks.get(kind, OPEN)}, labels=1)
            yield from _read_blocks("dynamic", inner, source, content, ((kind, inner.offset),))


def _read_argument(name: str, node: Node, source: Source, shape: Shape) -> Expression:
    if isinstance(node.value, str) and shape is _VARIABLE and name == "type":
        return parse_embedded(node.value, source, node.offset + 1)
    if isinstance(node.value, str) and name == "iterator" and "content" in shape.blocks:
        return parse_embedded(node.value, source, node.offset + 1).inner
    if shape is _VARIABLE and name == "default":
        return _make_literal(node)
    return _read_expression(node, source)


def _read_expression(node: Node, source: Source) -> Expression:
    match node.value:
        case Members(items):
            pairs = ((_read_text(key, value.offset, source), _read_expression(value, source)) for key, value in items)
            return ObjectOf(node.offset, tuple(pairs))
        case tuple():
            return TupleOf(node.offset, tuple(_read_expression(item, source) for item in node.value))
        case str():
            return _read_text(node.value, node.offset, source)
        case _:
            return Literal(node.offset, value_of(node.value))


def _read_text(text: str, offset: int, source: Source) -> Expression:
    if "${" in text or "%{" in text:
        return parse_template(text, source, offset + 1)
    return Literal(offset, string(text))


def _make_literal(node: Node) -> Literal:
    return Literal(node.offset, value_of(to_plain(node)))
