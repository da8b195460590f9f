"""The part of the registry that one output selects: services, and endpoints of these services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from frostline.endpoint_runs import runs_of
from frostline.globs import fits_all, matches
from frostline.model import DeclaredProperties, Entry, Key, Registry, registry_of
from frostline.registry.endpoints import choose_url
from frostline.settings import OutputSelect


def selected(registry: Registry, select: OutputSelect, prefer: Sequence[str] = ()) -> Registry:
    """The registry with the services, endpoints and upstreams that an output selects.

    A (service, version) that loses all its endpoints is left out. For one that is only declared, its declared tags and
    meta decide. For an upstream, only its service decides. prefer: datacenters in order of preference; they choose the
    url of an entry that loses endpoints.
    """
    taken = {key: entry for key, entry in registry.entries() if matches(select.services, key.service)}
    upstreams = [upstream for upstream in registry.upstreams if matches(select.services, upstream.service)]
    if not select.judges_endpoints:
        return registry_of(taken, upstreams)
    entries = {}
    for key, entry in taken.items():
        if (kept := _selected_entry(key, entry, select, prefer)) is not None:
            entries[key] = kept
    return registry_of(entries, upstreams)


def _selected_entry(key: Key, entry: Entry, select: OutputSelect, prefer: Sequence[str]) -> Entry | None:
    """The entry with its selected endpoints; None if it is left out."""
    if entry.declared:
        properties = entry.properties or DeclaredProperties()
        return entry if _fits(select, properties.tags, properties.meta) else None
    kept = [
        run.endpoints
        for run in runs_of(entry)
        if matches(select.datacenters, run.first.datacenter) and _fits(select, run.first.tags, run.first.meta)
    ]
    endpoints = tuple(endpoint for run in kept for endpoint in run)
    if len(endpoints) == len(entry.endpoints):
        return entry
    return replace(entry, endpoints=endpoints, url=choose_url(key, endpoints, prefer)) if endpoints else None


def _fits(select: OutputSelect, tags: Sequence[str], meta: Mapping[str, str]) -> bool:
    """Whether these tags and meta are selected."""
    return fits_all(select.tags, tags) and all(
        fits_all((glob,), [meta[name]] if name in meta else []) for name, glob in select.meta
    )
