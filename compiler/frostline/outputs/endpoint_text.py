"""Writes each endpoint as one line of text, without making a dictionary for it.

The text equals what the format's own writer makes of `endpoint_values`. It is worth the effort because endpoints are
nearly all of the text of a large registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from frostline.endpoint_runs import EndpointRun
from frostline.outputs.values import OPTIONAL_FIELDS, Endpoints

_CACHE_SIZE = 1 << 16
"""The number of cached texts of each kind: addresses, tags and meta repeat across a fleet."""

Writer = Callable[[Sequence[EndpointRun]], list[str]]


class Style(Struct, frozen=True):
    """How a format writes on one line: a string, a value (str, int, None, or a list or dict of these), and a plain key
    with the separator that follows it. Strings of a run that `is_plain` are written unchanged in double quotes."""

    string: Callable[[str], str]
    value: Callable[[Any], str]
    key: Callable[[str], str]


def join_lines(endpoints: Endpoints, style: Style, separator: str) -> str:
    """The endpoints in this style, one text per endpoint, joined by `separator`."""
    text = separator.join(_writer(style, endpoints.fields)(endpoints.runs))
    return text if endpoints.escape is None else endpoints.escape(text)


@lru_cache(maxsize=32)
def _writer(style: Style, fields: tuple[str, ...]) -> Writer:
    names = ("url", "address", "port", "datacenter", "tags", "meta", "weight")
    url, address, port, datacenter, tags, meta, weight = map(style.key, names)
    string = style.string
    cached = lru_cache(maxsize=_CACHE_SIZE)(string)
    tags_text = lru_cache(maxsize=_CACHE_SIZE)(lambda tags: style.value(list(tags)))
    meta_text = lru_cache(maxsize=_CACHE_SIZE)(lambda items: style.value(dict(sorted(items))))
    null = style.value(None)
    extra = [(field, style.key(field)) for field in OPTIONAL_FIELDS if field in fields]

    def run_lines(run: EndpointRun) -> list[str]:
        first = run.first
        datacenter_text = cached(first.datacenter) if first.datacenter else null
        end = (
            f"{datacenter}{datacenter_text}, {tags}{tags_text(first.tags)}, "
            f"{meta}{meta_text(tuple(first.meta.items()))}, {weight}{first.weight}{'' if extra else '}'}"
        )
        if run.is_plain:
            lines = [
                f'{{{url}"{endpoint.url}", {address}"{endpoint.address}", {port}{endpoint.port}, {end}'
                for endpoint in run.endpoints
            ]
        else:
            lines = [
                f"{{{url}{string(endpoint.url)}, {address}{cached(endpoint.address)}, {port}{endpoint.port}, {end}"
                for endpoint in run.endpoints
            ]
        for index, endpoint in enumerate(run.endpoints) if extra else ():
            lines[index] += "".join([f", {key}{string(getattr(endpoint, field))}" for field, key in extra]) + "}"
        return lines

    def lines(runs: Sequence[EndpointRun]) -> list[str]:
        texts = [run_lines(run) for run in runs]
        return texts[0] if len(texts) == 1 else [line for lines in texts for line in lines]

    return lines
