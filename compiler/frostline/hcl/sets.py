"""Making sets: each element occurs once, in cty's order."""

from __future__ import annotations

import json
from collections.abc import Iterable

from frostline.hcl.number import Number
from frostline.hcl.operators import equal
from frostline.hcl.unknowns import causes_in, unknown_from
from frostline.hcl.values import Type, Value, set_of


def set_value(element: Type, items: Iterable[Value]) -> Value:
    """Make a set of the items, which already have the element type. The first of equal items stays.

    The set is unknown if an item is, because then the number of its elements is unknown.
    """
    items = list(items)
    if any(map(causes_in, items)):
        return unknown_from(items, set_of(element))
    buckets: dict[object, list[Value]] = {}
    for item in items:
        # Equal values have equal keys, but values with equal keys may differ (numbers beyond ten digits).
        bucket = buckets.setdefault(_key(item), [])
        if not any(equal(item, other) for other in bucket):
            bucket.append(item)
    return Value(set_of(element), tuple(sorted((item for bucket in buckets.values() for item in bucket), key=_order)))


def _key(item: Value) -> object:
    if item.type.kind == "number" and item.data is not None:
        return _number_text(item.data)
    return item.data if item.type.is_primitive else _text(item)


def _order(item: Value) -> tuple[bool, object]:
    """Return the sort key: null last; strings by code point, false before true, numbers by value, others by `_text`."""
    if item.data is None:
        return True, ""
    if item.type.kind == "number":
        return False, item.data.value
    return False, item.data if item.type.is_primitive else _text(item).encode("utf-8", "surrogatepass")


def _text(item: Value) -> str:
    """Return the text that cty hashes (set_internals). It orders values that have no natural order."""
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
            "{" + "".join(f"{json.dumps(key, ensure_ascii=False)}:{_text(item)};" for key, item in data.items()) + "}"
        )
    texts = "".join(_text(item) + ";" for item in (data.values() if kind == "object" else data))
    return f"<{texts}>" if kind in ("object", "tuple") else f"[{texts}]"


def _number_text(number: Number) -> str:
    """Format with ten digits, like Go's %.10g."""
    return format(number.to_float() + 0.0, ".10g")
