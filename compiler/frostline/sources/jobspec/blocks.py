"""Evaluate the blocks of a job file, and check their arguments as Nomad's decoder does.

The whole file is evaluated, to refuse what HCL refuses. Arguments and blocks that no shape names are then dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.evaluation import evaluate
from frostline.hcl.nodes import AttributeNode, BlockNode, Body
from frostline.hcl.positions import point
from frostline.hcl.scope import Scope
from frostline.hcl.source import HclError, Source
from frostline.hcl.unknowns import causes_in
from frostline.hcl.values import DYNAMIC, NUMBER, STRING, Type, Value
from frostline.model import FileOrigin
from frostline.sources.jobspec.dynamic import expand_blocks, unknown_name_error
from frostline.sources.jobspec.job import NotKnown, Text, Whole
from frostline.sources.jobspec.shape import OPEN, Shape


class Block(Struct, frozen=True):
    """An evaluated block. offset: where its name is in `source`, in bytes. texts: the arguments of a map of strings.

    places: the offset of each argument's expression.
    """

    kind: str
    labels: tuple[str, ...]
    source: Source
    offset: int
    attributes: Mapping[str, Value] = {}
    texts: Mapping[str, Text] = {}
    blocks: tuple[Block, ...] = ()
    places: Mapping[str, int] = {}

    @property
    def place(self) -> FileOrigin:
        return self.source.place(self.offset)

    def place_of(self, attribute: str) -> FileOrigin:
        """Return the place of the argument's expression, or of the block if it lacks the argument."""
        return self.source.place(self.places.get(attribute, self.offset))

    def all(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def first(self, kind: str) -> Block | None:
        return next((block for block in self.blocks if block.kind == kind), None)

    def text(self, name: str, default: Text = "") -> Text:
        value = self.attributes.get(name)
        if value is None or value.is_null:
            return default
        return self._not_known(value, name) if value.is_unknown else str(value.data)

    def whole(self, name: str) -> Whole:
        """Return a whole number of 32 bits, 0 if the argument is missing or null. HclError: it is another value."""
        value = self.attributes.get(name)
        if value is None or value.is_null:
            return 0
        if value.is_unknown:
            return self._not_known(value, name)
        whole: int | None = value.data.whole()
        if whole is None or not -(2**31) <= whole < 2**31:
            raise HclError(f"`{name}` must be a whole number", self.place_of(name))
        return whole

    def list_of_texts(self, name: str) -> tuple[Text, ...] | NotKnown:
        value = self.attributes.get(name)
        if value is None or value.is_null:
            return ()
        if value.is_unknown:
            return self._not_known(value, name)
        return tuple(self._not_known(item, name) if item.is_unknown else item.data for item in value.data)

    def _not_known(self, value: Value, name: str) -> NotKnown:
        return NotKnown(causes_in(value), self.place_of(name))


def evaluate_block(node: BlockNode, shape: Shape, source: Source, scope: Scope) -> Block:
    """Evaluate the block and everything in it. HclError: the first error in it. NeedError: see `expand_blocks`."""
    if shape.labels != len(node.labels) and not shape.open:
        wanted = "one label" if shape.labels else "no label"
        raise HclError(f"`{node.kind}` takes {wanted}, but has {len(node.labels)}", source.place(node.offset))
    labels = tuple(label for label, _ in node.labels)
    return _evaluate_body(node.kind, labels, node.offset, node.body, shape, scope)


def _evaluate_body(kind: str, labels: tuple[str, ...], offset: int, body: Body, shape: Shape, scope: Scope) -> Block:
    if shape.texts:
        return Block(kind, labels, body.source, offset, texts=_evaluate_texts(body, scope))
    attributes: dict[str, Value] = {}
    blocks: list[Block] = []
    for name, attribute in body.attributes.items():
        if shape.open or name in shape.attributes:
            attributes[name] = _evaluate_argument(attribute, shape, body.source, scope)
        elif name in shape.maps:
            texts = _evaluate_text_map(attribute, body.source, scope)
            blocks.append(Block(name, (), body.source, attribute.offset, texts=texts))
        elif shape.lenient:
            evaluate(attribute.expression, scope)
        else:
            if name in shape.blocks:
                raise HclError(
                    f"`{name}` is a block here, not an argument",
                    body.source.place(attribute.offset),
                    help=f"write `{name} {{ … }}`, without `=`",
                )
            known = [*shape.attributes, *shape.maps]
            raise unknown_name_error("argument", name, known, body.source.place(attribute.offset))
    for inner, inner_scope in expand_blocks(body, shape, scope):
        inner_shape = shape.blocks.get(inner.kind, shape if shape.open else OPEN)
        blocks.append(evaluate_block(inner, inner_shape, body.source, inner_scope))
    _check_once(blocks, shape)
    places = {name: body.attributes[name].start for name in attributes}
    return Block(kind, labels, body.source, offset, attributes, {}, tuple(blocks), places)


def _evaluate_argument(attribute: AttributeNode, shape: Shape, source: Source, scope: Scope) -> Value:
    type_ = shape.attributes.get(attribute.name, DYNAMIC)
    value = evaluate_as(attribute, type_, source, scope)
    if type_ is DYNAMIC:
        return value
    _check_null(attribute, value, shape, source)
    if type_ is NUMBER and not (value.is_null or value.is_unknown):
        _check_whole(attribute, value, source)
    return value


def _check_whole(attribute: AttributeNode, value: Value, source: Source) -> None:
    whole = value.data.whole()
    if whole is None or not -(2**63) <= whole < 2**63:
        size = "" if whole is None else " of 64 bits"
        place = source.place(point(attribute.expression, source))
        raise HclError(f"`{attribute.name}` must be a whole number{size}", place)


def evaluate_as(attribute: AttributeNode, type: Type, source: Source, scope: Scope) -> Value:
    """Evaluate the argument and convert its value to this type."""
    value = evaluate(attribute.expression, scope)
    if type is DYNAMIC or value.type is type:
        return value
    try:
        return convert(value, type)
    except ConversionError as error:
        place = source.place(point(attribute.expression, source))
        raise HclError(f"`{attribute.name}` has the wrong type: {error}", place) from None


def _check_null(attribute: AttributeNode, value: Value, shape: Shape, source: Source) -> None:
    """Refuse a null that Go cannot hold: only lists and pointers may be null, and no element of a list."""
    is_list = value.type.kind == "list"
    items = value.data if is_list and isinstance(value.data, tuple) else ()
    if (value.is_null and not (is_list or shape.nulls)) or any(item.is_null for item in items):
        what = "is" if value.is_null else "contains"
        raise HclError(f"`{attribute.name}` {what} null", source.place(point(attribute.expression, source)))


def _evaluate_texts(body: Body, scope: Scope) -> dict[str, Text]:
    source = body.source
    texts = {
        name: _require_text(
            evaluate_as(attribute, STRING, source, scope), name, source.place(point(attribute.expression, source))
        )
        for name, attribute in body.attributes.items()
    }
    for block in body.blocks:
        raise HclError(f"a block is not allowed here: `{block.kind}`", source.place(block.offset))
    return texts


def _require_text(value: Value, name: str, place: FileOrigin) -> Text:
    if value.is_null:
        raise HclError(f"`{name}` must be a string, but is null", place)
    return NotKnown(causes_in(value), place) if value.is_unknown else str(value.data)


def _evaluate_text_map(attribute: AttributeNode, source: Source, scope: Scope) -> dict[str, Text]:
    """Evaluate `meta = {…}`: a map or an object whose values convert to strings.

    Empty if the whole value is unknown.
    """
    value = evaluate(attribute.expression, scope)
    place = source.place(point(attribute.expression, source))
    if value.is_null or (value.is_unknown and value.type.kind in ("map", "object", "dynamic")):
        return {}
    if value.type.kind not in ("map", "object"):
        raise HclError(f"`{attribute.name}` must be a map of strings, but is of type {value.type}", place)
    found: dict[str, Text] = {}
    for name, item in value.data.items():
        try:
            found[name] = _require_text(convert(item, STRING), name, place)
        except ConversionError as error:
            raise HclError(f"`{attribute.name}.{name}` is not a string: {error}", place) from None
    return found


def _check_once(blocks: list[Block], shape: Shape) -> None:
    seen: dict[str, Block] = {}
    for block in blocks:
        if block.kind in shape.once and block.kind in seen:
            first = seen[block.kind].place
            raise HclError(f"`{block.kind}` is allowed only once, and is already at {first}", block.place)
        seen[block.kind] = block
