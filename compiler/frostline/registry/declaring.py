"""Turns what jobs declare into contributions to the registry: the services of job files, and upstreams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from frostline.addresses import INVALID, InvalidAddress, host_of, unusable_finding
from frostline.globs import matches
from frostline.model import (
    Contribution,
    Declaration,
    DeclaredProperties,
    DeclaredService,
    Dependency,
    Endpoint,
    FileOrigin,
    Finding,
    Instance,
    Key,
    NamedAuth,
    Upstream,
)
from frostline.registry.naming import Splitter, splitter_of
from frostline.registry.url_values import UrlError, host_of_instance
from frostline.registry.urls import UrlMaker
from frostline.settings import DeclaringSettings, Keep, Naming

PlacedUpstream = tuple[Upstream, FileOrigin | None]
"""An upstream, and the place in the job file that declares it (None: it comes from a live source)."""


def contribution_of_declaration(declaration: Declaration, settings: DeclaringSettings) -> Contribution:
    """What a source's files contribute: an endpoint for a service with literal address and port, else only its name."""
    split, maker = splitter_of(settings.naming), UrlMaker(settings.naming)
    endpoints: dict[Key, list[Endpoint]] = {}
    fallbacks: dict[Key, list[Endpoint]] = {}
    places: dict[Key, FileOrigin] = {}
    registered: dict[Key, set[str]] = {}
    properties: dict[Key, list[DeclaredProperties]] = {}
    findings = [_finding_of_key(finding, split) for finding in declaration.findings]
    for service in declaration.services:
        if not matches(settings.services, service.service):
            continue
        instance = _instance_of(service, settings.keep)
        for key in split(service.service, instance.tags, instance.meta):
            places[key] = min(places.get(key, service.origin), service.origin)
            key_endpoints = endpoints.setdefault(key, [])
            registered.setdefault(key, set()).add(service.service)
            declared = DeclaredProperties(tags=instance.tags, meta=instance.meta, port=instance.port)
            properties.setdefault(key, []).append(declared)
            if service.fallback:
                key_endpoints = fallbacks.setdefault(key, [])
            if not service.address or not service.port:
                continue
            try:
                host = host_of_instance(instance)
                url = maker.url(key, instance, "", service.namespace)
            except UrlError as error:
                findings.append(error.finding(key, service.origin))
                continue
            if host.doubt:
                findings.append(unusable_finding(key, host, service.origin))
            key_endpoints.append(_endpoint_of(service, instance, url, host.address, settings.name))
    upstreams = dependencies_of(settings.name, declaration.upstreams, settings.naming)
    fallback = frozenset(key for key, key_endpoints in endpoints.items() if not key_endpoints and fallbacks.get(key))
    return Contribution(
        source=settings.name,
        endpoints={
            key: tuple(fallbacks[key] if key in fallback else key_endpoints) for key, key_endpoints in endpoints.items()
        },
        fallback=fallback,
        properties={key: united for key, declared in properties.items() if (united := unite_properties(declared))},
        places=places,
        registered=registered,
        findings=(*findings, *bind_findings(upstreams)),
        upstreams=upstreams,
        auths=_auths(declaration.services, settings, split) if settings.naming.auth else {},
    )


def _auths(
    services: Iterable[DeclaredService], settings: DeclaringSettings, split: Splitter
) -> dict[Key, tuple[NamedAuth, ...]]:
    """The authentication schemes that the meta of these services names, by (service, version)."""
    by_key: dict[Key, list[NamedAuth]] = {}
    for service in services:
        instance = _instance_of(service, settings.keep)
        name = instance.meta.get(settings.naming.auth)
        if name and matches(settings.services, service.service):
            for key in split(service.service, instance.tags, instance.meta):
                by_key.setdefault(key, []).append(NamedAuth(name=name, origin=service.origin))
    return {key: tuple(auths) for key, auths in by_key.items()}


def _finding_of_key(finding: Finding, split: Splitter) -> Finding:
    """The finding with a (service, version) in place of the registered name."""
    keys = () if finding.service is None else split(finding.service, (), {})
    return replace(finding, service=keys[0].service, version=keys[0].version) if keys else finding


def unite_properties(properties: Iterable[DeclaredProperties]) -> DeclaredProperties | None:
    """The union of these properties; None without any.

    It has all tags. Of meta values and ports it keeps those that no two declarations contradict.
    """
    declarations = list(properties)
    if not declarations:
        return None
    values: dict[str, set[str]] = {}
    for declared in declarations:
        for key, value in declared.meta.items():
            values.setdefault(key, set()).add(value)
    ports = {declared.port for declared in declarations} - {0}
    return DeclaredProperties(
        tags=tuple(sorted({tag for declared in declarations for tag in declared.tags})),
        meta={key: next(iter(distinct)) for key, distinct in sorted(values.items()) if len(distinct) == 1},
        port=ports.pop() if len(ports) == 1 else 0,
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


def _endpoint_of(service: DeclaredService, instance: Instance, url: str, address: str, source: str) -> Endpoint:
    return Endpoint(
        url=url,
        address=address,
        port=service.port,
        source=source,
        namespace=service.namespace,
        tags=instance.tags,
        meta=instance.meta,
        weight=service.weight,
        registered=service.service,
        declared_at=service.origin,
    )


def dependencies_of(source: str, upstreams: Iterable[PlacedUpstream], naming: Naming) -> tuple[Dependency, ...]:
    """These upstreams as dependencies, each with the URL of its bind (None if the pattern needs more values).

    An upstream names its destination but not the destination's tags or meta, so only the name can give a version.
    """
    split, maker = splitter_of(naming), UrlMaker(naming)
    return tuple(
        Dependency(
            upstream=upstream,
            source=source,
            service=key.service,
            version=key.version,
            url=bind_url(upstream, key, maker),
            declared_at=place,
        )
        for upstream, place in upstreams
        for key in split(upstream.destination, (), {})
    )


def bind_findings(dependencies: Iterable[Dependency]) -> Iterator[Finding]:
    """A finding for each upstream that listens at an invalid address. `0.0.0.0` is valid here: it is a bind."""
    for dependency in dependencies:
        upstream = dependency.upstream
        try:
            host_of(upstream.bind.address or "127.0.0.1")
        except InvalidAddress as invalid:
            yield INVALID.finding(
                f"`{upstream.consumer}` has an upstream for it whose bind {invalid}",
                service=dependency.service,
                version=dependency.version,
                origin=dependency.origin,
                help="write an IP address, such as 127.0.0.1, where the upstream is declared",
            )


def bind_url(upstream: Upstream, key: Key, maker: UrlMaker) -> str | None:
    """The URL of an upstream's bind as this (service, version).

    None if the bind is a socket, or the URL pattern needs values that an upstream does not have.
    """
    if upstream.bind.socket:
        return None
    bind = Instance(
        service=upstream.destination, node="", id="", address=upstream.bind.address, port=upstream.bind.port
    )
    try:
        return maker.url(key, bind, upstream.datacenter, upstream.destination_namespace)
    except UrlError:
        return None  # only an output with a `consumer` needs the URL: there it is a finding
