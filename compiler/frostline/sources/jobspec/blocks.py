"""The blocks of a job file with evaluated arguments, as Nomad's decoder takes them.

The whole file is evaluated, to refuse what Nomad refuses; arguments and blocks that no shape names are then dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import evaluate
from frostline.hcl.iteration import elements, is_iterable
from frostline.hcl.nodes import AttributeNode, BlockNode, Body, Traversal
from frostline.hcl.positions import point
from frostline.hcl.scope import Scope
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import DYNAMIC, STRING, Type, Value, object_value
from frostline.model import FileOrigin
from frostline.sources.jobspec.shape import Shape
from frostline.text import did_you_mean

ONCE = frozenset({"connect", "sidecar_service", "proxy", "weights", "resources", "meta", "canary_meta", "env"})
"""Those of the blocks read here that may occur only once in a body."""


class Block(Struct, frozen=True):
    """An evaluated block. offset: of its name, in `source`. texts: the arguments of a map of strings.

    places: the offset of every argument's expression.
    """

    kind: str
    labels: tuple[str, ...]
    source: Source
    offset: int
    attributes: Mapping[str, Value] = {}
    texts: Mapping[str, str] = {}
    blocks: tuple[Block, ...] = ()
    places: Mapping[str, int] = {}

    @property
    def place(self) -> FileOrigin:
        return self.source.place(self.offset)

    def place_of(self, attribute: str) -> FileOrigin:
        """The place of the argument's expression; of the block if it lacks the argument."""
        return self.source.place(self.places.get(attribute, self.offset))

    def all(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def first(self, kind: str) -> Block | None:
        return next((block for block in self.blocks if block.kind == kind), None)

    def text(self, name: str, default: str = "") -> str:
        value = self.attributes.get(name)
        return default if value is None or value.is_null else str(value.data)

    def whole(self, name: str) -> int:
        """A whole number of 32 bits; 0 if the argument is missing or null. HclError: it is not one."""
        value = self.attributes.get(name)
        if value is None or value.is_null:
            return 0
        whole: int | None = value.data.whole()
        if whole is None or not -(2**31) <= whole < 2**31:
            raise HclError(f"`{name}` must be a whole number", self.place_of(name))
        return whole

    def list_of_texts(self, name: str) -> tuple[str, ...]:
        value = self.attributes.get(name)
        if value is None or value.is_null:
            return ()
        return tuple(item.data for item in value.data)


def block_of(node: BlockNode, shape: Shape, source: Source, scope: Scope) -> Block:
    """The block with everything in it evaluated. HclError: the first error in it."""
    if shape.labels != len(node.labels) and not shape.open:
        wanted = "one label" if shape.labels else "no label"
        raise HclError(f"`{node.kind}` takes {wanted}, but has {len(node.labels)}", source.place(node.offset))
    labels = tuple(label for label, _ in node.labels)
    return _evaluate_block(node.kind, labels, node.offset, node.body, shape, scope)


def _evaluate_block(kind: str, labels: tuple[str, ...], offset: int, body: Body, shape: Shape, scope: Scope) -> Block:
    if shape.texts:
        return Block(kind, labels, body.source, offset, texts=_texts(body, scope))
    attributes: dict[str, Value] = {}
    blocks: list[Block] = []
    for name, attribute in body.attributes.items():
        if shape.open or name in shape.attributes:
            attributes[name] = convert_argument(attribute, shape.attributes.get(name, DYNAMIC), body.source, scope)
            if not (shape.nulls or shape.open):
                _check_null(attribute, attributes[name], body.source)
        elif name in shape.maps:
            texts = _texts_of_value(attribute, body.source, scope)
            blocks.append(Block(name, (), body.source, attribute.offset, texts=texts))
        else:
            raise _unknown("argument", name, [*shape.attributes, *shape.maps], body.source.place(attribute.offset))
    for inner, inner_scope in _expand_blocks(body, shape, scope):
        inner_shape = shape.blocks.get(inner.kind, shape)
        blocks.append(block_of(inner, inner_shape, body.source, inner_scope))
    _check_once(blocks)
    places = {name: body.attributes[name].start for name in attributes}
    return Block(kind, labels, body.source, offset, attributes, {}, tuple(blocks), places)


def convert_argument(attribute: AttributeNode, type: Type, source: Source, scope: Scope) -> Value:
    """The argument's value, converted to this type."""
    value = evaluate(attribute.expression, scope)
    if type is DYNAMIC or value.type is type:
        return value
    try:
        return convert(value, type)
    except ConversionError as error:
        place = source.place(point(attribute.expression, source))
        raise HclError(f"`{attribute.name}` has the wrong type: {error}", place) from None


def _check_null(attribute: AttributeNode, value: Value, source: Source) -> None:
    items = value.data if value.type.kind == "list" and value.data else ()
    if value.is_null or any(item.is_null for item in items):
        what = "is" if value.is_null else "contains"
        raise HclError(f"`{attribute.name}` {what} null", source.place(point(attribute.expression, source)))


def _texts(body: Body, scope: Scope) -> dict[str, str]:
    source = body.source
    texts = {
        name: _text(
            convert_argument(attribute, STRING, source, scope), name, source.place(point(attribute.expression, source))
        )
        for name, attribute in body.attributes.items()
    }
    for block in body.blocks:
        raise HclError(f"a block is not allowed here: `{block.kind}`", source.place(block.offset))
    return texts


def _text(value: Value, name: str, place: FileOrigin) -> str:
    if value.is_null:
        raise HclError(f"`{name}` must be a string, but is null", place)
    return str(value.data)


def _texts_of_value(attribute: AttributeNode, source: Source, scope: Scope) -> dict[str, str]:
    """`meta = {…}`: a map or an object whose values convert to strings."""
    value = evaluate(attribute.expression, scope)
    place = source.place(point(attribute.expression, source))
    if value.is_null:
        return {}
    if value.type.kind not in ("map", "object"):
        raise HclError(f"`{attribute.name}` must be a map of strings, but is {value.type}", place)
    found: dict[str, str] = {}
    for name, item in value.data.items():
        try:
            found[name] = _text(convert(item, STRING), name, place)
        except ConversionError as error:
            raise HclError(f"`{attribute.name}.{name}` is not a string: {error}", place) from None
    return found


def _check_once(blocks: list[Block]) -> None:
    seen: dict[str, Block] = {}
    for block in blocks:
        if block.kind in ONCE and block.kind in seen:
            raise HclError(f"`{block.kind}` is defined twice, first at {seen[block.kind].place}", block.place)
        seen[block.kind] = block


def _expand_blocks(body: Body, shape: Shape, scope: Scope) -> Iterator[tuple[BlockNode, Scope]]:
    """The body's blocks with their scopes; a `dynamic` block is replaced by the blocks that it generates."""
    for block in body.blocks:
        if block.kind == "dynamic":
            yield from _generate_blocks(block, body.source, shape, scope)
        elif shape.open or block.kind in shape.blocks:
            yield block, scope
        else:
            raise _unknown("block", block.kind, [*shape.blocks, *shape.attributes], body.source.place(block.offset))


def _generate_blocks(
    dynamic: BlockNode, source: Source, shape: Shape, scope: Scope
) -> Iterator[tuple[BlockNode, Scope]]:
    """HCL's dynamic blocks (ext/dynblock): a block with the content for every element of for_each."""
    if len(dynamic.labels) != 1:
        raise HclError("a dynamic block takes one label, the kind of block", source.place(dynamic.offset))
    kind, kind_offset = dynamic.labels[0]
    if not shape.open and kind not in shape.blocks:
        raise _unknown("block", kind, list(shape.blocks), source.place(kind_offset))
    body = dynamic.body
    for name, attribute in body.attributes.items():
        if name not in ("for_each", "iterator", "labels"):
            raise _unknown("argument", name, ["for_each", "iterator", "labels"], source.place(attribute.offset))
    if "for_each" not in body.attributes:
        raise HclError("a dynamic block needs the argument `for_each`", source.place(dynamic.offset))
    contents = [block for block in body.blocks if block.kind == "content"]
    if len(contents) != 1 or len(body.blocks) != 1:
        wrong = next((block for block in body.blocks if block not in contents[:1]), dynamic)
        raise HclError("a dynamic block takes exactly one block, `content`", source.place(wrong.offset))
    iterator = _iterator(body, kind, source)
    for key, value in _elements(body.attributes["for_each"], source, scope):
        inner = scope.child({iterator: object_value({"key": key, "value": value})})
        yield BlockNode(dynamic.offset, kind, _labels(body, source, inner), contents[0].body), inner


def _iterator(body: Body, kind: str, source: Source) -> str:
    attribute = body.attributes.get("iterator")
    if attribute is None:
        return kind
    name = attribute.expression
    if not isinstance(name, Traversal) or name.steps:
        raise HclError("`iterator` must be a name", source.place(attribute.start))
    return name.root


def _elements(for_each: AttributeNode, source: Source, scope: Scope) -> Iterator[tuple[Value, Value]]:
    collection = evaluate(for_each.expression, scope)
    place = source.place(point(for_each.expression, source))
    if collection.is_null:
        raise HclError("`for_each` is null", place)
    if not is_iterable(collection):
        raise HclError(f"`for_each` must be a collection, but is a {collection.type.kind}", place)
    return elements(collection)


def _labels(body: Body, source: Source, scope: Scope) -> tuple[tuple[str, int], ...]:
    attribute = body.attributes.get("labels")
    if attribute is None:
        return ()
    value = evaluate(attribute.expression, scope)
    place = source.place(point(attribute.expression, source))
    if value.is_null or value.type.kind not in ("list", "tuple"):
        raise HclError("`labels` must be a list of strings", place)
    try:
        return tuple((_text(convert(item, STRING), "labels", place), attribute.start) for item in value.data)
    except ConversionError as error:
        raise HclError(f"`labels` must be a list of strings: {error}", place) from None


def _unknown(what: str, name: str, known: list[str], place: FileOrigin) -> HclError:
    listed = ", ".join(f"`{known_name}`" for known_name in sorted(known))
    return HclError(f"unknown {what} `{name}`", place, did_you_mean(name, known, f"known here: {listed}"))
