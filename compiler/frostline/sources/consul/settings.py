"""The settings of a source of type consul, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.config.definitions import ref
from frostline.config.readers import as_is, texts
from frostline.globs import is_literal
from frostline.settings import ServerSettings
from frostline.sources.server_keys import SERVER_KEYS, server_fields

SCHEMA: Mapping[str, Any] = {
    "description": "A Consul agent, asked over HTTP.",
    "properties": {
        **SERVER_KEYS,
        "address": {
            "description": (
                "http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH. Default: $CONSUL_HTTP_ADDR, else "
                "http://127.0.0.1:8500."
            ),
            **ref("text"),
        },
        "datacenters": {
            "description": 'The datacenters to read. "*": all that the agent knows. Default: the agent\'s own.',
            "type": "array",
            "default": [],
            "items": ref("name"),
        },
        "namespace": {"description": "The namespace to read (Consul Enterprise).", **ref("name")},
        "partition": {"description": "The admin partition to read (Consul Enterprise).", **ref("name")},
        "peers": {
            "description": "Cluster peers whose exported services are read too. They serve what no datacenter serves.",
            "type": "array",
            "default": [],
            "items": ref("name"),
        },
        "upstreams": {
            "description": "Whether to read the upstreams that sidecar proxies declare.",
            "type": "boolean",
            "default": True,
        },
        "acl": {
            "description": (
                "strict: if ACLs are on, Consul must accept the token, and an answer that ACLs filtered is refused. "
                "scoped: `select.services` has only literal names, each must have an instance, and filtered answers "
                "are tolerated."
            ),
            "enum": ["strict", "scoped"],
            "default": "strict",
        },
        "address_from": ref("address_from"),
        "port_from": {
            "description": (
                "Which port to take of a service with named ports (Consul 1.22 and later). Default: its default port."
            ),
            **ref("name"),
        },
    },
}


PEER = "peer:"
"""The prefix of the name of a peer's segment."""


class ConsulSettings(ServerSettings, frozen=True, kw_only=True):
    """address None: $CONSUL_HTTP_ADDR, else http://127.0.0.1:8500. datacenters (): the agent's own."""

    type: str = "consul"
    datacenters: tuple[str, ...] = ()
    namespace: str | None = None
    partition: str | None = None
    peers: tuple[str, ...] = ()
    upstreams: bool = True
    acl: str = "strict"

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The segments of peers: they serve only what this cluster does not, as when Consul resolves a name itself."""
        return tuple(f"{PEER}{name}" for name in self.peers)

    def with_services(self, services: tuple[str, ...]) -> Self:
        """Narrow the read to these services, except with a scoped token, which may only ask for the configured
        names."""
        return self if self.acl == "scoped" else super().with_services(services)


def configure(cursor: Cursor, context: Context) -> ConsulSettings:
    """The settings of the source at `cursor`."""
    _check_scope(cursor)
    return ConsulSettings(
        name=cursor.key,
        origin=cursor.key_origin,
        **server_fields(cursor, context.folder),
        **cursor.present(
            datacenters=texts,
            namespace=as_is,
            partition=as_is,
            peers=texts,
            upstreams=as_is,
            acl=as_is,
            address_from=as_is,
            port_from=as_is,
        ),
    )


def _check_scope(cursor: Cursor) -> None:
    """Refuse `acl: scoped` without literal names, because frostline then asks for each service by its name."""
    acl, select = cursor.get("acl"), cursor.get("select")
    if acl is None or acl.value != "scoped":
        return
    services = select.get("services") if select else None
    if services is None:
        acl.refuse(
            "`acl: scoped` needs literal names in `select.services`", "list the services that the token may read"
        )
        return
    for item in services.items():
        if not is_literal(item.value):
            item.refuse("`acl: scoped` takes no globs in `select.services`", "write the service's name")
