"""Converting values to types, and finding the common type of several types (cty's convert package).

A conversion is safe if it works for every value of the source type (number to string), else unsafe (string to number).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from frostline.hcl.mismatches import mismatch
from frostline.hcl.number import Number, NumberError
from frostline.hcl.sets import set_value
from frostline.hcl.unification import common_type
from frostline.hcl.values import (
    DYNAMIC,
    FALSE,
    NUMBER,
    STRING,
    TRUE,
    Type,
    Unknown,
    Value,
    list_value,
    map_value,
    object_value,
    tuple_value,
)

Path = tuple[str, ...]
"""The steps to a part of a value, as messages show them: `.name` and `[key]`."""
Conversion = Callable[[Value, Path], Value]


class ConversionError(Exception):
    """A value cannot be converted. reason: a clause. path: to the part that is wrong; empty for the whole value."""

    def __init__(self, reason: str, path: Path = ()) -> None:
        super().__init__(f"{''.join(path)}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


def convert(value: Value, type: Type) -> Value:
    """Convert the value to this type constraint, in which DYNAMIC stands for any type. Raises ConversionError."""
    if value.type is type or type is DYNAMIC:
        return value
    if type is STRING and value.data is not None and value.data.__class__ is not Unknown:
        if value.type is NUMBER:
            return Value(STRING, str(value.data))
        if value.type is STRING:
            return value
    if value.type == without_optional(type):
        return value
    conversion = _conversion(value.type, type, True)
    if conversion is None:
        raise ConversionError(mismatch(value.type, type, _convertible))
    return conversion(value, ())


def unify(types: Iterable[Type], unsafe: bool = True) -> Type | None:
    """Return the type that all of the types convert to: the most general of them or a new one; None if there is none.

    unsafe: allow unsafe conversions too.
    """
    return common_type(list(types), _convertible if unsafe else _safely_convertible)


def without_optional(type: Type) -> Type:
    """Return the type of the values of a type constraint, in which no attribute is optional."""
    if type.element is not None:
        element = without_optional(type.element)
        return type if element is type.element else Type(type.kind, element=element)
    if type.elements:
        elements = tuple(map(without_optional, type.elements))
        return type if elements == type.elements else Type("tuple", elements=elements)
    if type.attributes:
        attributes = {name: without_optional(attribute) for name, attribute in type.attributes.items()}
        return Type("object", attributes=attributes) if type.optional or attributes != type.attributes else type
    return type


def _convertible(source: Type, target: Type) -> bool:
    return _conversion(source, target, True) is not None


def _safely_convertible(source: Type, target: Type) -> bool:
    return _conversion(source, target, False) is not None


def _conversion(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    """Return the conversion between two different types; None if there is none. It keeps null and unknown values."""
    conversion = _conversion_of_non_null(source, target, unsafe)
    if conversion is None:
        return None
    return partial(_converted, conversion, target)


def _converted(conversion: Conversion, target: Type, value: Value, path: Path) -> Value:
    if target.kind == "dynamic":
        return value
    if value.data is None or value.data.__class__ is Unknown:
        return Value(_fill_dynamic(value.type, without_optional(target)), value.data)
    return conversion(value, path)


def _conversion_of_non_null(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    """Return the conversion of values that are neither null nor unknown; None if there is none."""
    if target.kind == "dynamic":
        return _unchanged
    if source.kind == "dynamic":
        return partial(_convert_dynamic, target) if unsafe else None
    if source.is_primitive and target.is_primitive:
        return _SAFE.get((source.kind, target.kind)) or (_UNSAFE.get((source.kind, target.kind)) if unsafe else None)
    maker = _MAKERS.get((source.kind, target.kind))
    if maker is None or (not unsafe and (source.kind, target.kind) in _ALWAYS_UNSAFE):
        return None
    return maker(source, target, unsafe)


def _unchanged(value: Value, _path: Path) -> Value:
    return value


def _convert_dynamic(target: Type, value: Value, path: Path) -> Value:
    try:
        return convert(value, target)
    except ConversionError as error:
        raise ConversionError(error.reason, path + error.path) from None


def _number_to_string(value: Value, _path: Path) -> Value:
    return Value(STRING, str(value.data))


def _bool_to_string(value: Value, _path: Path) -> Value:
    return Value(STRING, "true" if value.data else "false")


def _string_to_number(value: Value, path: Path) -> Value:
    try:
        return Value(NUMBER, Number.parse(value.data))
    except NumberError as error:
        raise ConversionError(str(error), path) from None


def _string_to_bool(value: Value, path: Path) -> Value:
    if value.data in ("true", "1"):
        return TRUE
    if value.data in ("false", "0"):
        return FALSE
    lower = value.data.lower()
    hint = f'; write it in lower case, "{lower}"' if lower in ("true", "false") else ""
    raise ConversionError("a bool is required" + hint, path)


_SAFE = {("number", "string"): _number_to_string, ("bool", "string"): _bool_to_string}
_UNSAFE = {("string", "number"): _string_to_number, ("string", "bool"): _string_to_bool}


def _element_conversions(
    sources: Sequence[Type], target: Type, unsafe: bool
) -> tuple[Type, list[Conversion | None]] | None:
    """Return the element type of the new collection, and the conversion of each element (None: no conversion needed).

    Returns None if an element cannot be converted.
    """
    if target.kind == "dynamic":
        common = unify(sources, unsafe)
        if common is None:
            return None
        target = common
    conversions: list[Conversion | None] = []
    made: dict[Type, Conversion | None] = {target: None}
    for source in sources:
        if source not in made:
            conversion = _conversion(source, target, unsafe)
            if conversion is None:
                return None
            made[source] = conversion
        conversions.append(made[source])
    return target, conversions


def _with_one_type(items: list[Value], path: Path, unsafe: bool) -> list[Value]:
    """Convert the items to one type, where `any` within the element type left it open. Raises ConversionError."""
    types = {item.type for item in items} - {DYNAMIC}
    if len(types) > 1:
        common = unify((item.type for item in items), unsafe)
        if common is not None:
            items = [convert(item, common) for item in items]
            types = {item.type for item in items} - {DYNAMIC}
        if len(types) > 1:
            raise ConversionError("the elements have no type in common", path)
    # A null or unknown value without a type takes the type of the other items.
    return [Value(type_, item.data) if item.type == DYNAMIC else item for type_ in types for item in items] or items


def _collection(kind: str, element: Type, items: list[Value], path: Path, unsafe: bool) -> Value:
    """Make a list or set of the items, which have the element type already, except where that is DYNAMIC."""
    element = without_optional(element)
    if items:
        items = _with_one_type(items, path, unsafe)
        element = items[0].type
    return set_value(element, items) if kind == "set" else list_value(element, items)


def _collection_to_collection(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    """Return the conversion of a list or set to a list or set."""
    assert source.element is not None
    assert target.element is not None
    have, element = source.element, target.element
    conversion = None if have == element else _conversion(have, element, unsafe)
    if conversion is None and have != element:
        return None

    def run(value: Value, path: Path) -> Value:
        items = list(value.data)
        if conversion is not None:
            items = [conversion(item, (*path, f"[{index}]")) for index, item in enumerate(items)]
        return _collection(target.kind, have if element.kind == "dynamic" else element, items, path, unsafe)

    return run


def _tuple_to_collection(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    assert target.element is not None
    if not source.elements:
        empty = _collection(target.kind, target.element, [], (), unsafe)
        return lambda _value, _path: empty
    plan = _element_conversions(source.elements, target.element, unsafe)
    if plan is None:
        return None
    element, conversions = plan
    if element.kind == "dynamic" and any(element_type.kind != "dynamic" for element_type in source.elements):
        return None

    def run(value: Value, path: Path) -> Value:
        items = [
            item if conversion is None else conversion(item, (*path, f"[{index}]"))
            for index, (item, conversion) in enumerate(zip(value.data, conversions, strict=True))
        ]
        return _collection(target.kind, element, items, path, unsafe)

    return run


def _to_map(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    """Return the conversion of a map or object to a map."""
    assert target.element is not None
    have = list(source.attributes.values()) if source.element is None else [source.element]
    if not have:
        empty = map_value(without_optional(target.element), {})
        return lambda _value, _path: empty
    wanted = target.element
    if source.element is not None and wanted.kind == "dynamic":
        wanted = source.element
    plan = _element_conversions(have, wanted, unsafe)
    if plan is None:
        return None
    element, conversions = plan

    def run(value: Value, path: Path) -> Value:
        element_conversions = conversions * len(value.data) if source.element is not None else conversions
        items = [
            item if conversion is None else conversion(item, (*path, f'["{name}"]'))
            for (name, item), conversion in zip(value.data.items(), element_conversions, strict=True)
        ]
        if not items:
            return map_value(without_optional(element), {})
        items = _with_one_type(items, path, unsafe)
        return map_value(items[0].type, dict(zip(value.data, items, strict=True)))

    return run


def _object_to_object(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    """Return the conversion of an object to an object.

    It drops attributes that the target lacks; missing optional ones become null.
    """
    conversions: dict[str, Conversion | None] = {}
    for name, wanted in target.attributes.items():
        have = source.attributes.get(name)
        if have is None:
            if name not in target.optional:
                return None
            continue
        conversions[name] = None if have == wanted else _conversion(have, wanted, unsafe)
        if conversions[name] is None and have != wanted:
            return None

    def run(value: Value, path: Path) -> Value:
        items = {}
        for name, conversion in conversions.items():
            item = value.data[name]
            items[name] = item if conversion is None else conversion(item, (*path, f".{name}"))
        return object_value(_with_nulls(items, target))

    return run


def _with_nulls(items: dict[str, Value], target: Type) -> dict[str, Value]:
    for name in target.optional:
        if name not in items:
            items[name] = Value(without_optional(target.attributes[name]), None)
    return items


def _map_to_object(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    assert source.element is not None
    have = source.element
    conversions = {
        name: _unchanged if have == wanted else _conversion(have, wanted, unsafe)
        for name, wanted in target.attributes.items()
    }
    if any(conversion is None and name not in target.optional for name, conversion in conversions.items()):
        return None

    def run(value: Value, path: Path) -> Value:
        items = {}
        for name, conversion in conversions.items():
            if name in value.data:
                if conversion is None:
                    raise ConversionError(mismatch(have, target.attributes[name], _convertible), (*path, f".{name}"))
                items[name] = conversion(value.data[name], (*path, f'["{name}"]'))
            elif name not in target.optional:
                raise ConversionError(f"the map has no element for the required attribute `{name}`", path)
        return object_value(_with_nulls(items, target))

    return run


def _tuple_to_tuple(source: Type, target: Type, unsafe: bool) -> Conversion | None:
    if len(source.elements) != len(target.elements):
        return None
    conversions: list[Conversion] = []
    for have, wanted in zip(source.elements, target.elements, strict=True):
        conversion = _unchanged if have == wanted else _conversion(have, wanted, unsafe)
        if conversion is None:
            return None
        conversions.append(conversion)
    return lambda value, path: tuple_value(
        conversion(item, (*path, f"[{index}]"))
        for index, (item, conversion) in enumerate(zip(value.data, conversions, strict=True))
    )


_MAKERS: dict[tuple[str, str], Callable[[Type, Type, bool], Conversion | None]] = {
    ("object", "object"): _object_to_object,
    ("tuple", "tuple"): _tuple_to_tuple,
    ("list", "list"): _collection_to_collection,
    ("set", "list"): _collection_to_collection,
    ("list", "set"): _collection_to_collection,
    ("set", "set"): _collection_to_collection,
    ("tuple", "list"): _tuple_to_collection,
    ("tuple", "set"): _tuple_to_collection,
    ("map", "map"): _to_map,
    ("object", "map"): _to_map,
    ("map", "object"): _map_to_object,
}
# These conversions may lose the order, or fail because an attribute is missing.
_ALWAYS_UNSAFE = frozenset({("list", "set"), ("map", "object")})


def _fill_dynamic(source: Type, target: Type) -> Type:
    """Replace DYNAMIC in the target type by the source's types, for null and unknown values (cty's dynamicReplace)."""
    if source.kind == "dynamic" or target.is_primitive:
        return target
    if target.kind == "dynamic":
        return source
    if target.element is not None:
        if source.element is not None:
            have: Type | None = source.element
        else:
            have = unify(source.attributes.values() if source.kind == "object" else source.elements) or DYNAMIC
        return Type(target.kind, element=_fill_dynamic(have or DYNAMIC, target.element))
    if target.kind == "tuple":
        return Type("tuple", elements=tuple(map(_fill_dynamic, source.elements, target.elements)))
    return Type(
        "object",
        attributes={
            name: _fill_dynamic(source.element or source.attributes.get(name, DYNAMIC), wanted)
            for name, wanted in target.attributes.items()
        },
    )
