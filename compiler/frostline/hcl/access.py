"""Attributes and elements of values: `.name`, `[key]` (HCL's GetAttr and Index)."""

from __future__ import annotations

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.number import Number
from frostline.hcl.values import NUMBER, STRING, Type, Value


class AccessError(Exception):
    """A value has no such attribute or element. The message is a clause without a full stop."""


def attribute(value: Value, name: str) -> Value:
    """The attribute of an object, or the element of a map."""
    kind, data = value.type.kind, value.data
    if data is None:
        raise AccessError(f"null has no attribute `{name}`")
    if kind not in ("object", "map"):
        if value.type.element is not None and value.type.element.kind == "object":
            raise AccessError(f"a {kind} of objects has no attribute `{name}`: only its elements may have one")
        raise AccessError(f"a value of type {kind} has no attribute `{name}`")
    found: Value | None = data.get(name)
    if found is None:
        raise AccessError(f"there is no attribute `{name}`" if kind == "object" else f"there is no key `{name}`")
    return found


def element(value: Value, key: Value) -> Value:
    """The element of a list or tuple by its index, of a map or object by its name."""
    kind, data = value.type.kind, value.data
    if data is None:
        raise AccessError("null has no elements")
    if key.data is None:
        raise AccessError("null is not an index")
    if kind in ("list", "tuple"):
        return _item_at(data, _converted(key, NUMBER).data)
    if kind in ("map", "object"):
        name = _converted(key, STRING).data
        if name not in data:
            raise AccessError(f"there is no key `{name}`" if kind == "map" else f"there is no attribute `{name}`")
        found: Value = data[name]
        return found
    if kind == "set":
        raise AccessError("the elements of a set have no index")
    raise AccessError(f"a value of type {kind} has no elements")


def _converted(key: Value, wanted: Type) -> Value:
    try:
        return convert(key, wanted)
    except ConversionError as error:
        raise AccessError(f"this is not an index: {error}") from None


def _item_at(items: tuple[Value, ...], position: Number) -> Value:
    index = position.whole()
    if index is None:
        raise AccessError("an index must be a whole number")
    if index < 0:
        raise AccessError("an index must not be negative")
    if index >= len(items):
        raise AccessError(f"there are {len(items)} elements, so the index {position} is too large")
    return items[index]
