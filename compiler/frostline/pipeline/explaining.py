"""What `explain`, `list` and `sources` say: where each endpoint comes from, and why an instance is in none."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from frostline.canonical import origin_value
from frostline.model import Endpoint, Key, Registry, version_label
from frostline.registry.exclusions import Exclusion
from frostline.text import escape_control

_WIDEST = 80
"""Columns of a terminal that a column of a table has at most."""


def chosen(registry: Registry, exclusions: Sequence[Exclusion], service: str, version: str | None) -> list[Key]:
    """The (service, version)s that the user means: of this service, or whose registered name it is."""
    known = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    known |= {one.key for one in registry.upstreams}
    named = {exclusion.key for exclusion in exclusions if exclusion.name == service}
    named |= {one.key for one in registry.upstreams if one.upstream.destination == service}
    found = {key for key in known if key[0] == service} | named
    if version is not None:
        found = {key for key in found if version_label(key[1]) == version}
    return sorted(found, key=Key.sort_key)


def closest(registry: Registry, exclusions: Sequence[Exclusion], service: str, version: str | None) -> list[str]:
    """What the user may have meant, best first."""
    keys = {key for key, _ in registry.entries()} | {exclusion.key for exclusion in exclusions}
    versions = sorted(version_label(key[1]) for key in keys if key[0] == service)
    if version is not None and versions:
        return [f"{service} {label}" for label in difflib.get_close_matches(version, versions, 3, 0.1) or versions[:3]]
    by_lower: dict[str, list[str]] = {}
    for name in sorted({key[0] for key in keys}):
        by_lower.setdefault(name.lower(), []).append(name)
    return [name for lower in difflib.get_close_matches(service.lower(), by_lower, 3) for name in by_lower[lower]][:3]


def explanation_value(keys: Sequence[Key], registry: Registry, exclusions: Sequence[Exclusion]) -> list[dict[str, Any]]:
    """The explanation as JSON values: a list of (service, version)s."""
    return [
        {
            "service": key.service,
            "version": key.version,
            "url": entry.url if entry else None,
            "sources": list(entry.sources) if entry else [],
            "endpoints": [_endpoint_value(endpoint) for endpoint in entry.endpoints] if entry else [],
            "dependents": [
                {"consumer": one.upstream.consumer, "origin": origin_value(one.origin)}
                for one in registry.dependents(key)
            ],
            "left_out": [
                {"name": one.name, "origin": origin_value(one.origin), "reason": one.reason}
                for one in exclusions
                if one.key == key
            ],
        }
        for key in keys
        for entry in [registry.get(key)]
    ]


def _endpoint_value(endpoint: Endpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "weight": endpoint.weight, "origin": origin_value(endpoint.origin)}


def explanation_lines(keys: Sequence[Key], registry: Registry, exclusions: Sequence[Exclusion]) -> Iterator[str]:
    """The explanation for a person."""
    for key in keys:
        entry = registry.get(key)
        yield escape_control(f"{key[0]} {version_label(key[1])}")
        if entry is None:
            yield "  not in the registry"
        elif entry.declared:
            yield escape_control(f"  known to {', '.join(entry.sources)}, but nothing to call")
        for endpoint in entry.endpoints if entry else ():
            mark = "*" if entry and endpoint.url == entry.url else " "
            yield escape_control(f"  {mark} {endpoint.url}  from {endpoint.origin}")
        for one in registry.dependents(key):
            yield escape_control(f"  < {one.upstream.consumer} depends on it, {one.origin}")
        missing = [exclusion for exclusion in exclusions if exclusion.key == key]
        if missing:
            yield "  left out:"
            for exclusion in missing:
                yield escape_control(f"    {exclusion.name}  {exclusion.origin}: {exclusion.reason}")


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of texts, columns aligned by their width on a terminal, nothing cut. Wider cells move their row only."""
    from rich.cells import cell_len

    shown = [[escape_control(cell) for cell in row] for row in (header, *rows)]
    sizes = [[cell_len(cell) for cell in row] for row in shown]
    # One name of a server's may have 64 KiB: every other row is not filled up to that.
    widths = [max(size[column] for size in sizes if size[column] <= _WIDEST) for column in range(len(header))]
    for row, size in zip(shown, sizes, strict=True):
        padded = [cell + " " * (width - own) for cell, own, width in zip(row, size, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def list_rows(registry: Registry) -> list[tuple[str, str, str, str, str]]:
    """A row a (service, version): service, version, endpoints, sources, url."""
    return [
        (service, version_label(version), str(len(entry.endpoints)), ", ".join(entry.sources), entry.url or "-")
        for (service, version), entry in registry.entries()
    ]


def list_value(registry: Registry) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "service": service,
            "version": version,
            "endpoints": len(entry.endpoints),
            "sources": list(entry.sources),
            "url": entry.url,
            "declared": entry.declared,
        }
        for (service, version), entry in registry.entries()
    ]
