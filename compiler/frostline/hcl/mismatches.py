"""Messages about values that have the wrong type (cty's convert.MismatchMessage)."""

from __future__ import annotations

from collections.abc import Callable

from frostline.hcl.values import Type

Convertible = Callable[[Type, Type], bool]


def mismatch(got: Type, want: Type, convertible: Convertible) -> str:
    """Say why a type does not fit another one: `string required, but have tuple`.

    convertible: tells whether the first type converts to the second.
    """
    if got.kind == want.kind == "object":
        return _object_mismatch(got, want, convertible)
    any_element = want.element is not None and want.element.kind == "dynamic"
    if any_element and (got.kind, want.kind) in (("tuple", "list"), ("tuple", "set"), ("object", "map")):
        return f"all {want.kind} elements must have the same type"
    if (got.kind, want.kind) in (("tuple", "list"), ("tuple", "set"), ("object", "map")):
        return _element_mismatch(got, want, convertible)
    if want.element is not None and got.element is not None and (got.kind == "map") == (want.kind == "map"):
        return f"incorrect {want.kind} element type: {mismatch(got.element, want.element, convertible)}"
    return f"{want} required, but have {got}"


def _object_mismatch(got: Type, want: Type, convertible: Convertible) -> str:
    missing = [f"`{name}`" for name in want.attributes if name not in got.attributes and name not in want.optional]
    if missing:
        names = missing[0] if len(missing) == 1 else ", ".join(missing[:-1]) + " and " + missing[-1]
        return f"attribute {names} is required" if len(missing) == 1 else f"attributes {names} are required"
    for name, wanted in want.attributes.items():
        have = got.attributes.get(name)
        if have is not None and have != wanted and not convertible(have, wanted):
            return f"attribute `{name}`: {mismatch(have, wanted, convertible)}"
    return "incorrect object attributes"


def _element_mismatch(got: Type, want: Type, convertible: Convertible) -> str:
    assert want.element is not None
    elements = got.attributes.items() if got.kind == "object" else enumerate(got.elements)
    for name, have in elements:
        if have != want.element and not convertible(have, want.element):
            return f"element `{name}`: {mismatch(have, want.element, convertible)}"
    return f"all elements must be {want.element}"
