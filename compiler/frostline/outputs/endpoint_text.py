"""Endpoints as one line each, written directly: of a large registry they are nearly all of the text.

The same text as the format's own writer gives for `endpoint_values`, without a dictionary for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from frostline.model import Endpoint
from frostline.outputs.base import OPTIONAL_FIELDS, Endpoints

_CACHED = 1 << 16
"""Values that are remembered as text: a fleet repeats its addresses, tags and meta."""

Writer = Callable[[Sequence[Endpoint]], list[str]]


class Style(Struct, frozen=True):
    """How a format writes in one line: any string, any value (str, int, None, list or dict of such), a plain key with
    what follows it."""

    string: Callable[[str], str]
    value: Callable[[Any], str]
    key: Callable[[str], str]


def join_lines(endpoints: Endpoints, style: Style, between: str) -> str:
    """Each endpoint as this style writes it, with `between` between two of them."""
    text = between.join(_writer(style, endpoints.fields)(endpoints.items))
    return text if endpoints.escaped is None else endpoints.escaped(text)


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

    def shared(endpoint: Endpoint) -> str:
        place = short(endpoint.datacenter) if endpoint.datacenter else none
        return (
            f"{datacenter}{place}, {tags}{tags_text(endpoint.tags)}, "
            f"{meta}{meta_text(tuple(endpoint.meta.items()))}, {weight}{endpoint.weight}"
        )

    def lines(endpoints: Sequence[Endpoint]) -> list[str]:
        ends = [f"{text}}}" for text in shared_texts(endpoints, shared)]
        for at, one in enumerate(endpoints) if more else ():
            extra = "".join([f", {key}{string(getattr(one, field))}" for field, key in more])
            ends[at] = f"{ends[at][:-1]}{extra}}}"
        return [
            f"{{{url}{string(one.url)}, {address}{short(one.address)}, {port}{one.port}, {end}"
            for one, end in zip(endpoints, ends, strict=True)
        ]

    return lines


def shared_texts(endpoints: Iterable[Endpoint], text_of: Callable[[Endpoint], str]) -> list[str]:
    """`text_of` each endpoint, which is made of its datacenter, weight, tags and meta alone.

    The endpoints of a service seldom differ in these: comparing them takes a quarter of the time of writing them.
    """
    texts: list[str] = []
    last: Endpoint | None = None
    text = ""
    for one in endpoints:
        if (
            last is None
            or (one.meta is not last.meta and one.meta != last.meta)
            or one.tags != last.tags
            or one.weight != last.weight
            or one.datacenter != last.datacenter
        ):
            text = text_of(one)
            last = one
        texts.append(text)
    return texts
