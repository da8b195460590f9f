"""The arguments and blocks that a Nomad job file may have, as far as services and upstreams depend on them.

The names are the `hcl` tags of the structs in Nomad's package api (github.com/hashicorp/nomad). The contents of an OPEN
block are evaluated, because Nomad refuses errors in them too, but their names are not checked.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from frostline.hcl.values import BOOL, DYNAMIC, NUMBER, STRING, Type, list_of

TEXTS = list_of(STRING)


class Shape(Struct, frozen=True):
    """The arguments of a block with their types (DYNAMIC: not converted), its blocks, and the number of its labels.

    open: any argument and block is allowed. texts: any argument is allowed, as a string. nulls: arguments may be null.
    maps: those of the blocks that may also be arguments: `meta = {…}`.
    """

    attributes: Mapping[str, Type] = {}
    blocks: Mapping[str, Shape] = {}
    labels: int = 0
    open: bool = False
    texts: bool = False
    nulls: bool = False
    maps: tuple[str, ...] = ()


OPEN = Shape(open=True)
"""Anything, only evaluated."""

LABELLED = Shape(open=True, labels=1)

TEXT_MAP = Shape(texts=True)
"""Any arguments, all strings."""


def _of_type(*names: str, type: Type = STRING) -> dict[str, Type]:
    return dict.fromkeys(names, type)


_UPSTREAM = Shape(
    attributes={
        **_of_type("destination_name", "destination_namespace", "destination_peer", "destination_partition"),
        **_of_type("destination_type", "datacenter"),
        **_of_type("local_bind_address", "local_bind_socket_path", "local_bind_socket_mode"),
        "local_bind_port": NUMBER,
    },
    blocks={"mesh_gateway": OPEN, "config": OPEN},
)
_PROXY = Shape(
    attributes={"local_service_address": STRING, "local_service_port": NUMBER},
    blocks={"expose": OPEN, "upstreams": _UPSTREAM, "transparent_proxy": OPEN, "config": OPEN},
)
_SIDECAR = Shape(
    attributes={"tags": TEXTS, "port": STRING, "disable_default_tcp_check": BOOL},
    blocks={"proxy": _PROXY, "meta": TEXT_MAP},
)
_CONNECT = Shape(
    attributes={"native": BOOL},
    blocks={"gateway": OPEN, "sidecar_service": _SIDECAR, "sidecar_task": OPEN},
)
SERVICE = Shape(
    attributes={
        **_of_type("name", "port", "address_mode", "address", "task", "on_update", "provider", "cluster", "kind"),
        **_of_type("tags", "canary_tags", type=TEXTS),
        "enable_tag_override": BOOL,
    },
    blocks={
        "check": OPEN,
        "check_restart": OPEN,
        "connect": _CONNECT,
        "meta": TEXT_MAP,
        "canary_meta": TEXT_MAP,
        "tagged_addresses": TEXT_MAP,
        "identity": OPEN,
        "weights": Shape(attributes=_of_type("passing", "warning", type=NUMBER)),
    },
)
_PORT = Shape(
    attributes={"static": NUMBER, "to": NUMBER, "host_network": STRING, "ignore_collision": BOOL},
    labels=1,
)
NETWORK = Shape(
    attributes={**_of_type("mode", "device", "cidr", "ip", "hostname"), "mbits": NUMBER},
    blocks={"dns": OPEN, "reserved_ports": _PORT, "port": _PORT, "cni": OPEN},
)
_RESOURCES = Shape(
    attributes={
        **_of_type("cpu", "cores", "memory", "memory_max", "disk", "secrets", type=NUMBER),
        **_of_type("iops", type=NUMBER),
    },
    blocks={"network": NETWORK, "device": LABELLED, "numa": OPEN},
    nulls=True,
)
TASK = Shape(
    attributes={
        **_of_type("driver", "user", "kill_signal", "kind"),
        **_of_type("kill_timeout", "shutdown_delay", type=DYNAMIC),
        "leader": BOOL,
    },
    blocks={
        **dict.fromkeys(("lifecycle", "config", "constraint", "affinity", "restart", "logs", "artifact"), OPEN),
        **dict.fromkeys(("vault", "consul", "template", "dispatch_payload", "volume_mount", "csi_plugin"), OPEN),
        **dict.fromkeys(("identity", "schedule"), OPEN),
        **dict.fromkeys(("scaling", "secret", "action"), LABELLED),
        "env": TEXT_MAP,
        "meta": TEXT_MAP,
        "resources": _RESOURCES,
        "service": SERVICE,
    },
    labels=1,
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
        **dict.fromkeys(("constraint", "affinity", "spread", "restart", "disconnect", "reschedule"), OPEN),
        **dict.fromkeys(("ephemeral_disk", "update", "migrate", "scaling", "consul", "vault"), OPEN),
        **dict.fromkeys(("volume", "secret"), LABELLED),
        "task": TASK,
        "network": NETWORK,
        "meta": TEXT_MAP,
        "service": SERVICE,
    },
    labels=1,
    nulls=True,
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
        **dict.fromkeys(("constraint", "affinity", "update", "multiregion", "spread", "periodic", "ui"), OPEN),
        **dict.fromkeys(("parameterized", "reschedule", "migrate", "vault"), OPEN),
        "secret": LABELLED,
        "meta": TEXT_MAP,
        "group": GROUP,
        "task": TASK,
    },
    labels=1,
    nulls=True,
    maps=("meta",),
)
