"""Endpoints as one line each, written directly: of a large registry they are nearly all of the text.

The same text as the format's own writer gives for `endpoint_values`, without a dictionary for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from frostline.endpoint_runs import EndpointRun
from frostline.outputs.base import OPTIONAL_FIELDS, Endpoints

_CACHED = 1 << 16
"""Values that are remembered as text: a fleet repeats its addresses, tags and meta."""

Writer = Callable[[Sequence[EndpointRun]], list[str]]


class Style(Struct, frozen=True):
    """How a format writes in one line: any string, any value (str, int, None, list or dict of such), a plain key with
    what follows it. The strings of a run that `is_plain` stand between double quotes as they are."""

    string: Callable[[str], str]
    value: Callable[[Any], str]
    key: Callable[[str], str]


def join_lines(endpoints: Endpoints, style: Style, between: str) -> str:
    """Each endpoint as this style writes it, with `between` between two of them."""
    text = between.join(_writer(style, endpoints.fields)(endpoints.runs))
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

    def run_lines(run: EndpointRun) -> list[str]:
        first = run.first
        place = short(first.datacenter) if first.datacenter else none
        end = (
            f"{datacenter}{place}, {tags}{tags_text(first.tags)}, "
            f"{meta}{meta_text(tuple(first.meta.items()))}, {weight}{first.weight}{'' if more else '}'}"
        )
        if run.is_plain:
            lines = [
                f'{{{url}"{endpoint.url}", {address}"{endpoint.address}", {port}{endpoint.port}, {end}'
                for endpoint in run.endpoints
            ]
        else:
            lines = [
                f"{{{url}{string(endpoint.url)}, {address}{short(endpoint.address)}, {port}{endpoint.port}, {end}"
                for endpoint in run.endpoints
            ]
        for index, endpoint in enumerate(run.endpoints) if more else ():
            lines[index] += "".join([f", {key}{string(getattr(endpoint, field))}" for field, key in more]) + "}"
        return lines

    def lines(runs: Sequence[EndpointRun]) -> list[str]:
        texts = [run_lines(run) for run in runs]
        return texts[0] if len(texts) == 1 else [line for lines in texts for line in lines]

    return lines
