"""Endpoints as one line each, written directly: of a large registry they are nearly all of the text.

The same text as the format's own writer gives for `endpoint_value`, without a dictionary for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

from frostline.model import Endpoint
from frostline.outputs.base import OPTIONAL_FIELDS, Endpoints

_CACHED = 1 << 16
"""Values that are remembered as text: a fleet repeats its addresses, tags and meta."""

Writer = Callable[[Endpoint], str]


class Style(Struct, frozen=True):
    """How a format writes in one line: any string, any value (str, int, None, list or dict of such), a plain key with
    what follows it."""

    string: Callable[[str], str]
    value: Callable[[Any], str]
    key: Callable[[str], str]


def lines_of(endpoints: Endpoints, style: Style) -> Iterator[str]:
    """Each endpoint as this style writes it."""
    write = _writer(style, endpoints.fields)
    if endpoints.escaped is None:
        return map(write, endpoints.items)
    return (endpoints.escaped(write(endpoint)) for endpoint in endpoints.items)


@lru_cache(maxsize=32)
def _writer(style: Style, fields: tuple[str, ...]) -> Writer:
    names = ("url", "address", "port", "datacenter", "tags", "meta", "weight")
    url, address, port, datacenter, tags, meta, weight = map(style.key, names)
    string = style.string
    short = lru_cache(maxsize=_CACHED)(string)
    tags_text = lru_cache(maxsize=_CACHED)(lambda tags: style.value(list(tags)))
    meta_text = lru_cache(maxsize=_CACHED)(lambda items: style.value(dict(sorted(items))))
    none = style.value(None)
    more = [(field, style.key(field)) for field in OPTIONAL_FIELDS if field in fields]

    def write(endpoint: Endpoint) -> str:
        place = short(endpoint.datacenter) if endpoint.datacenter else none
        extra = "".join([f", {key}{string(getattr(endpoint, field))}" for field, key in more]) if more else ""
        return (
            f"{{{url}{string(endpoint.url)}, {address}{short(endpoint.address)}, {port}{endpoint.port}, "
            f"{datacenter}{place}, {tags}{tags_text(endpoint.tags)}, "
            f"{meta}{meta_text(tuple(endpoint.meta.items()))}, {weight}{endpoint.weight}{extra}}}"
        )

    return write
