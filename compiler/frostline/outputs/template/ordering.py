"""The filters that order or group values: jinja2's, extended to a total order, so that mixed values are no error.

None comes first, then numbers, texts, lists and mappings. As in jinja2, case counts only with `case_sensitive`; without
it, texts that differ only in case keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby as runs
from typing import Any, NamedTuple

from jinja2 import Environment, Undefined, pass_environment
from jinja2.filters import make_attrgetter

from frostline.outputs.template.text import TemplateFault, fail_undefined


class Group(NamedTuple):
    """A group of `groupby`: the value that its members have in common, and the members."""

    grouper: Any
    list: list[Any]


def order_of(value: Any, case_sensitive: bool = False) -> tuple[Any, ...]:
    """The sort key of this value, which can be compared with that of a value of any kind."""
    match value:
        case None:
            return (0,)
        case Undefined():
            fail_undefined(value)
        case int() | float():
            return (1, value)
        case str():
            return (2, str(value) if case_sensitive else value.lower())
        case Mapping():
            items = sorted((order_of(key, True), order_of(item, case_sensitive)) for key, item in value.items())
            return (4, tuple(items))
        case Iterable():
            return (3, tuple(order_of(item, case_sensitive) for item in value))
    raise TemplateFault(f"a {type(value).__name__} has no order")


@pass_environment
def sort(
    environment: Environment,
    value: Iterable[Any],
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: str | None = None,
) -> list[Any]:
    """The items in their order, or ordered by these attributes (`a,b.c`)."""
    getters = [make_attrgetter(environment, part) for part in str(attribute).split(",")] if attribute else [_itself]
    return sorted(
        value, key=lambda item: [order_of(get(item), case_sensitive) for get in getters], reverse=bool(reverse)
    )


@pass_environment
def unique(
    environment: Environment, value: Iterable[Any], case_sensitive: bool = False, attribute: str | None = None
) -> Iterator[Any]:
    """The items without those that equal an earlier item, or that have the same value of this attribute."""
    get, seen = _getter(environment, attribute), set()
    for item in value:
        key = order_of(get(item), case_sensitive)
        if key not in seen:
            seen.add(key)
            yield item


@pass_environment
def groupby(
    environment: Environment,
    value: Iterable[Any],
    attribute: str,
    default: Any = None,
    case_sensitive: bool = False,
) -> list[Group]:
    """The items grouped by this attribute, in the order of its values. default: the value of items that lack it."""
    get = make_attrgetter(environment, attribute, default=default)

    def key_of(item: Any) -> tuple[Any, ...]:
        return order_of(get(item), case_sensitive)

    members = [list(items) for _, items in runs(sorted(value, key=key_of), key_of)]
    return [Group(get(items[0]), items) for items in members]


@pass_environment
def least(
    environment: Environment, value: Iterable[Any], case_sensitive: bool = False, attribute: str | None = None
) -> Any:
    """jinja2's `min`."""
    return _end(min, environment, value, case_sensitive, attribute)


@pass_environment
def greatest(
    environment: Environment, value: Iterable[Any], case_sensitive: bool = False, attribute: str | None = None
) -> Any:
    """jinja2's `max`."""
    return _end(max, environment, value, case_sensitive, attribute)


def _end(
    choose: Callable[..., Any],
    environment: Environment,
    value: Iterable[Any],
    case_sensitive: bool,
    attribute: str | None,
) -> Any:
    items = list(value)
    if not items:
        return environment.undefined("an empty list has no least or greatest item")
    get = _getter(environment, attribute)
    return choose(items, key=lambda item: order_of(get(item), case_sensitive))


def dictsort(
    value: Mapping[Any, Any], case_sensitive: bool = False, by: str = "key", reverse: bool = False
) -> list[tuple[Any, Any]]:
    """The pairs of a mapping, in the order of their keys or of their values (`by`)."""
    if by not in ("key", "value"):
        raise TemplateFault(f"dictsort is by key or by value, not by {by!r}")
    if not isinstance(value, Mapping):
        raise TemplateFault(f"dictsort takes a mapping, not a {type(value).__name__}")
    at = ("key", "value").index(by)
    return sorted(value.items(), key=lambda pair: order_of(pair[at], case_sensitive), reverse=bool(reverse))


def _itself(item: Any) -> Any:
    return item


def _getter(environment: Environment, attribute: str | None) -> Callable[[Any], Any]:
    return make_attrgetter(environment, attribute) if attribute is not None else _itself


ALL: Mapping[str, Callable[..., Any]] = {
    "dictsort": dictsort,
    "groupby": groupby,
    "max": greatest,
    "min": least,
    "sort": sort,
    "unique": unique,
}
