"""Assembles one registry from what the sources contribute. Contradictions between sources become findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from frostline.endpoint_runs import properties_of, runs_of
from frostline.model import (
    UNVERSIONED,
    Contribution,
    DeclaredProperties,
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
)
from frostline.registry.auth import agreed_auth, auths_of_endpoints, auths_of_names
from frostline.registry.declaring import bind_findings, dependencies_of, unite_properties
from frostline.registry.endpoints import choose_url, merge_endpoints
from frostline.registry.instances import Place, judged_endpoints, plain_endpoints
from frostline.registry.naming import Splitter, splitter_of
from frostline.registry.urls import UrlMaker
from frostline.rules import Rule
from frostline.settings import Naming, VersionFrom
from frostline.text import list_names

UNORDERED = Rule(
    name="sources-unordered",
    summary="several sources serve a (service, version), but `precedence` does not order them",
    why=("The endpoints of two sources may differ, and nothing says which source is right. frostline does not guess."),
    example="live(datacenter=dc1, namespace=default, node=n1, id=shop-v1-1): error[sources-unordered]: shop v1: "
    "the sources `live` and `mesh` serve it, but `precedence` does not list `live` and `mesh`\n"
    "  help: list all of them in `precedence`: the first one wins; sources in brackets are merged",
    mend="list all of them in `precedence`: the first one wins; sources in brackets are merged",
)
NAMESPACES = Rule(
    name="namespaces-conflict",
    summary="a (service, version) has endpoints in several namespaces",
    why="Services of two namespaces may have the same name and still be two services. Only their owner knows whether "
    "their endpoints can replace each other.",
    example="mesh(datacenter=dc1, namespace=retail, node=n1, id=s): error[namespaces-conflict]: shop v1: "
    "it has endpoints in the namespaces `default` and `retail`\n"
    "  help: write `merge: [namespace]` to merge them, or select one namespace",
    mend="write `merge: [namespace]` to merge them, or select one namespace",
)
RESERVED_VERSION = Rule(
    name="version-unversioned",
    summary=f"a version is named `{UNVERSIONED}`",
    why=f"The registry writes `{UNVERSIONED}` for a service without a version. Nobody could tell a version that really "
    "has this name from no version.",
    example=f"frostline.yaml:12:7: error[version-unversioned]: shop {UNVERSIONED}: "
    f"a version is named `{UNVERSIONED}`, which the registry writes for services without a version\n"
    "  help: rename the version where it is registered",
    mend="rename the version where it is registered",
)
RULES = (UNORDERED, NAMESPACES, RESERVED_VERSION)


def contribution_of(
    source: str,
    snapshots: Iterable[Snapshot],
    naming: Naming,
    only_keys: Collection[Key] | None = None,
    fallbacks: Sequence[str] = (),
    *,
    names_only: bool = False,
) -> Contribution:
    """What the snapshots of one live source contribute.

    only_keys: restrict it to these keys (None: all). fallbacks: see `LiveSettings.fallbacks`. names_only: True if the
    source freezes only names, tags and meta, so that the snapshots' declared services carry all tags and meta.
    """
    split, maker = _splitter(naming, only_keys), UrlMaker(naming)
    endpoints: dict[Key, list[Endpoint]] = {}
    registered: dict[Key, set[str]] = {}
    findings: list[Finding] = []
    upstreams: list[Upstream] = []
    for snapshot in snapshots:
        upstreams += snapshot.upstreams
        for run in _runs(snapshot.instances, naming):
            first = run[0]
            datacenter = first.datacenter or snapshot.datacenter
            for key in split(first.service, first.tags, first.meta):
                key_endpoints = endpoints.setdefault(key, [])
                registered.setdefault(key, set()).add(first.service)
                place = Place(source, datacenter, snapshot.namespace)
                filled = maker.filled(key, datacenter, snapshot.namespace)
                plain = plain_endpoints(run, filled, place)
                key_endpoints += judged_endpoints(key, run, filled, place, findings) if plain is None else plain
        for declared in snapshot.declared:
            for key in split(declared.service, declared.tags, declared.meta):
                endpoints.setdefault(key, [])
                registered.setdefault(key, set()).add(declared.service)
    preceded = _take_preceded(endpoints, findings, fallbacks) if fallbacks else {}
    dependencies = dependencies_of(source, ((upstream, None) for upstream in upstreams), naming)
    auths = auths_of_endpoints(endpoints, naming.auth) if naming.auth else {}
    if naming.auth and names_only:
        auths = auths_of_names(snapshots, split, naming.auth)
    return Contribution(
        source=source,
        endpoints={key: tuple(key_endpoints) for key, key_endpoints in endpoints.items()},
        preceded=preceded,
        findings=(*findings, *bind_findings(dependencies)),
        upstreams=dependencies,
        properties=_properties_of_names(snapshots, split) if names_only else {},
        registered=registered,
        auths=auths,
    )


def _properties_of_names(snapshots: Iterable[Snapshot], split: Splitter) -> dict[Key, DeclaredProperties]:
    by_key: dict[Key, list[DeclaredProperties]] = {}
    for snapshot in snapshots:
        for declared in snapshot.declared:
            for key in split(declared.service, declared.tags, declared.meta):
                by_key.setdefault(key, []).append(DeclaredProperties(tags=declared.tags, meta=declared.meta))
    return {key: united for key, properties in by_key.items() if (united := unite_properties(properties))}


def _take_preceded(
    endpoints: dict[Key, list[Endpoint]], findings: list[Finding], fallbacks: Sequence[str]
) -> dict[Key, tuple[Endpoint, ...]]:
    """Remove the endpoints that other segments of the source precede, and the findings about their instances.

    Returns the removed endpoints.
    """
    ranks = {datacenter: rank for rank, datacenter in enumerate(fallbacks, 1)}
    best: dict[Key, int] = {}
    preceded: dict[Key, tuple[Endpoint, ...]] = {}
    for key, key_endpoints in endpoints.items():
        present = {ranks.get(endpoint.datacenter, 0) for endpoint in key_endpoints}
        if not present:
            continue
        best[key] = first = min(present)
        if len(present) > 1:
            preceded[key] = tuple(endpoint for endpoint in key_endpoints if ranks.get(endpoint.datacenter, 0) != first)
            key_endpoints[:] = [endpoint for endpoint in key_endpoints if ranks.get(endpoint.datacenter, 0) == first]
    findings[:] = [finding for finding in findings if not _is_preceded(finding, best, ranks)]
    return preceded


def _is_preceded(finding: Finding, best: Mapping[Key, int], ranks: Mapping[str, int]) -> bool:
    """Whether the finding is about an instance of a segment that another segment precedes."""
    if not isinstance(finding.origin, InstanceOrigin) or finding.service is None:
        return False
    rank = ranks.get(finding.origin.datacenter, 0)
    return rank > best.get(Key(finding.service, finding.version), rank)


def _splitter(naming: Naming, only_keys: Collection[Key] | None) -> Splitter:
    split = splitter_of(naming)
    if only_keys is None:
        return split
    return lambda name, tags, meta: tuple(key for key in split(name, tags, meta) if key in only_keys)


def _runs(instances: Iterable[Instance], naming: Naming) -> Iterator[tuple[Instance, ...]]:
    """Adjacent instances with the same (service, version)s and the same datacenter, as groups."""
    if naming.version_from != VersionFrom():
        return ((instance,) for instance in instances)
    return (tuple(run) for _, run in groupby(instances, _NAME_AND_DATACENTER))


_NAME_AND_DATACENTER = attrgetter("service", "datacenter")


def assemble(
    contributions: Sequence[Contribution],
    precedence: Sequence[Sequence[str]] = (),
    merge: Sequence[str] = (),
    prefer: Sequence[str] = (),
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry of these contributions, and the findings about it, unsorted.

    precedence: tiers of source names. The first tier that serves a (service, version) provides all its endpoints; the
    endpoints of the sources in a tier are merged. merge: ("namespace",) merges endpoints of several namespaces.
    prefer: datacenters in order, for the choice of each entry's url.
    """
    rank = {source: tier for tier, sources in enumerate(precedence) for source in sources}
    findings = [finding for contribution in contributions for finding in contribution.findings]
    by_key: dict[Key, list[Contribution]] = {}
    for contribution in sorted(contributions, key=lambda contribution: contribution.source):
        for key in contribution.endpoints:
            by_key.setdefault(key, []).append(contribution)
    entries: dict[Key, Entry] = {}
    for key, contributors in by_key.items():
        winners, unordered = _winners(key, contributors, rank)
        findings.extend(unordered)
        entry = _entry(key, winners, prefer, findings)
        findings.extend(_entry_findings(key, entry, winners, merge))
        entries[key] = entry
    # Both a job file and the server that runs it may be read: keep one of equal upstreams.
    upstreams = {
        (dependency.upstream, dependency.key): dependency
        for contribution in contributions
        for dependency in contribution.upstreams
    }
    return registry_of(entries, upstreams.values()), tuple(findings)


