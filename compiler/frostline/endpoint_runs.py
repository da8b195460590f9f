"""Runs of similar endpoints within an entry, so that writers format only once what the endpoints of a run share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from operator import attrgetter

from msgspec import Struct

from frostline.model import Endpoint, Entry


class EndpointRun(Struct, frozen=True, gc=False):
    """Consecutive endpoints of an entry with equal datacenter, weight, tags and meta.

    is_plain: their URLs and addresses are printable ASCII without quotes and backslashes, so every format can put them
    between quotes without escaping.
    """

    endpoints: tuple[Endpoint, ...]
    is_plain: bool

    @property
    def first(self) -> Endpoint:
        return self.endpoints[0]


def runs_of(entry: Entry) -> tuple[EndpointRun, ...]:
    """Split the endpoints of an entry into runs, in their order; most entries are a single run.

    The result is cached in the entry: computing it for 170,000 endpoints takes as long as writing them.
    """
    runs: tuple[EndpointRun, ...] | None = entry.__dict__.get("runs")
    if runs is None:
        runs = entry.__dict__["runs"] = tuple(_runs(entry.endpoints))
    return runs


def _runs(endpoints: tuple[Endpoint, ...]) -> Iterator[EndpointRun]:
    if not endpoints:
        return
    start = 0
    datacenter, weight, tags, meta = _shared_values(endpoints[0])
    for index, endpoint in enumerate(endpoints):
        # Tags and meta mostly are the same objects: comparing identities first is cheaper.
        if (
            (endpoint.meta is meta or endpoint.meta == meta)
            and (endpoint.tags is tags or endpoint.tags == tags)
            and endpoint.weight == weight
            and endpoint.datacenter == datacenter
        ):
            continue
        yield _run(endpoints[start:index])
        start = index
        datacenter, weight, tags, meta = _shared_values(endpoint)
    yield _run(endpoints[start:])


_shared_values = attrgetter("datacenter", "weight", "tags", "meta")

Properties = tuple[str, int, tuple[str, ...], tuple[tuple[str, str], ...]]
"""What an endpoint keeps when its address changes: (scheme of its URL, weight, tags, sorted meta)."""


def properties_of(entry: Entry) -> Counter[Properties]:
    """Count the endpoints of the entry by their properties."""
    counts: Counter[Properties] = Counter()
    for run in runs_of(entry):
        meta = tuple(sorted(run.first.meta.items()))
        schemes = Counter([endpoint.url.partition("://")[0] for endpoint in run.endpoints])
        for scheme, number in schemes.items():
            counts[scheme, run.first.weight, run.first.tags, meta] += number
    return counts


def _run(endpoints: tuple[Endpoint, ...]) -> EndpointRun:
    text = "".join([endpoint.url + endpoint.address for endpoint in endpoints])
    return EndpointRun(endpoints, text.isascii() and text.isprintable() and not any(quote in text for quote in _QUOTES))


_QUOTES = ('"', "'", "\\")
