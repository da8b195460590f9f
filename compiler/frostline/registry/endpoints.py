"""The endpoints of one (service, version): their order, merging of equal ones, and the URL for who wants just one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from socket import AF_INET, AF_INET6, inet_pton

from msgspec.structs import replace

from frostline.model import Endpoint, Key, version_label

ANY = "*"


def merge_endpoints(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Sort the endpoints, and merge those with equal datacenter, namespace, address, port, URL, tags and meta.

    Weights are summed, but one id counts once: an instance that two agents register is still one. Where its weights
    differ, the highest counts.
    """
    unsorted = tuple(endpoints)
    by_address = {numeric_address(endpoint.address): endpoint for endpoint in unsorted}
    segments = {(endpoint.datacenter, endpoint.namespace) for endpoint in unsorted}
    if len(by_address) == len(unsorted) and len(segments) < 2:
        # The common case: no two endpoints are equal, and the addresses alone decide the order.
        return tuple([by_address[address] for address in sorted(by_address)])
    result: list[Endpoint] = []
    for _, group in groupby(sorted(unsorted, key=_place), _place):
        in_one_place = tuple(group)
        result += in_one_place if len(in_one_place) == 1 else _merge_in_one_place(in_one_place)
    return tuple(result)


def _merge_in_one_place(endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """Merge the endpoints with equal tags and meta, which keep source, node, id and registered name of the first."""
    for _, group in groupby(sorted(endpoints, key=_labels_and_origin), _labels):
        alike = list(group)
        weights = [endpoint.weight for endpoint in alike if not endpoint.id]
        by_id: dict[str, int] = {}
        for endpoint in alike:
            if endpoint.id:
                by_id[endpoint.id] = max(endpoint.weight, by_id.get(endpoint.id, 0))
        yield replace(alike[0], weight=sum(weights) + sum(by_id.values())) if len(alike) > 1 else alike[0]


def _place(endpoint: Endpoint) -> tuple[str, str, int, bytes, str, int, str]:
    kind, numeric = numeric_address(endpoint.address)
    return (
        endpoint.datacenter,
        endpoint.namespace,
        kind,
        numeric,
        endpoint.address,
        endpoint.port,
        endpoint.url,
    )


_Labels = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


def _labels(endpoint: Endpoint) -> _Labels:
    return endpoint.tags, tuple(sorted(endpoint.meta.items()))


def _labels_and_origin(endpoint: Endpoint) -> tuple[_Labels, str, str, str, str]:
    return _labels(endpoint), endpoint.source, endpoint.node, endpoint.id, endpoint.registered


@lru_cache(maxsize=65536)
def numeric_address(address: str) -> tuple[int, bytes]:
    """The sort key of an address: IPv4, then IPv6, then names; 10.0.0.9 before 10.0.0.10."""
    for kind, family in ((0, AF_INET), (1, AF_INET6)):
        try:
            return kind, inet_pton(family, address)
        except (OSError, ValueError):
            continue
    return 2, address.encode()


def choose_url(key: Key, endpoints: Sequence[Endpoint], prefer: Sequence[str]) -> str | None:
    """The URL for programs that want just one: chosen in the first preferred datacenter that has an endpoint.

    Rendezvous hashing (highest random weight, Thaler and Ravishankar 1996) keeps the choice stable: it changes only if
    the chosen endpoint goes or one with a higher score comes. Weight 0: chosen only if there is no other endpoint.
    """
    candidates = preferred([endpoint for endpoint in endpoints if endpoint.weight] or endpoints, prefer)
    if len(candidates) < 2:
        return candidates[0].url if candidates else None
    name = f"{key.service}\0{version_label(key.version)}\0"
    scores = [
        sha256(
            f"{name}{endpoint.datacenter}\0{endpoint.namespace}\0"
            f"{endpoint.address}\0{endpoint.port}\0{endpoint.url}".encode()
        ).digest()
        for endpoint in candidates
    ]
    return candidates[scores.index(max(scores))].url


def preferred(endpoints: Sequence[Endpoint], prefer: Sequence[str]) -> Sequence[Endpoint]:
    """The endpoints of the first datacenter in `prefer` that has any; "*" stands for all datacenters not named."""
    named = {datacenter for datacenter in prefer if datacenter != ANY}
    for preference in prefer:
        in_datacenter = [
            endpoint
            for endpoint in endpoints
            if endpoint.datacenter == preference or (preference == ANY and endpoint.datacenter not in named)
        ]
        if in_datacenter:
            return in_datacenter
    return endpoints
