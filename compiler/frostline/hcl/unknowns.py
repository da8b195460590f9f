"""Unknown values: variables that are not set, and results of functions that differ from run to run.

As in cty, the result of an operation on an unknown value is unknown. A list with an unknown element is known, except
for that element.
"""

from __future__ import annotations

from collections.abc import Iterable

from frostline.hcl.values import DYNAMIC, Type, Unknown, Value

_NONE: frozenset[str] = frozenset()


def unknown(type: Type, causes: Iterable[str]) -> Value:
    """Make an unknown value of this type. causes: what it depends on, as in the file: `var.a`, `uuidv4()`."""
    return Value(type, Unknown(frozenset(causes)))


def unknown_from(values: Iterable[Value], type: Type = DYNAMIC) -> Value:
    """Make an unknown value that depends on everything unknown in these values."""
    return Value(type, Unknown(_NONE.union(*map(causes_in, values))))


def causes_in(value: Value) -> frozenset[str]:
    """Return what the unknown parts of the value depend on; empty if all of it is known. Cached in the value."""
    data = value.data
    if data.__class__ is Unknown:
        causes: frozenset[str] = data.causes
        return causes
    if not isinstance(data, (tuple, dict)):
        return _NONE
    try:
        return value.causes
    except AttributeError:
        pass
    parts = [causes for item in (data.values() if isinstance(data, dict) else data) if (causes := causes_in(item))]
    value.causes = _NONE.union(*parts) if parts else _NONE
    return value.causes
