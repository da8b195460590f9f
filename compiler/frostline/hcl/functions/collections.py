"""Functions of lists, maps, tuples and objects (cty, function/stdlib/collection.go and sequence.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from frostline.hcl.conversion import ConversionError, convert, unify
from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.functions.numeric import whole
from frostline.hcl.number import Number
from frostline.hcl.operators import equal
from frostline.hcl.values import (
    DYNAMIC,
    NUMBER,
    STRING,
    Type,
    Value,
    boolean,
    list_of,
    list_value,
    map_value,
    number,
    object_value,
    string,
    tuple_value,
)

MOST_RANGE = 1024  # cty's own limit
_SEQUENCES = ("list", "tuple")
_LIST = Parameter("list", list_of(DYNAMIC))
_ANY = Parameter("value", DYNAMIC)


def _chunklist(values: Value, size: Value) -> Value:
    length = whole(size, "size")
    if length < 0:
        raise FunctionError("`size` must not be negative")
    items = values.data
    if not items:
        chunks: list[Value] = []
    elif length == 0:
        chunks = [values]
    else:
        chunks = [Value(values.type, items[index : index + length]) for index in range(0, len(items), length)]
    return list_value(values.type, chunks)


def _coalesce(*values: Value) -> Value:
    common = unify([value.type for value in values]) if values else None
    if common is None:
        raise FunctionError("all arguments must have one type")
    for value in values:
        converted = convert(value, common)
        if converted.data is not None:
            return converted
    raise FunctionError("every argument is null")


def _coalescelist(*values: Value) -> Value:
    if not values:
        raise FunctionError("the function needs an argument")
    for value in values:
        if value.type.kind not in _SEQUENCES:
            raise FunctionError(f"arguments must be lists or tuples, but one is of type {value.type}")
    for value in values:
        if value.data:
            return value
    raise FunctionError("every argument is null or empty")


def _compact(values: Value) -> Value:
    return list_value(STRING, (item for item in values.data if item.data))


def _concat(*values: Value) -> Value:
    if not values:
        raise FunctionError("the function needs an argument")
    if all(value.type.kind == "list" for value in values):
        common = unify([value.type for value in values])
        if common is not None:
            lists = [convert(value, common) for value in values]
            return Value(common, tuple(item for converted in lists for item in converted.data))
    for index, value in enumerate(values):
        if value.type.kind not in _SEQUENCES:
            raise FunctionError(f"arguments must be lists or tuples, but this is of type {value.type}", index)
    return tuple_value(item for value in values for item in value.data)


def _contains(values: Value, wanted: Value) -> Value:
    if values.type.kind not in ("list", "tuple", "set"):
        raise FunctionError(f"`list` must be a list, a tuple or a set, but is of type {values.type}")
    return boolean(any(equal(wanted, item) for item in values.data))


def _distinct(values: Value) -> Value:
    kept: list[Value] = []
    seen: set[Value] = set()
    for item in values.data:
        if item not in seen:
            seen.add(item)
            kept.append(item)
    return Value(values.type, tuple(kept))


def _element(values: Value, index: Value) -> Value:
    if values.type.kind not in _SEQUENCES:
        raise FunctionError(f"`list` must be a list or a tuple, but is of type {values.type}")
    position = whole(index, "index")
    if not values.data:
        raise FunctionError("the list is empty")
    item: Value = values.data[position % len(values.data)]
    return item


def _flatten(values: Value) -> Value:
    if values.type.kind not in ("list", "set", "tuple"):
        raise FunctionError(f"only lists, sets and tuples can be flattened, but this is of type {values.type}")
    return tuple_value(_flat(values))


def _flat(values: Value) -> Iterator[Value]:
    for item in values.data:
        if item.data is not None and item.type.kind in ("list", "set", "tuple"):
            yield from _flat(item)
        else:
            yield item


def _index(values: Value, key: Value) -> Value:
    kind = values.type.kind
    if kind in _SEQUENCES:
        if key.type.kind != "number":
            raise FunctionError(f"the key of a {kind} must be a number")
        index = key.data.whole()
        if index is None or not 0 <= index < len(values.data):
            raise FunctionError(f"there is no element {key.data}")
        item: Value = values.data[index]
        return item
    if kind == "map":
        if key.type.kind != "string":
            raise FunctionError(f"the key of {kind} must be a string")
        if key.data not in values.data:
            raise FunctionError(f"there is no element `{key.data}`")
        member: Value = values.data[key.data]
        return member
    raise FunctionError(f"`collection` must be a list, a map or a tuple, but is of type {values.type}")


def _keys(values: Value) -> Value:
    if values.type.kind not in ("map", "object"):
        raise FunctionError(f"a map or an object is needed, but this is of type {values.type}", 0)
    names = map(string, values.data)
    return list_value(STRING, names) if values.type.kind == "map" else tuple_value(names)


def _values(values: Value) -> Value:
    if values.type.kind == "map":
        assert values.type.element is not None
        return list_value(values.type.element, values.data.values())
    if values.type.kind == "object":
        return tuple_value(values.data.values())
    raise FunctionError(f"a map or an object is needed, but this is of type {values.type}")


def _length(values: Value) -> Value:
    if values.type.kind not in ("list", "set", "map", "tuple"):
        raise FunctionError(f"`collection` must be a list, a set, a map or a tuple, but is of type {values.type}")
    return number(Number(len(values.data), 64))


def _lookup(values: Value, key: Value, default: Value) -> Value:
    if values.type.kind not in ("map", "object"):
        raise FunctionError(f"`inputMap` must be a map or an object, but is of type {values.type}", 0)
    if values.type.kind == "map":
        assert values.type.element is not None
        try:
            default = convert(default, values.type.element)
        except ConversionError:
            raise FunctionError("the default does not have the type of the map's elements", 2) from None
    item: Value = values.data.get(key.data, default)
    return item


def _merge(*values: Value) -> Value:
    for value in values:
        if value.type.kind not in ("map", "object", "dynamic"):
            raise FunctionError(f"arguments must be maps or objects, but one is of type {value.type}")
    merged = {name: item for value in values if value.data is not None for name, item in value.data.items()}
    types = {value.type for value in values}
    if len(types) == 1 and (only := next(iter(types))).kind == "map":
        assert only.element is not None
        return map_value(only.element, merged)
    return object_value(merged)


def _range(*limits: Value) -> Value:
    if not 1 <= len(limits) <= 3:
        raise FunctionError("the function takes one, two or three arguments")
    start, end, step = _limits([limit.data for limit in limits])
    if step == Number(0):
        raise FunctionError("the step must not be zero")
    down = step < Number(0)
    if end > start if down else end < start:
        raise FunctionError("the step leads away from the end", 1)
    items: list[Value] = []
    value = start
    while value > end if down else value < end:
        if len(items) >= MOST_RANGE:
            raise FunctionError(f"the range has more than {MOST_RANGE} values")
        items.append(number(value))
        value = value + step
    return list_value(NUMBER, items)


def _limits(limits: list[Number]) -> tuple[Number, Number, Number]:
    """Return start, end and step."""
    if len(limits) == 3:
        return limits[0], limits[1], limits[2]
    start, end = (Number(0, 64), limits[0]) if len(limits) == 1 else (limits[0], limits[1])
    return start, end, Number(-1 if end < start else 1, 64)


def _slice(values: Value, start: Value, end: Value) -> Value:
    if values.type.kind not in _SEQUENCES:
        raise FunctionError(f"a list or a tuple is needed, but this is of type {values.type}", 0)
    first, last = whole(start, "start_index", 1), whole(end, "end_index", 2)
    length = len(values.data)
    if not 0 <= first <= length:
        raise FunctionError(f"`start_index` is between 0 and {length}", 1)
    if not 0 <= last <= length:
        raise FunctionError(f"`end_index` is between 0 and {length}", 2)
    if first > last:
        raise FunctionError("`start_index` is larger than `end_index`", 1)
    part = values.data[first:last]
    return Value(values.type, part) if values.type.kind == "list" else tuple_value(part)


def _sort(values: Value) -> Value:
    if any(item.data is None for item in values.data):
        raise FunctionError("the list contains null, which cannot be sorted")
    # Go compares bytes, which gives the same order as code points.
    return list_value(STRING, sorted(values.data, key=lambda item: item.data))


def _zipmap(keys: Value, values: Value) -> Value:
    if values.type.kind not in _SEQUENCES:
        raise FunctionError(f"`values` must be a list or a tuple, but is of type {values.type}")
    if len(keys.data) != len(values.data):
        raise FunctionError(f"there are {len(keys.data)} keys, but {len(values.data)} values")
    if any(key.data is None for key in keys.data):
        raise FunctionError("a key is null")
    pairs = {key.data: value for key, value in zip(keys.data, values.data, strict=True)}
    if values.type.kind == "list":
        assert values.type.element is not None
        return map_value(values.type.element, pairs)
    return object_value(pairs)


def _seq(name: str, type: Type = DYNAMIC) -> Parameter:
    return Parameter(name, type)


FUNCTIONS: Mapping[str, Function] = {
    "chunklist": Function((_LIST, _seq("size", NUMBER)), _chunklist, partly=True),
    "coalesce": Function((), _coalesce, Parameter("vals", DYNAMIC, null=True)),
    "coalescelist": Function((), _coalescelist, Parameter("vals", DYNAMIC, null=True), partly=True),
    "compact": Function((_seq("list", list_of(STRING)),), _compact),
    "concat": Function((), _concat, _seq("seqs"), partly=True),
    "contains": Function((_seq("list"), _ANY), _contains),
    "distinct": Function((_LIST,), _distinct),
    "element": Function((_seq("list"), _seq("index", NUMBER)), _element, partly=True),
    "flatten": Function((_seq("list"),), _flatten),
    "index": Function((_seq("collection"), _seq("key")), _index),
    "keys": Function((_seq("inputMap"),), _keys, partly=True),
    "length": Function((_seq("collection"),), _length, partly=True),
    "lookup": Function((_seq("inputMap"), _seq("key", STRING), _seq("default")), _lookup, partly=True),
    "merge": Function((), _merge, Parameter("maps", DYNAMIC, null=True), partly=True),
    "range": Function((), _range, _seq("params", NUMBER)),
    "slice": Function((_seq("list"), _seq("start_index", NUMBER), _seq("end_index", NUMBER)), _slice, partly=True),
    "sort": Function((_seq("list", list_of(STRING)),), _sort),
    "values": Function((_seq("mapping"),), _values, partly=True),
    "zipmap": Function((_seq("keys", list_of(STRING)), _seq("values")), _zipmap),
}
