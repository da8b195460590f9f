"""Assembling: what the sources bring becomes one registry; what does not fit together becomes findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from socket import AF_INET, AF_INET6, inet_pton

import msgspec
from msgspec.structs import replace

from frostline.model import (
    UNVERSIONED,
    Contribution,
    Endpoint,
    Entry,
    Finding,
    Instance,
    InstanceOrigin,
    Key,
    Origin,
    Registry,
    Snapshot,
    Upstream,
    registry_of,
    version_label,
)
from frostline.registry.declaring import dependencies_of
from frostline.registry.naming import Splitter, UrlFinding, UrlMaker, reserved_version, splitter_of, url_of
from frostline.settings import Naming, VersionFrom

ANY = "*"


def contribution_of(
    source: str, snapshots: Iterable[Snapshot], naming: Naming, among: Collection[Key] | None = None
) -> Contribution:
    """What the snapshots of one live source bring. among: to these (service, version)s, None: to all."""
    split, maker = _splitter(naming, among), UrlMaker(naming)
    endpoints: dict[Key, list[Endpoint]] = {}
    findings: list[Finding] = []
    upstreams: list[Upstream] = []
    for snapshot in snapshots:
        upstreams += snapshot.upstreams
        for run in _runs(snapshot.instances, naming):
            first = run[0]
            datacenter = first.datacenter or snapshot.datacenter
            for key in split(first.service, first.tags, first.meta):
                found = endpoints.setdefault(key, [])
                filled = maker.filled(*key, datacenter, snapshot.namespace)
                for instance in run:
                    try:
                        url = url_of(filled, instance)
                    except UrlFinding as reason:
                        origin = InstanceOrigin(source, datacenter, snapshot.namespace, instance.node, instance.id)
                        findings.append(_url_finding(reason, key, origin))
                    else:
                        found.append(_endpoint_of(instance, url, source, datacenter, snapshot.namespace))
        for declared in snapshot.declared:
            for key in split(declared.service, declared.tags, declared.meta):
                endpoints.setdefault(key, [])
    return Contribution(
        source=source,
        endpoints={key: tuple(found) for key, found in endpoints.items()},
        findings=tuple(findings),
        upstreams=dependencies_of(source, ((upstream, None) for upstream in upstreams), naming),
    )


def _splitter(naming: Naming, among: Collection[Key] | None) -> Splitter:
    split = splitter_of(naming)
    if among is None:
        return split
    return lambda name, tags, meta: tuple(key for key in split(name, tags, meta) if key in among)


def _runs(instances: Iterable[Instance], naming: Naming) -> Iterator[tuple[Instance, ...]]:
    """The instances in turn, together those that stand for the same (service, version)s in the same datacenter."""
    if naming.version_from != VersionFrom():
        return ((instance,) for instance in instances)
    return (tuple(run) for _, run in groupby(instances, _NAME_AND_DATACENTER))


_NAME_AND_DATACENTER = attrgetter("service", "datacenter")


def _endpoint_of(instance: Instance, url: str, source: str, datacenter: str, namespace: str) -> Endpoint:
    return Endpoint(
        url=url,
        address=instance.address,
        port=instance.port,
        source=source,
        datacenter=datacenter,
        namespace=namespace,
        node=instance.node,
        id=instance.id,
        tags=instance.tags,
        meta=instance.meta,
        weight=instance.weight,
    )


def _url_finding(reason: UrlFinding, key: Key, origin: Origin) -> Finding:
    return Finding(
        rule=reason.rule, service=key[0], version=key[1], message=str(reason), origin=origin, help=reason.help
    )


def assembled(
    contributions: Sequence[Contribution],
    precedence: Sequence[Sequence[str]] = (),
    merge: Sequence[str] = (),
    prefer: Sequence[str] = (),
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry that these contributions make, and what is wrong with it; the findings are not sorted.

    precedence: tiers of source names, the first wins a (service, version) whole; the sources of a tier unite.
    merge: ("namespace",) lets endpoints of two namespaces unite. prefer: datacenters in order, for each entry's url.
    """
    rank = {source: tier for tier, sources in enumerate(precedence) for source in sources}
    findings = [finding for contribution in contributions for finding in contribution.findings]
    by_key: dict[Key, list[Contribution]] = {}
    for contribution in sorted(contributions, key=lambda contribution: contribution.source):
        for key in contribution.endpoints:
            by_key.setdefault(key, []).append(contribution)
    entries: dict[Key, Entry] = {}
    for key, bringers in by_key.items():
        winners, unordered = _winners(key, bringers, rank)
        findings.extend(unordered)
        entry = _entry(key, winners, prefer)
        findings.extend(_entry_findings(key, entry, winners, merge))
        entries[key] = entry
    # A job file and the server that runs it may both be read: what they say alike is said once.
    upstreams = {(one.upstream, one.key): one for bringer in contributions for one in bringer.upstreams}
    return registry_of(entries, upstreams.values()), tuple(findings)