def _winners(
    key: Key, contributors: Sequence[Contribution], rank: Mapping[str, int]
) -> tuple[list[Contribution], list[Finding]]:
    """The contributions that provide this key. A source that only declares it never overrides one with endpoints."""
    serving = [contribution for contribution in contributors if contribution.endpoints[key]]
    serving = [contribution for contribution in serving if key not in contribution.fallback] or serving
    if len(serving) < 2:
        return serving or list(contributors), []
    unranked = [contribution.source for contribution in serving if contribution.source not in rank]
    if unranked:
        return serving[:1], [_unordered(key, serving, unranked)]
    best = min(rank[contribution.source] for contribution in serving)
    return [contribution for contribution in serving if rank[contribution.source] == best], []


def _unordered(key: Key, serving: Sequence[Contribution], unranked: Sequence[str]) -> Finding:
    sources = [contribution.source for contribution in serving]
    places = [contribution.places[key] for contribution in serving if key in contribution.places]
    return UNORDERED.finding(
        f"the sources {list_names(sources)} serve it, but `precedence` does not list {list_names(unranked)}",
        service=key.service,
        version=key.version,
        value=", ".join(sources),
        origin=places[0] if places else serving[0].endpoints[key][0].origin,
    )


def _entry(key: Key, winners: Sequence[Contribution], prefer: Sequence[str], findings: list[Finding]) -> Entry:
    endpoints = merge_endpoints(endpoint for winner in winners for endpoint in winner.endpoints[key])
    properties = () if endpoints else (winner.properties[key] for winner in winners if key in winner.properties)
    return Entry(
        url=choose_url(key, endpoints, prefer),
        endpoints=endpoints,
        sources=tuple(sorted(winner.source for winner in winners)),
        registered=_registered(key, winners),
        properties=unite_properties(properties),
        auth=agreed_auth(key, winners, findings),
    )


