"""Sets: each element once, in the order that cty gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from frostline.hcl.number import Number
from frostline.hcl.operators import equal
from frostline.hcl.values import Type, Value, set_of


def set_value(element: Type, items: Iterable[Value]) -> Value:
    """A set of the items, which have the element type already; of equal ones the first."""
    buckets: dict[object, list[Value]] = {}
    for item in items:
        # Values that are equal have equal keys; what has the same key may differ yet (numbers beyond ten digits).
        bucket = buckets.setdefault(_key(item), [])
        if not any(equal(item, other) for other in bucket):
            bucket.append(item)
    return Value(set_of(element), tuple(sorted((item for bucket in buckets.values() for item in bucket), key=_order)))


def _key(item: Value) -> object:
    if item.type.kind == "number" and item.data is not None:
        return _number_text(item.data)
    return item.data if item.type.is_primitive else _text(item)


def _order(item: Value) -> tuple[bool, object]:
    """Null last; strings by code point, false before true, numbers by amount, others by cty's text of them."""
    if item.data is None:
        return True, ""
    if item.type.kind == "number":
        return False, item.data.value
    return False, item.data if item.type.is_primitive else _text(item).encode("utf-8", "surrogatepass")


def _text(item: Value) -> str:
    """The text that cty takes a hash of (set_internals): it decides the order of what has none of its own."""
    data, kind = item.data, item.type.kind
    if data is None:
        return "~"
    if kind == "string":
        return json.dumps(data, ensure_ascii=False)
    if kind == "number":
        return _number_text(data)
    if kind == "bool":
        return "T" if data else "F"
    if kind == "map":
        return (
            "{" + "".join(f"{json.dumps(key, ensure_ascii=False)}:{_text(each)};" for key, each in data.items()) + "}"
        )
    texts = "".join(_text(each) + ";" for each in (data.values() if kind == "object" else data))
    return f"<{texts}>" if kind in ("object", "tuple") else f"[{texts}]"


def _number_text(number: Number) -> str:
    """Ten digits, as Go's %.10g."""
    return format(number.to_float() + 0.0, ".10g")
