"""The arguments and blocks that a Nomad job file may have, as far as services and upstreams depend on them.

The names are the `hcl` tags of the structs in Nomad's package api (github.com/hashicorp/nomad). The
content of a task or an OPEN block is evaluated, because Nomad refuses errors in it too, but names in it are not
checked, because Nomad's next release may have more.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from frostline.hcl.values import BOOL, DYNAMIC, NUMBER, STRING, Type, list_of

TEXTS = list_of(STRING)


class Shape(Struct, frozen=True):
    """The arguments of a block with their types (DYNAMIC: not converted), its blocks, and the number of its labels.

    A NUMBER is whole, as in all structs of Nomad that are read here. open: any argument and block is allowed, and kept.
    lenient: other arguments and blocks are evaluated, and dropped. texts: any argument is allowed, as a string. nulls:
    arguments may be null. once: the blocks that are allowed only once. maps: the blocks that may also be arguments, as
    in `meta = {…}`.
    """

    attributes: Mapping[str, Type] = {}
    blocks: Mapping[str, Shape] = {}
    labels: int = 0
    open: bool = False
    lenient: bool = False
    texts: bool = False
    nulls: bool = False
    once: frozenset[str] = frozenset()
    maps: tuple[str, ...] = ()


OPEN = Shape(open=True)
"""A block that may contain anything, which is only evaluated."""

LABELLED = Shape(open=True, labels=1)

TEXT_MAP = Shape(texts=True)
"""A block of any arguments, all strings."""


def _of_type(*names: str, type: Type = STRING) -> dict[str, Type]:
    return dict.fromkeys(names, type)


def _open(*kinds: str) -> dict[str, Shape]:
    return dict.fromkeys(kinds, OPEN)


_UPSTREAM = Shape(
    attributes={
        **_of_type("destination_name", "destination_namespace", "destination_peer", "destination_partition"),
        **_of_type("destination_type", "datacenter"),
        **_of_type("local_bind_address", "local_bind_socket_path", "local_bind_socket_mode"),
        "local_bind_port": NUMBER,
    },
    blocks=_open("mesh_gateway", "config"),
    once=frozenset({"mesh_gateway", "config"}),
)
_PROXY = Shape(
    attributes={"local_service_address": STRING, "local_service_port": NUMBER},
    blocks={**_open("expose", "transparent_proxy", "config"), "upstreams": _UPSTREAM},
    once=frozenset({"expose", "transparent_proxy", "config"}),
)
_SIDECAR = Shape(
    attributes={"tags": TEXTS, "port": STRING, "disable_default_tcp_check": BOOL},
    blocks={"proxy": _PROXY, "meta": TEXT_MAP},
    once=frozenset({"proxy", "meta"}),
)
_CONNECT = Shape(
    attributes={"native": BOOL},
    blocks={"sidecar_service": _SIDECAR, **_open("gateway", "sidecar_task")},
    once=frozenset({"sidecar_service", "gateway", "sidecar_task"}),
)
SERVICE = Shape(
    attributes={
        **_of_type("name", "port", "address_mode", "address", "task", "on_update", "provider", "cluster", "kind"),
        **_of_type("tags", "canary_tags", type=TEXTS),
        "enable_tag_override": BOOL,
    },
    blocks={
        **_open("check", "check_restart", "identity"),
        **dict.fromkeys(("meta", "canary_meta", "tagged_addresses"), TEXT_MAP),
        "connect": _CONNECT,
        "weights": Shape(attributes=_of_type("passing", "warning", type=NUMBER)),
    },
    once=frozenset({"check_restart", "connect", "identity", "weights", "meta", "canary_meta", "tagged_addresses"}),
)
_PORT = Shape(
    attributes={"static": NUMBER, "to": NUMBER, "host_network": STRING, "ignore_collision": BOOL},
    labels=1,
)
NETWORK = Shape(
    attributes={**_of_type("mode", "device", "cidr", "ip", "hostname"), "mbits": DYNAMIC},
    blocks={**_open("dns", "cni"), "reserved_ports": _PORT, "port": _PORT},
    once=frozenset({"dns", "cni"}),
)
TASK = Shape(
    blocks={
        "env": TEXT_MAP,
        "meta": TEXT_MAP,
        "resources": Shape(blocks={"network": NETWORK}, lenient=True),
        "service": SERVICE,
    },
    labels=1,
    lenient=True,
    once=frozenset({"env", "meta", "resources"}),
    maps=("env", "meta"),
)
GROUP = Shape(
    attributes={
        "count": NUMBER,
        "prevent_reschedule_on_lost": BOOL,
        **_of_type("shutdown_delay", "max_run_duration", "stop_after_client_disconnect", type=DYNAMIC),
        "max_client_disconnect": DYNAMIC,
    },
    blocks={
        **_open("constraint", "affinity", "spread", "restart", "disconnect", "reschedule"),
        **_open("ephemeral_disk", "update", "migrate", "scaling", "consul", "vault"),
        **dict.fromkeys(("volume", "secret"), LABELLED),
        "task": TASK,
        "network": NETWORK,
        "meta": TEXT_MAP,
        "service": SERVICE,
    },
    labels=1,
    nulls=True,
    once=frozenset(
        {"restart", "disconnect", "reschedule", "ephemeral_disk", "update", "migrate", "scaling", "consul", "meta"}
    ),
    maps=("meta",),
)
JOB = Shape(
    attributes={
        **_of_type("region", "namespace", "id", "name", "type", "node_pool"),
        "priority": NUMBER,
        "all_at_once": BOOL,
        "datacenters": TEXTS,
    },
    blocks={
        **_open("constraint", "affinity", "update", "multiregion", "spread", "periodic", "ui"),
        **_open("reschedule", "migrate", "vault"),
        "parameterized": Shape(attributes=_of_type("meta_required", "meta_optional", type=TEXTS), lenient=True),
        "secret": LABELLED,
        "meta": TEXT_MAP,
        "group": GROUP,
        "task": TASK,
    },
    labels=1,
    nulls=True,
    once=frozenset(
        {"update", "multiregion", "periodic", "parameterized", "reschedule", "migrate", "vault", "meta", "ui"}
    ),
    maps=("meta",),
)
