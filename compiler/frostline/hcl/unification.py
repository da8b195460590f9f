"""Finding the common type of several types (cty's convert.UnifyUnsafe).

The parameter `convertible` tells whether a type converts to another one. It is not imported, because `conversion` needs
this module for `any`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from frostline.hcl.values import DYNAMIC, Type, list_of, map_of

Convertible = Callable[[Type, Type], bool]
# The limit of different types, because the search takes time quadratic in their number.
_MOST_TYPES = 200
_SEQUENCES = frozenset({"list", "set", "tuple"})
_MAPPINGS = frozenset({"map", "object"})
_PRIMITIVES = frozenset({"string", "number", "bool"})
_RANKS = {"list": 0, "tuple": 1, "set": 2}


def common_type(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Return the type that all of the types convert to; None if there is none, or if no types are given."""
    types = list(dict.fromkeys(types))
    if len(types) <= 1:
        return types[0] if types else None
    kinds = {type_.kind for type_ in types}
    known_kinds = kinds - {"dynamic"}
    if not (known_kinds <= _PRIMITIVES or known_kinds <= _SEQUENCES or known_kinds <= _MAPPINGS):
        return None
    if len(known_kinds) == 1 and not known_kinds <= _PRIMITIVES:
        if "dynamic" in kinds:
            return DYNAMIC
        return _of_one_kind(next(iter(known_kinds)), types, convertible)
    structural = "tuple" if known_kinds == {"list", "tuple"} else "object" if known_kinds == _MAPPINGS else ""
    if structural:
        common = _as_collections(structural, types, convertible)
        if common is not None:
            return common
    return _preferred(types, convertible)


def _of_one_kind(kind: str, types: Sequence[Type], convertible: Convertible) -> Type | None:
    if kind == "object":
        return _objects(types, convertible)
    if kind == "tuple":
        return _tuples(types, convertible)
    element = common_type([type_.element for type_ in types if type_.element is not None], convertible)
    return _if_all_convert(types, None if element is None else Type(kind, element=element), convertible)


def _as_collections(structural: str, types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Return the common type of lists and tuples, or of maps and objects. Tuples first become a list, objects a map."""
    structures = [type_ for type_ in types if type_.kind == structural]
    collection = (_list_of_all if structural == "tuple" else _map_of_all)(structures, convertible)
    if collection is None:
        return None
    common = common_type([collection if type_.kind == structural else type_ for type_ in types], convertible)
    return common if common is not None and common.kind == collection.kind else None


def _if_all_convert(types: Iterable[Type], common: Type | None, convertible: Convertible) -> Type | None:
    """Return `common` if all of the types convert to it, else None."""
    if common is None or not all(type_ == common or convertible(type_, common) for type_ in types):
        return None
    return common


def _objects(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Return the common type of objects: an object if all have the same attributes, else a map."""
    names = types[0].attributes.keys()
    if any(type_.attributes.keys() != names for type_ in types):
        return _map_of_all(types, convertible)
    attributes = {}
    for name in names:
        common = common_type([type_.attributes[name] for type_ in types], convertible)
        if common is None:
            return None
        attributes[name] = common
    return _if_all_convert(types, Type("object", attributes=attributes), convertible) or _map_of_all(types, convertible)


def _map_of_all(types: Sequence[Type], convertible: Convertible) -> Type | None:
    element = common_type([type_ for structure in types for type_ in structure.attributes.values()], convertible)
    return _if_all_convert(types, None if element is None else map_of(element), convertible)


def _tuples(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Return the common type of tuples: a tuple if all have the same length, else a list."""
    if any(len(type_.elements) != len(types[0].elements) for type_ in types):
        return _list_of_all(types, convertible)
    elements = []
    for types_at_index in zip(*(type_.elements for type_ in types), strict=True):
        common = common_type(types_at_index, convertible)
        if common is None:
            return None
        elements.append(common)
    return _if_all_convert(types, Type("tuple", elements=tuple(elements)), convertible) or _list_of_all(
        types, convertible
    )


def _list_of_all(types: Sequence[Type], convertible: Convertible) -> Type | None:
    element = common_type([type_ for structure in types for type_ in structure.elements], convertible)
    return _if_all_convert(types, None if element is None else list_of(element), convertible)


def _preferred(types: Sequence[Type], convertible: Convertible) -> Type | None:
    """Return the most general of the types if all others convert to it."""
    if len(types) > _MOST_TYPES:
        return None
    # Sort topologically: the most general types in the given order, then the types below them.
    below: list[list[int]] = [[] for _ in types]
    above = [0] * len(types)
    for first in range(len(types)):
        for second in range(first + 1, len(types)):
            preference = _preference(types[first], types[second])
            if preference:
                high, low = (first, second) if preference < 0 else (second, first)
                below[high].append(low)
                above[low] += 1
    order = [index for index, count in enumerate(above) if count == 0]
    for index in order:
        for low in below[index]:
            above[low] -= 1
            if above[low] == 0:
                order.append(low)
    return next((types[index] for index in order if _if_all_convert(types, types[index], convertible)), None)


def _preference(left: Type, right: Type) -> int:
    """Return -1 if left is more general, 1 if right is, 0 if neither is (cty's compareTypes)."""
    if left.kind == "dynamic" or right.kind == "dynamic":
        return (left.kind == "dynamic") - (right.kind == "dynamic")
    if left.is_primitive and right.is_primitive:
        return (right.kind == "string") - (left.kind == "string")
    if left.kind == right.kind:
        if left.element is not None and right.element is not None:
            return _preference(left.element, right.element)
        if left.kind == "object":
            if left.attributes.keys() != right.attributes.keys():
                return 0
            return _agreement(_preference(left.attributes[name], right.attributes[name]) for name in left.attributes)
        if len(left.elements) != len(right.elements):
            return 0
        return _agreement(map(_preference, left.elements, right.elements))
    if {left.kind, right.kind} <= _SEQUENCES:
        return -1 if _RANKS[left.kind] < _RANKS[right.kind] else 1
    if {left.kind, right.kind} == _MAPPINGS:
        return -1 if left.kind == "map" else 1
    return 0


def _agreement(preferences: Iterable[int]) -> int:
    """Return the preference that all of them share, apart from zeros; 0 if they differ."""
    distinct = set(preferences) - {0}
    return distinct.pop() if len(distinct) == 1 else 0