def _winners(
    key: Key, bringers: Sequence[Contribution], rank: Mapping[str, int]
) -> tuple[list[Contribution], list[Finding]]:
    """Who of the bringers serves this key. One that only declares it never displaces one that has endpoints."""
    serving = [bringer for bringer in bringers if bringer.endpoints[key]]
    if len(serving) < 2:
        return serving or list(bringers), []
    unranked = [bringer.source for bringer in serving if bringer.source not in rank]
    if unranked:
        return serving[:1], [_unordered(key, serving, unranked)]
    best = min(rank[bringer.source] for bringer in serving)
    return [bringer for bringer in serving if rank[bringer.source] == best], []


def _unordered(key: Key, serving: Sequence[Contribution], unranked: Sequence[str]) -> Finding:
    sources = _quoted_list([bringer.source for bringer in serving])
    places = [bringer.places[key] for bringer in serving if key in bringer.places]
    return Finding(
        rule="sources-unordered",
        service=key[0],
        version=key[1],
        message=f"sources {sources} all serve it, and `precedence` does not order {_quoted_list(unranked)}",
        value=", ".join(bringer.source for bringer in serving),
        origin=places[0] if places else serving[0].endpoints[key][0].origin,
        help="name them all in `precedence`; the first wins, sources in brackets unite",
    )


def _entry(key: Key, winners: Sequence[Contribution], prefer: Sequence[str]) -> Entry:
    endpoints = united(endpoint for winner in winners for endpoint in winner.endpoints[key])
    return Entry(
        url=chosen_url(key, endpoints, prefer),
        endpoints=endpoints,
        sources=tuple(sorted(winner.source for winner in winners)),
    )


