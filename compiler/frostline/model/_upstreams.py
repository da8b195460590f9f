"""Who calls whom: the upstreams that consumers declare."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Bind(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where an upstream listens on the consumer's side: an address and a port, or the path of a Unix socket.

    All three are empty for a consumer with a transparent proxy, which needs no bind.
    """

    address: str = ""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    socket: str = ""

    def __str__(self) -> str:
        if self.socket:
            return f"unix://{self.socket}"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}" if self.port else ""


class Upstream(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A destination that a consumer declares to call. It is a line of the lock.

    namespace: the consumer's. job, group: the consumer in Nomad. service: the consumer in Consul, whose sidecars
    declare it. region: for Consul the datacenter; "" if a job file names none. kind: `service` or `prepared_query`.
    destination_namespace, datacenter, peer: where the destination is; "" if it is not named.
    destination_port: the name of one of the destination's ports; "" if the upstream names none.
    """

    namespace: str
    destination: str
    bind: Bind
    job: str = ""
    group: str = ""
    service: str = ""
    region: str = ""
    kind: str = "service"
    destination_namespace: str = ""
    datacenter: str = ""
    peer: str = ""
    destination_port: str = ""

    @property
    def consumer(self) -> str:
        """The consumer as messages name it: `NAMESPACE:JOB/GROUP` or `NAMESPACE:SERVICE`."""
        return f"{self.namespace}:{self.service or f'{self.job}/{self.group}'}"

    @property
    def target(self) -> tuple[str, ...]:
        """All fields that say what is called."""
        place = (self.destination_namespace, self.datacenter, self.peer)
        return (self.destination, self.kind, *place, self.destination_port)

    def sort_key(self) -> tuple[str | int, ...]:
        bind = (self.bind.address, self.bind.port, self.bind.socket)
        return (self.region, self.namespace, self.job, self.group, self.service, *self.target, *bind)
