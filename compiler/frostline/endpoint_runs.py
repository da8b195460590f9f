"""The endpoints of an entry in runs, of which each is alike: what they share is found out and written once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from operator import attrgetter

from msgspec import Struct

from frostline.model import Endpoint, Entry


class EndpointRun(Struct, frozen=True, gc=False):
    """Endpoints of an entry that follow each other with equal datacenter, weight, tags and meta.

    is_plain: their URLs and addresses are printable ASCII without quotes and backslashes, which every format writes
    between quotes as they are.
    """

    endpoints: tuple[Endpoint, ...]
    is_plain: bool

    @property
    def first(self) -> Endpoint:
        return self.endpoints[0]


def runs_of(entry: Entry) -> tuple[EndpointRun, ...]:
    """The endpoints of an entry as runs, in their order; most entries are a single run.

    Found out once and kept with the entry: looking through 170,000 endpoints takes as long as writing them.
    """
    runs: tuple[EndpointRun, ...] | None = entry.__dict__.get("runs")
    if runs is None:
        runs = entry.__dict__["runs"] = tuple(_runs(entry.endpoints))
    return runs


def _runs(endpoints: tuple[Endpoint, ...]) -> Iterator[EndpointRun]:
    if not endpoints:
        return
    start = 0
    datacenter, weight, tags, meta = _shared(endpoints[0])
    for index, endpoint in enumerate(endpoints):
        # Tags and meta mostly are the same objects, which costs less to find out than that they are equal.
        if (
            (endpoint.meta is meta or endpoint.meta == meta)
            and (endpoint.tags is tags or endpoint.tags == tags)
            and endpoint.weight == weight
            and endpoint.datacenter == datacenter
        ):
            continue
        yield _run(endpoints[start:index])
        start = index
        datacenter, weight, tags, meta = _shared(endpoint)
    yield _run(endpoints[start:])


_shared = attrgetter("datacenter", "weight", "tags", "meta")

Properties = tuple[str, int, tuple[str, ...], tuple[tuple[str, str], ...]]
"""What an endpoint keeps when it moves: the scheme of its URL, weight, tags and meta."""


def properties_of(entry: Entry) -> Counter[Properties]:
    """How many endpoints of the entry have which properties."""
    found: Counter[Properties] = Counter()
    for run in runs_of(entry):
        meta = tuple(sorted(run.first.meta.items()))
        schemes = Counter([endpoint.url.partition("://")[0] for endpoint in run.endpoints])
        for scheme, number in schemes.items():
            found[scheme, run.first.weight, run.first.tags, meta] += number
    return found


def _run(endpoints: tuple[Endpoint, ...]) -> EndpointRun:
    text = "".join([endpoint.url + endpoint.address for endpoint in endpoints])
    return EndpointRun(endpoints, text.isascii() and text.isprintable() and not any(quote in text for quote in _QUOTES))


_QUOTES = ('"', "'", "\\")