def united(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints in their order; those that are the same (datacenter, namespace, address, port, URL) as one.

    Their weights are summed, their tags united, and where their meta differ, the first instance by node and id wins.
    """
    found = tuple(endpoints)
    by_address = {numeric_address(one.address): one for one in found}
    if len(by_address) == len(found) and len({(one.datacenter, one.namespace) for one in found}) < 2:
        # As nearly always: the addresses alone decide on the order, and no endpoint is the same as another.
        return tuple([by_address[address] for address in sorted(by_address)])
    ordered = sorted(found, key=_order)
    result: list[Endpoint] = [ordered[0]]
    for endpoint in ordered[1:]:
        last = result[-1]
        if _is_same(last, endpoint):
            result[-1] = replace(
                last,
                weight=last.weight + endpoint.weight,
                tags=tuple(sorted({*last.tags, *endpoint.tags})),
                meta=dict(sorted({**endpoint.meta, **last.meta}.items())),
            )
        else:
            result.append(endpoint)
    return tuple(result)


def _is_same(one: Endpoint, other: Endpoint) -> bool:
    return (
        one.port == other.port
        and one.address == other.address
        and one.url == other.url
        and one.datacenter == other.datacenter
        and one.namespace == other.namespace
    )


def _order(endpoint: Endpoint) -> tuple[str, str, int, bytes, str, int, str, str, str, str]:
    kind, numeric = numeric_address(endpoint.address)
    return (
        endpoint.datacenter,
        endpoint.namespace,
        kind,
        numeric,
        endpoint.address,
        endpoint.port,
        endpoint.url,
        endpoint.source,
        endpoint.node,
        endpoint.id,
    )


@lru_cache(maxsize=65536)
def numeric_address(address: str) -> tuple[int, bytes]:
    """What an address sorts by: IPv4, IPv6, then names; 10.0.0.9 before 10.0.0.10."""
    for kind, family in ((0, AF_INET), (1, AF_INET6)):
        try:
            return kind, inet_pton(family, address)
        except (OSError, ValueError):
            continue
    return 2, address.encode()


def chosen_url(key: Key, endpoints: Sequence[Endpoint], prefer: Sequence[str]) -> str | None:
    """The URL to use where one is wanted: by rendezvous among the endpoints of the first preferred datacenter with any.

    Rendezvous (highest random weight, Thaler and Ravishankar 1996): the choice moves only if the chosen endpoint goes
    or a higher one comes. Endpoints of weight 0 are chosen only where there is no other.
    """
    candidates = preferred([endpoint for endpoint in endpoints if endpoint.weight] or endpoints, prefer)
    if len(candidates) < 2:
        return candidates[0].url if candidates else None
    name = f"{key[0]}\0{version_label(key[1])}\0"
    scores = [
        sha256(f"{name}{one.datacenter}\0{one.namespace}\0{one.address}\0{one.port}\0{one.url}".encode()).digest()
        for one in candidates
    ]
    return candidates[scores.index(max(scores))].url


def preferred(endpoints: Sequence[Endpoint], prefer: Sequence[str]) -> Sequence[Endpoint]:
    """The endpoints of the first datacenter in `prefer` that has any; "*" is all those that are not named."""
    named = {datacenter for datacenter in prefer if datacenter != ANY}
    for wanted in prefer:
        found = [
            endpoint
            for endpoint in endpoints
            if endpoint.datacenter == wanted or (wanted == ANY and endpoint.datacenter not in named)
        ]
        if found:
            return found
    return endpoints


def _entry_findings(key: Key, entry: Entry, winners: Sequence[Contribution], merge: Sequence[str]) -> Iterable[Finding]:
    service, version = key
    if version == UNVERSIONED:
        places = [winner.places[key] for winner in winners if key in winner.places]
        origin: Origin | None = places[0] if places else None
        if entry.endpoints and origin is None:
            origin = entry.endpoints[0].origin
        yield reserved_version(service, origin)
    namespaces = sorted({endpoint.namespace for endpoint in entry.endpoints} - {""})
    if len(namespaces) > 1 and "namespace" not in merge:
        other = next(endpoint for endpoint in entry.endpoints if endpoint.namespace == namespaces[1])
        yield Finding(
            rule="namespaces-conflict",
            service=service,
            version=version,
            message=f"it has endpoints in the namespaces {_quoted_list(namespaces)}",
            value=", ".join(namespaces),
            origin=other.origin,
            help="write `merge: [namespace]` to unite them, or select one namespace",
        )


def _quoted_list(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def entry_digest(entry: Entry) -> str:
    """`sha256:…` of what an entry says: url, endpoints, sources; not of nodes, ids and lines in local files."""
    endpoints = []
    meta: dict[str, str] = {}
    pairs: list[tuple[str, str]] = []
    for one in entry.endpoints:
        if one.meta != meta:  # mostly it is that of the endpoint before, and to compare is cheaper than to sort
            meta, pairs = one.meta, sorted(one.meta.items())
        said = (one.url, one.address, one.port, one.datacenter, one.namespace, one.tags, one.weight, pairs)
        endpoints.append(said)
    content = (entry.url, entry.sources, endpoints)
    return f"sha256:{sha256(msgspec.json.encode(content)).hexdigest()}"


def with_prefer(registry: Registry, prefer: Sequence[str]) -> Registry:
    """The same registry with each url chosen by another list of datacenters."""
    entries = {
        key: Entry(url=chosen_url(key, entry.endpoints, prefer), endpoints=entry.endpoints, sources=entry.sources)
        for key, entry in registry.entries()
    }
    return registry_of(entries, registry.upstreams)
