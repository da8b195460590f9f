"""Declaring: what jobs declare becomes contributions to the registry: services of job files, and upstreams."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.globs import matches
from frostline.model import (
    Contribution,
    Declaration,
    DeclaredService,
    Dependency,
    Endpoint,
    FileOrigin,
    Finding,
    Instance,
    Key,
    Origin,
    Upstream,
)
from frostline.registry.naming import UrlFinding, UrlMaker, splitter_of
from frostline.settings import JobspecSettings, Keep, Naming

Placed = tuple[Upstream, FileOrigin | None]
"""An upstream, and where a job file declares it."""


def contribution_of_declaration(declaration: Declaration, settings: JobspecSettings) -> Contribution:
    """What a source's files bring: an endpoint where address and port are literal, else the mere name."""
    split, maker = splitter_of(settings.naming), UrlMaker(settings.naming)
    endpoints: dict[Key, list[Endpoint]] = {}
    places: dict[Key, FileOrigin] = {}
    findings = list(declaration.findings)
    for service in declaration.services:
        if not matches(settings.services, service.service):
            continue
        instance = _instance_of(service, settings.keep)
        for key in split(service.service, instance.tags, instance.meta):
            places[key] = min(places.get(key, service.origin), service.origin)
            found = endpoints.setdefault(key, [])
            if not service.address:
                continue
            try:
                url = maker.url(*key, instance, "", service.namespace)
            except UrlFinding as reason:
                findings.append(_finding(reason, key, service.origin))
                continue
            found.append(_endpoint_of(service, instance, url, settings.name))
    return Contribution(
        source=settings.name,
        endpoints={key: tuple(found) for key, found in endpoints.items()},
        places=places,
        findings=tuple(findings),
        upstreams=dependencies_of(settings.name, declaration.upstreams, settings.naming),
    )


def _instance_of(service: DeclaredService, keep: Keep) -> Instance:
    return Instance(
        service=service.service,
        node="",
        id="",
        address=service.address,
        port=service.port,
        tags=tuple(sorted({tag for tag in service.tags if matches(keep.tags, tag)})),
        meta={key: value for key, value in sorted(service.meta.items()) if matches(keep.meta, key)},
        weight=service.weight,
    )


def _endpoint_of(service: DeclaredService, instance: Instance, url: str, source: str) -> Endpoint:
    return Endpoint(
        url=url,
        address=service.address,
        port=service.port,
        source=source,
        namespace=service.namespace,
        tags=instance.tags,
        meta=instance.meta,
        weight=service.weight,
        declared_at=service.origin,
    )


def dependencies_of(source: str, upstreams: Iterable[Placed], naming: Naming) -> tuple[Dependency, ...]:
    """These upstreams as the registry has them, each with the URL of its bind, None where the pattern asks for more.

    Of a destination only the name is known: what tags and meta would say of its version is not.
    """
    split, maker = splitter_of(naming), UrlMaker(naming)
    return tuple(
        Dependency(
            upstream=upstream,
            source=source,
            service=key.service,
            version=key.version,
            url=_bind_url(upstream, key, maker),
            declared_at=place,
        )
        for upstream, place in upstreams
        for key in split(upstream.destination, (), {})
    )


def _bind_url(upstream: Upstream, key: Key, maker: UrlMaker) -> str | None:
    if upstream.bind.socket:
        return None
    bound = Instance(
        service=upstream.destination, node="", id="", address=upstream.bind.address, port=upstream.bind.port
    )
    try:
        return maker.url(*key, bound, upstream.datacenter, upstream.destination_namespace)
    except UrlFinding:
        return None  # an output for the consumer says so; nobody else needs it


def _finding(reason: UrlFinding, key: Key, origin: Origin) -> Finding:
    return Finding(
        rule=reason.rule,
        service=key[0],
        version=key[1],
        message=str(reason),
        origin=origin,
        help=reason.help,
    )
