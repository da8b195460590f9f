"""The type that several types have in common (cty's convert.UnifyUnsafe).

Whether one type converts to another is a parameter: conversion itself needs this module for `any`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from frostline.hcl.values import DYNAMIC, Type, list_of, map_of

Convertible = Callable[[Type, Type], bool]
# Types in one expression that differ and yet may have one in common; more than that cost time in their square.
_MOST_TYPES = 200
_SEQUENCES = frozenset({"list", "set", "tuple"})
_MAPPINGS = frozenset({"map", "object"})
_PRIMITIVES = frozenset({"string", "number", "bool"})
_RANKS = {"list": 0, "tuple": 1, "set": 2}


def unified(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """The type that all of them convert to; None where there is none, or no types are given."""
    # Equal ones change nothing.
    types = list(dict.fromkeys(types))
    if len(types) <= 1:
        return types[0] if types else None
    kinds = {each.kind for each in types}
    some = kinds - {"dynamic"}
    if not (some <= _PRIMITIVES or some <= _SEQUENCES or some <= _MAPPINGS):
        return None
    if len(some) == 1 and not some <= _PRIMITIVES:
        if "dynamic" in kinds:
            return DYNAMIC
        return _of_one_kind(next(iter(some)), types, convertible)
    structural = "tuple" if some == {"list", "tuple"} else "object" if some == _MAPPINGS else ""
    if structural:
        found = _as_collections(structural, types, convertible)
        if found is not None:
            return found
    return _preferred(types, convertible)


def _of_one_kind(kind: str, types: Sequence[Type], convertible: Convertible) -> Type | None:
    if kind == "object":
        return _objects(types, convertible)
    if kind == "tuple":
        return _tuples(types, convertible)
    element = unified([each.element for each in types if each.element is not None], convertible)
    return _reached(types, None if element is None else Type(kind, element=element), convertible)


def _as_collections(structural: str, types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Lists and tuples as lists, maps and objects as maps: the structural ones become one collection type first."""
    structures = [each for each in types if each.kind == structural]
    collection = (_list_of_all if structural == "tuple" else _map_of_all)(structures, convertible)
    if collection is None:
        return None
    common = unified([collection if each.kind == structural else each for each in types], convertible)
    return common if common is not None and common.kind == collection.kind else None


def _reached(types: Iterable[Type], common: Type | None, convertible: Convertible) -> Type | None:
    """The common type, if all of the types convert to it."""
    if common is None or not all(each == common or convertible(each, common) for each in types):
        return None
    return common


def _objects(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """An object where all have the same attributes, else a map."""
    names = types[0].attributes.keys()
    if any(each.attributes.keys() != names for each in types):
        return _map_of_all(types, convertible)
    attributes = {}
    for name in names:
        common = unified([each.attributes[name] for each in types], convertible)
        if common is None:
            return None
        attributes[name] = common
    return _reached(types, Type("object", attributes=attributes), convertible) or _map_of_all(types, convertible)


def _map_of_all(types: Sequence[Type], convertible: Convertible) -> Type | None:
    element = unified([each for one in types for each in one.attributes.values()], convertible)
    return _reached(types, None if element is None else map_of(element), convertible)


def _tuples(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """A tuple where all have the same length, else a list."""
    if any(len(each.elements) != len(types[0].elements) for each in types):
        return _list_of_all(types, convertible)
    elements = []
    for across in zip(*(each.elements for each in types), strict=True):
        common = unified(across, convertible)
        if common is None:
            return None
        elements.append(common)
    return _reached(types, Type("tuple", elements=tuple(elements)), convertible) or _list_of_all(types, convertible)


def _list_of_all(types: Sequence[Type], convertible: Convertible) -> Type | None:
    element = unified([each for one in types for each in one.elements], convertible)
    return _reached(types, None if element is None else list_of(element), convertible)


def _preferred(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """The first of the types, the most general ones first, that all others convert to."""
    if len(types) > _MOST_TYPES:
        return None
    # A topological order: those that nothing is more general than, in the order given, then those below them.
    below: list[list[int]] = [[] for _ in types]
    above = [0] * len(types)
    for one in range(len(types)):
        for other in range(one + 1, len(types)):
            preference = _preference(types[one], types[other])
            if preference:
                high, low = (one, other) if preference < 0 else (other, one)
                below[high].append(low)
                above[low] += 1
    order = [at for at, count in enumerate(above) if count == 0]
    for at in order:
        for low in below[at]:
            above[low] -= 1
            if above[low] == 0:
                order.append(low)
    return next((types[at] for at in order if _reached(types, types[at], convertible)), None)


def _preference(one: Type, other: Type) -> int:
    """-1: one is more general, 1: the other is, 0: neither (cty's compareTypes)."""
    if one.kind == "dynamic" or other.kind == "dynamic":
        return (one.kind == "dynamic") - (other.kind == "dynamic")
    if one.is_primitive and other.is_primitive:
        return (other.kind == "string") - (one.kind == "string")
    if one.kind == other.kind:
        if one.element is not None and other.element is not None:
            return _preference(one.element, other.element)
        if one.kind == "object":
            if one.attributes.keys() != other.attributes.keys():
                return 0
            return _joint(_preference(one.attributes[name], other.attributes[name]) for name in one.attributes)
        if len(one.elements) != len(other.elements):
            return 0
        return _joint(map(_preference, one.elements, other.elements))
    if {one.kind, other.kind} <= _SEQUENCES:
        return -1 if _RANKS[one.kind] < _RANKS[other.kind] else 1
    if {one.kind, other.kind} == _MAPPINGS:
        return -1 if one.kind == "map" else 1
    return 0


def _joint(preferences: Iterable[int]) -> int:
    found = set(preferences) - {0}
    return found.pop() if len(found) == 1 else 0
