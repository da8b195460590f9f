"""The upstreams that sidecars declare, which are registrations of the kind connect-proxy.

They count whatever the sidecar's health, which says whether the sidecar runs, not whom its service calls.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from msgspec import Struct

from frostline.model import Bind, Upstream
from frostline.sources.consul.wire import ProxyUpstream, Service
from frostline.text import quote

_SIDECAR = "connect-proxy"
_LOOPBACK = "127.0.0.1"
_LAST_PORT = 65535


class CollectedUpstreams(Struct, frozen=True, kw_only=True):
    """upstreams: each once, sorted. warnings: a sentence for each invalid one, without the source's name."""

    upstreams: tuple[Upstream, ...] = ()
    warnings: tuple[str, ...] = ()


SidecarUpstream = tuple[str, str, ProxyUpstream]
"""The name of the service behind a sidecar, the sidecar's name, and an upstream that the sidecar declares."""


def sidecar_upstreams(services: Iterable[Service], names: Container[str]) -> Iterator[SidecarUpstream]:
    """Yield what the sidecars among `services` declare for the services with these names."""
    for service in services:
        proxy = service.proxy
        if service.kind == _SIDECAR and proxy and proxy.upstreams and proxy.destination in names:
            for upstream in proxy.upstreams:
                yield proxy.destination, service.name, upstream


def collect_upstreams(sidecars: Iterable[SidecarUpstream], datacenter: str, namespace: str) -> CollectedUpstreams:
    """Collect the valid upstreams, with warnings about the others. datacenter, namespace: those of the sidecars."""
    upstreams: set[Upstream] = set()
    warnings: set[str] = set()
    for service, sidecar, upstream in set(sidecars):
        fault = _describe_fault(upstream)
        if fault:
            warnings.add(f"the sidecar {quote(sidecar)} in {quote(datacenter)} {fault}: this upstream is left out")
        else:
            upstreams.add(_upstream(upstream, service, datacenter, namespace))
    return CollectedUpstreams(
        upstreams=tuple(sorted(upstreams, key=Upstream.sort_key)),
        warnings=tuple(sorted(warnings)),
    )


def _describe_fault(upstream: ProxyUpstream) -> str | None:
    """Say what is wrong with an upstream; None: nothing. Consul 1.14 accepts any number as a port."""
    if not upstream.destination_name:
        return "has an upstream without a destination"
    if not 0 <= upstream.local_bind_port <= _LAST_PORT:
        return f"has an upstream {quote(upstream.destination_name)} with the port {upstream.local_bind_port}"
    return None


def _upstream(upstream: ProxyUpstream, service: str, datacenter: str, namespace: str) -> Upstream:
    return Upstream(
        region=datacenter,
        namespace=namespace,
        service=service,
        destination=upstream.destination_name,
        kind=upstream.destination_type or "service",
        destination_namespace=upstream.destination_namespace,
        datacenter=upstream.datacenter,
        peer=upstream.destination_peer,
        destination_port=upstream.destination_port,
        bind=_bind(upstream),
    )


def _bind(upstream: ProxyUpstream) -> Bind:
    if upstream.local_bind_socket_path:
        return Bind(socket=upstream.local_bind_socket_path)
    if not upstream.local_bind_port:
        return Bind()  # a transparent proxy has no bind: its service calls the destination itself
    return Bind(address=upstream.local_bind_address or _LOOPBACK, port=upstream.local_bind_port)