def _registered(key: Key, winners: Sequence[Contribution]) -> tuple[str, ...]:
    """The registered names that stand for this key."""
    if len(winners) == 1:
        return tuple(sorted(winners[0].registered.get(key, ())))
    return tuple(sorted({name for winner in winners for name in winner.registered.get(key, ())}))


def _entry_findings(key: Key, entry: Entry, winners: Sequence[Contribution], merge: Sequence[str]) -> Iterable[Finding]:
    service, version = key
    if version == UNVERSIONED:
        places = [winner.places[key] for winner in winners if key in winner.places]
        origin: Origin | None = places[0] if places else None
        if entry.endpoints and origin is None:
            origin = entry.endpoints[0].origin
        yield RESERVED_VERSION.finding(
            f"a version is named `{UNVERSIONED}`, which the registry writes for services without a version",
            service=service,
            version=version,
            origin=origin,
        )
    namespaces = sorted({endpoint.namespace for endpoint in entry.endpoints} - {""})
    if len(namespaces) > 1 and "namespace" not in merge:
        other = next(endpoint for endpoint in entry.endpoints if endpoint.namespace == namespaces[1])
        yield NAMESPACES.finding(
            f"it has endpoints in the namespaces {list_names(namespaces)}",
            service=service,
            version=version,
            value=", ".join(namespaces),
            origin=other.origin,
        )


def entry_digest(entry: Entry) -> str:
    """`sha256:…` of an entry's url, endpoints, sources and auth. Nodes, ids and places in local files do not count."""
    endpoints = []
    for run in runs_of(entry):
        datacenter, tags, weight = run.first.datacenter, run.first.tags, run.first.weight
        meta = sorted(run.first.meta.items())
        endpoints += [
            (endpoint.url, endpoint.address, endpoint.port, datacenter, endpoint.namespace, tags, weight, meta)
            for endpoint in run.endpoints
        ]
    properties = (entry.properties,) if entry.properties else ()
    auth = ({"auth": entry.auth},) if entry.auth else ()
    content = (entry.url, entry.sources, endpoints, *properties, *auth)
    return f"sha256:{sha256(msgspec.json.encode(content)).hexdigest()}"


def properties_digest(entry: Entry) -> str:
    """A digest (16 hex digits) of sources, auth, and how many endpoints have each scheme, weight, tags and meta.

    For a declared entry: a digest of its sources, tags, meta and auth.
    """
    declared = entry.properties
    labels = ((declared.tags, declared.meta),) if declared and (declared.tags or declared.meta) else ()
    auth = ({"auth": entry.auth},) if entry.auth else ()
    value = [entry.sources, sorted(properties_of(entry).items()), *labels, *auth]
    return sha256(msgspec.json.encode(value)).hexdigest()[:16]


def with_prefer(registry: Registry, prefer: Sequence[str]) -> Registry:
    """The same registry, in which the url of each entry is chosen by these datacenters, in order of preference."""
    entries = {key: replace(entry, url=choose_url(key, entry.endpoints, prefer)) for key, entry in registry.entries()}
    return registry_of(entries, registry.upstreams)
