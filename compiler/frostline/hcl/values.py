"""The values of HCL2 and their types (go-cty): strings, numbers, bools, lists, sets, maps, tuples, objects.

A value carries its type: a list differs from a tuple, a map from an object, and null has a type too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from frostline.hcl.number import Number


class Type:
    """A type.

    kind: string, number, bool, dynamic (the type of a bare null), list, set, map, tuple or object.
    element: the type of the elements of a list, set or map. elements: the types of a tuple's elements.
    attributes: the types of an object's attributes, sorted by name.
    optional: in a type constraint, the names of the attributes that a value may lack.
    """

    __slots__ = ("_hash", "attributes", "element", "elements", "kind", "optional")

    def __init__(
        self,
        kind: str,
        *,
        element: Type | None = None,
        elements: tuple[Type, ...] = (),
        attributes: Mapping[str, Type] | None = None,
        optional: frozenset[str] = frozenset(),
    ) -> None:
        self.kind = kind
        self.element = element
        self.elements = elements
        self.attributes: Mapping[str, Type] = dict(sorted(attributes.items())) if attributes else {}
        self.optional = optional
        self._hash = hash((kind, element, elements, tuple(self.attributes.items()), optional))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Type)
            and self._hash == other._hash
            and self.kind == other.kind
            and self.element == other.element
            and self.elements == other.elements
            and self.attributes == other.attributes
            and self.optional == other.optional
        )

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_primitive(self) -> bool:
        return self.kind in ("string", "number", "bool")

    def __str__(self) -> str:
        """The type's name in messages: string, number, bool, dynamic, list of string, tuple, object."""
        return f"{self.kind} of {self.element}" if self.element is not None else self.kind

    __repr__ = __str__


STRING = Type("string")
NUMBER = Type("number")
BOOL = Type("bool")
DYNAMIC = Type("dynamic")


def list_of(element: Type) -> Type:
    return Type("list", element=element)


def set_of(element: Type) -> Type:
    return Type("set", element=element)


def map_of(element: Type) -> Type:
    return Type("map", element=element)


class Unknown(Struct, frozen=True, gc=False):
    """The data of an unknown value. causes: what it depends on, as in the file (`var.a`, `uuidv4()`)."""

    causes: frozenset[str]


class Value:
    """An immutable value with its type.

    data: a str, Number or bool; a tuple of Values for a list, a set (in cty's order) or a tuple; a dict of Values, with
    keys in code point order, for a map or an object; None for a null of any type; Unknown for an unknown value.
    """

    __slots__ = ("causes", "data", "extent", "type")
    causes: frozenset[str]
    """The cache of `unknowns.causes_in`."""
    extent: tuple[int, int]
    """The cache of `weights.extent`."""

    def __init__(self, type: Type, data: Any) -> None:
        self.type = type
        self.data = data

    @property
    def is_null(self) -> bool:
        return self.data is None

    @property
    def is_unknown(self) -> bool:
        """Whether the value itself is unknown. A known list may still have unknown elements."""
        return self.data.__class__ is Unknown

    def __eq__(self, other: object) -> bool:
        """Whether type and content are equal. HCL's `==` is `operators.equal`."""
        return isinstance(other, Value) and self.type == other.type and self.data == other.data

    def __hash__(self) -> int:
        data = tuple(self.data.items()) if isinstance(self.data, dict) else self.data
        return hash((self.type, data))

    def __repr__(self) -> str:
        return f"<{self.type} {self.data!r}>"


NULL = Value(DYNAMIC, None)
TRUE = Value(BOOL, True)
FALSE = Value(BOOL, False)


def string(text: str) -> Value:
    """Make a string value, normalized to Unicode's NFC as in cty."""
    from unicodedata import is_normalized, normalize

    return Value(STRING, text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text))


def number(value: Number | int) -> Value:
    return Value(NUMBER, value if isinstance(value, Number) else Number(value))


def boolean(value: bool) -> Value:
    return TRUE if value else FALSE


def list_value(element: Type, items: Iterable[Value]) -> Value:
    """Make a list of items that already have the element type."""
    return Value(list_of(element), tuple(items))


def map_value(element: Type, items: Mapping[str, Value]) -> Value:
    """Make a map of values that already have the element type."""
    return Value(map_of(element), dict(sorted(items.items())))


def tuple_value(items: Iterable[Value]) -> Value:
    data = tuple(items)
    return Value(Type("tuple", elements=tuple(item.type for item in data)), data)


def object_value(attributes: Mapping[str, Value]) -> Value:
    data = dict(sorted(attributes.items()))
    return Value(Type("object", attributes={name: value.type for name, value in data.items()}), data)
