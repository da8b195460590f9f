"""Expand HCL's dynamic blocks (ext/dynblock) in job files: one block for each element of for_each."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import evaluate
from frostline.hcl.iteration import elements, is_iterable
from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Traversal
from frostline.hcl.positions import point
from frostline.hcl.scope import Scope
from frostline.hcl.source import HclError, Source
from frostline.hcl.unknowns import causes_in
from frostline.hcl.values import STRING, Value, object_value
from frostline.model import FileOrigin
from frostline.sources.jobspec.job import Need, NeedError, NotKnown
from frostline.sources.jobspec.shape import OPEN, Shape
from frostline.text import did_you_mean


def expand_blocks(body: Body, shape: Shape, scope: Scope) -> Iterator[tuple[BlockNode, Scope]]:
    """Yield the body's blocks with their scopes. A `dynamic` block is replaced by the blocks that it generates.

    NeedError: the file does not determine the generated blocks, and frostline reads blocks of that kind.
    """
    for block in body.blocks:
        if block.kind == "dynamic":
            yield from _generate_blocks(block, body.source, shape, scope)
        elif shape.open or shape.lenient or block.kind in shape.blocks:
            yield block, scope
        else:
            place = body.source.place(block.offset)
            if block.kind in shape.attributes:
                help_line = f"write `{block.kind} = …`"
                raise HclError(f"`{block.kind}` is an argument here, not a block", place, help=help_line)
            raise unknown_name_error("block", block.kind, [*shape.blocks], place)


def _generate_blocks(
    dynamic: BlockNode, source: Source, shape: Shape, scope: Scope
) -> Iterator[tuple[BlockNode, Scope]]:
    if len(dynamic.labels) != 1:
        raise HclError("a dynamic block takes one label, the kind of block", source.place(dynamic.offset))
    kind, kind_offset = dynamic.labels[0]
    if not (shape.open or shape.lenient) and kind not in shape.blocks:
        raise unknown_name_error("block", kind, list(shape.blocks), source.place(kind_offset))
    body = dynamic.body
    for name, attribute in body.attributes.items():
        if name not in ("for_each", "iterator", "labels"):
            raise unknown_name_error(
                "argument", name, ["for_each", "iterator", "labels"], source.place(attribute.offset)
            )
    if "for_each" not in body.attributes:
        raise HclError("a dynamic block needs the argument `for_each`", source.place(dynamic.offset))
    contents = [block for block in body.blocks if block.kind == "content"]
    if len(contents) != 1 or len(body.blocks) != 1:
        wrong = next((block for block in body.blocks if block not in contents[:1]), dynamic)
        raise HclError("a dynamic block takes exactly one block, `content`", source.place(wrong.offset))
    iterator = _read_iterator(body, kind, source)
    is_read = not shape.open and not shape.blocks.get(kind, OPEN).open
    for key, value in _evaluate_elements(body.attributes["for_each"], kind, is_read, source, scope):
        inner = scope.child({iterator: object_value({"key": key, "value": value})})
        yield BlockNode(dynamic.offset, kind, _evaluate_labels(body, is_read, source, inner), contents[0].body), inner


def _read_iterator(body: Body, kind: str, source: Source) -> str:
    attribute = body.attributes.get("iterator")
    if attribute is None:
        return kind
    name = attribute.expression
    if not isinstance(name, Traversal) or name.steps:
        raise HclError("`iterator` must be a name", source.place(attribute.start))
    return name.root


def _evaluate_elements(
    for_each: AttributeNode, kind: str, is_read: bool, source: Source, scope: Scope
) -> Iterator[tuple[Value, Value]]:
    collection = evaluate(for_each.expression, scope)
    place = source.place(point(for_each.expression, source))
    if collection.is_null:
        raise HclError("`for_each` is null", place)
    if not is_iterable(collection):
        raise HclError(f"`for_each` must be a collection, but is of type {collection.type}", place)
    if not collection.is_unknown:
        return elements(collection)
    if is_read:
        raise NeedError(Need(f"`for_each` of the `{kind}` blocks", NotKnown(causes_in(collection), place)))
    return iter(())


def _evaluate_labels(body: Body, is_read: bool, source: Source, scope: Scope) -> tuple[tuple[str, int], ...]:
    attribute = body.attributes.get("labels")
    if attribute is None:
        return ()
    value = evaluate(attribute.expression, scope)
    place = source.place(point(attribute.expression, source))
    causes = causes_in(value)
    if causes and not is_read:
        return ()
    if causes:
        raise NeedError(Need("`labels`", NotKnown(causes, place)))
    if value.is_null or value.type.kind not in ("list", "tuple"):
        raise HclError("`labels` must be a list of strings", place)
    try:
        return tuple((_require_label(convert(item, STRING), place), attribute.start) for item in value.data)
    except ConversionError as error:
        raise HclError(f"`labels` must be a list of strings: {error}", place) from None


def _require_label(value: Value, place: FileOrigin) -> str:
    if value.is_null:
        raise HclError("`labels` must be a list of strings, but contains null", place)
    return str(value.data)


def unknown_name_error(what: str, name: str, known: list[str], place: FileOrigin) -> HclError:
    """Make the error for an argument or a block whose name is unknown here; it suggests the nearest name."""
    listed = ", ".join(f"`{known_name}`" for known_name in sorted(known))
    return HclError(f"unknown {what} `{name}`", place, did_you_mean(name, known, f"the {what}s here are {listed}"))
