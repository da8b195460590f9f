"""Makes the endpoints of the instances of one (service, version), and findings for instances that cannot have one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from frostline.addresses import HIGHEST_PORT, InvalidAddress, host_of, unusable_finding
from frostline.model import Endpoint, Finding, Instance, InstanceOrigin, Key
from frostline.registry.url_values import UrlError, host_of_instance
from frostline.registry.urls import FilledPattern, plain_end, url_of


class Place(NamedTuple):
    """Where instances come from."""

    source: str
    datacenter: str
    namespace: str


def plain_endpoints(instances: Sequence[Instance], filled: FilledPattern, place: Place) -> list[Endpoint] | None:
    """The same as `judged_endpoints`, in a third of the time; None if the pattern or an instance needs a closer look.

    It covers the usual case: the pattern asks only for scheme, address and port, and every instance has a valid address
    and port and no scheme of its own.
    """
    end = plain_end(filled)
    if end is None:
        return None
    source, datacenter, namespace = place
    try:
        endpoints = [
            Endpoint(
                url=f"http://{in_url}:{instance.port}{end}",
                address=address,
                port=instance.port,
                source=source,
                datacenter=datacenter,
                namespace=namespace,
                node=instance.node,
                id=instance.id,
                tags=instance.tags,
                meta=instance.meta,
                weight=instance.weight,
                registered=instance.service,
                node_address=instance.node_address,
            )
            for instance in instances
            for address, in_url, doubt in (host_of(instance.address),)
            if 0 < instance.port <= HIGHEST_PORT and not doubt and "scheme" not in instance.meta
        ]
    except InvalidAddress:
        return None
    return endpoints if len(endpoints) == len(instances) else None


def judged_endpoints(
    key: Key, instances: Iterable[Instance], filled: FilledPattern, place: Place, findings: list[Finding]
) -> Iterator[Endpoint]:
    """The endpoints of the instances. Appends a finding for each instance that cannot have one, or a doubtful one."""
    source, datacenter, namespace = place
    for instance in instances:
        origin = InstanceOrigin(source, datacenter, namespace, instance.node, instance.id)
        try:
            host = host_of_instance(instance)
            url = url_of(filled, instance)
        except UrlError as error:
            findings.append(error.finding(key, origin))
            continue
        if host.doubt:
            findings.append(unusable_finding(key, host, origin))
        yield Endpoint(
            url=url,
            address=host.address,
            port=instance.port,
            source=source,
            datacenter=datacenter,
            namespace=namespace,
            node=instance.node,
            id=instance.id,
            tags=instance.tags,
            meta=instance.meta,
            weight=instance.weight,
            registered=instance.service,
            node_address=instance.node_address,
        )
