"""Attributes and elements of values: `.name`, `[key]` (HCL's GetAttr and Index)."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.hcl.conversion import ConversionError, convert
from frostline.hcl.nodes import GetAttr, Step
from frostline.hcl.number import Number
from frostline.hcl.unknowns import unknown_from
from frostline.hcl.values import DYNAMIC, NUMBER, STRING, Type, Value


class AccessError(Exception):
    """A value has no such attribute or element. The message is a clause without a full stop.

    name: the missing attribute or key. known: the attributes or keys that the value has.
    """

    def __init__(self, message: str, name: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.known = known


def attribute(value: Value, name: str) -> Value:
    """Return an attribute of an object or an element of a map. Raises AccessError."""
    kind, data = value.type.kind, value.data
    if data is None:
        raise AccessError(f"null has no attribute `{name}`")
    if value.type is DYNAMIC:
        return value
    if kind not in ("object", "map"):
        if value.type.element is not None and value.type.element.kind == "object":
            raise AccessError(f"a {kind} of objects has no attribute `{name}`: only its elements may have one")
        raise AccessError(f"a value of type {kind} has no attribute `{name}`")
    if value.is_unknown:
        type_ = value.type.element or value.type.attributes.get(name)
        item = Value(type_, data) if type_ is not None else None
    else:
        item = data.get(name)
    if item is None:
        names = data if isinstance(data, dict) else value.type.attributes
        message = f"there is no attribute `{name}`" if kind == "object" else f"there is no key `{name}`"
        raise AccessError(message, name, names)
    return item


def element(value: Value, key: Value) -> Value:
    """Return an element of a list or tuple by its index, or of a map or object by its key. Raises AccessError."""
    kind, data = value.type.kind, value.data
    if data is None:
        raise AccessError("null has no elements")
    if key.data is None:
        raise AccessError("null is not an index")
    if value.is_unknown or key.is_unknown:
        return _unknown_element(value, key)
    if kind in ("list", "tuple"):
        return _item_at(data, _converted(key, NUMBER).data)
    if kind in ("map", "object"):
        name = _converted(key, STRING).data
        if name not in data:
            message = f"there is no key `{name}`" if kind == "map" else f"there is no attribute `{name}`"
            raise AccessError(message, name, data)
        item: Value = data[name]
        return item
    if kind == "set":
        raise AccessError("the elements of a set have no index")
    raise AccessError(f"a value of type {kind} has no elements")


def _unknown_element(value: Value, key: Value) -> Value:
    """Return the element of an unknown collection or by an unknown key: unknown, with its type if that is certain."""
    kind = value.type.kind
    if kind == "set" or value.type.is_primitive:
        raise AccessError("the elements of a set have no index" if kind == "set" else f"a {kind} has no elements")
    if kind != "dynamic" and key.type is not DYNAMIC:
        _converted(key, STRING if kind in ("map", "object") else NUMBER)
    return unknown_from((value, key), value.type.element or DYNAMIC)


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


def with_subject(message: str, root: str | None, steps: tuple[Step, ...]) -> str:
    """Turn the message "there is no attribute `x`" into "`var` has no attribute `x`". Other messages stay the same."""
    names = [root, *(step.name if isinstance(step, GetAttr) else None for step in steps)]
    missing = message.removeprefix("there is no ")
    if missing == message or None in names:
        return message
    return f"`{'.'.join(filter(None, names))}` has no {missing}"
