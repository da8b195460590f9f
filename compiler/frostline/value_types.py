"""Checking whether a value fits a type, recursively.

msgspec checks the types of a Struct's fields when it decodes one, not when code constructs one. So the values that
another package constructs are checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct

from frostline.text import quote

_LARGEST = 2**63 - 1
_LEAF_NAMES: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "None",
    PurePath: "a path",
    bytes: "bytes",
}


class MisfitError(Exception):
    """A value does not fit its type. The message is a sentence without a full stop and may quote hostile text."""


def require(value: Any, annotation: Any, name: str) -> Any:
    """Return the value if it fits the type; else raise MisfitError, which names the part that does not.

    annotation: any type annotation. name: what messages call the value.
    """
    for misfit in _misfits(value, annotation, name):
        raise MisfitError(misfit)
    return value


def _misfits(value: Any, annotation: Any, name: str) -> Iterator[str]:
    """Yield what is wrong with a value of this type, in the order of its parts."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return
    if origin is Annotated:
        yield from _misfits(value, arguments[0], name)
        yield from _out_of_bounds(value, arguments[1:], name)
    elif origin in (Union, UnionType):
        yield from _of_union(value, arguments, name)
    elif origin is Literal:
        if not isinstance(value, type(arguments[0])) or value not in arguments:
            instead = f", not {quote(value)}" if isinstance(value, str) else _instead(value)
            yield f"`{name}` must be {_words(annotation)}{instead}"
    elif origin is not None:
        yield from _of_collection(value, origin, arguments, name)
    elif isinstance(annotation, type) and hasattr(annotation, "__annotations__") and _is_record(annotation):
        yield from _of_record(value, annotation, name)
    else:
        yield from _of_leaf(value, annotation, name)


def _is_record(kind: type) -> bool:
    return issubclass(kind, Struct) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))


def _of_union(value: Any, members: tuple[Any, ...], name: str) -> Iterator[str]:
    """Check against the member of the value's own class if there is one: its messages name the wrong field."""
    for member in members:
        kind = get_origin(member) or member
        if isinstance(kind, type) and isinstance(value, kind):
            yield from _misfits(value, member, name)
            return
    if all(any(True for _ in _misfits(value, member, name)) for member in members):
        yield f"`{name}` must be {' or '.join(map(_words, members))}{_instead(value)}"


def _of_collection(value: Any, origin: Any, arguments: tuple[Any, ...], name: str) -> Iterator[str]:
    if origin is type or issubclass(origin, Callable):  # type: ignore[arg-type]
        if not callable(value):
            yield f"`{name}` must be a function{_instead(value)}"
    elif not isinstance(value, origin):
        yield f"`{name}` must be {_words(origin)}{_instead(value)}"
    elif issubclass(origin, Mapping):
        for key, item in value.items():
            yield from _misfits(key, arguments[0], f"a key of {name}")
            yield from _misfits(item, arguments[1], f"{name}[…]")
    elif origin is tuple and arguments[-1:] != (Ellipsis,):
        if len(value) != len(arguments):
            yield f"`{name}` must have {len(arguments)} items, not {len(value)}"
        for number, (item, kind) in enumerate(zip(value, arguments, strict=False)):
            yield from _misfits(item, kind, f"{name}[{number}]")
    else:
        for number, item in enumerate(value):
            yield from _misfits(item, arguments[0], f"{name}[{number}]" if origin is tuple else f"an item of {name}")


def _of_record(value: Any, kind: type, name: str) -> Iterator[str]:
    if not isinstance(value, kind):
        yield f"`{name}` must be {_words(kind)}{_instead(value)}"
        return
    for field, annotation in _fields(kind).items():
        yield from _misfits(getattr(value, field), annotation, f"{name}.{field}")


@cache
def _fields(kind: type) -> Mapping[str, Any]:
    names = kind.__struct_fields__ if issubclass(kind, Struct) else kind._fields  # type: ignore[attr-defined]
    hints = get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in names}


def _of_leaf(value: Any, kind: Any, name: str) -> Iterator[str]:
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind in (int, float)):
        yield f"`{name}` must be {_words(kind)}{_instead(value)}"
    elif kind is str and not _is_unicode(value):
        yield f"`{name}` has half of a surrogate pair, which is not text"
    elif kind is int and not -_LARGEST - 1 <= value <= _LARGEST:
        yield f"`{name}` must fit 64 bits"


def _is_unicode(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _out_of_bounds(value: Any, bounds: tuple[Any, ...], name: str) -> Iterator[str]:
    for bound in bounds:
        if isinstance(bound, Meta) and isinstance(value, int):
            if bound.ge is not None and value < bound.ge:
                yield f"`{name}` must be at least {bound.ge}"
            if bound.le is not None and value > bound.le:
                yield f"`{name}` must be at most {bound.le}"


def _words(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    kind = get_origin(annotation) or annotation
    for leaf, words in _LEAF_NAMES.items():
        if kind is leaf:
            return words
    return f"a {kind.__name__}" if isinstance(kind, type) else str(kind)


def _instead(value: Any) -> str:
    return ", not None" if value is None else f", not {_LEAF_NAMES.get(type(value)) or f'a {type(value).__name__}'}"
