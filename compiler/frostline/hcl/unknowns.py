"""Values that are not known: variables that are not set, results of functions that differ from run to run.

As in cty, what is made of an unknown value is unknown; a list with an unknown element is known, but for that element.
"""

from __future__ import annotations

from collections.abc import Iterable

from frostline.hcl.values import DYNAMIC, Type, Unknown, Value

_NONE: frozenset[str] = frozenset()


def unknown(type: Type, causes: Iterable[str]) -> Value:
    """An unknown value of this type. causes: what it depends on, as a file writes it: `var.a`, `uuidv4()`."""
    return Value(type, Unknown(frozenset(causes)))


def unknown_from(values: Iterable[Value], type: Type = DYNAMIC) -> Value:
    """An unknown value that depends on all that is unknown in these values."""
    return Value(type, Unknown(_NONE.union(*map(causes_in, values))))


def causes_in(value: Value) -> frozenset[str]:
    """What the unknown parts of the value depend on; empty where all of it is known. It is kept in the value."""
    data = value.data
    if data.__class__ is Unknown:
        found: frozenset[str] = data.causes
        return found
    if not isinstance(data, (tuple, dict)):
        return _NONE
    try:
        return value.causes
    except AttributeError:
        pass
    inner = [causes for item in (data.values() if isinstance(data, dict) else data) if (causes := causes_in(item))]
    value.causes = _NONE.union(*inner) if inner else _NONE
    return value.causes
