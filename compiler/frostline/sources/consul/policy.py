"""The least rights that a source of type consul needs.

Every answer that frostline reads shows an instance only with `service:read` on its name and `node:read` on its node.
The names of nodes are not known in advance, so the policy allows all nodes. /v1/acl/token/self and
/v1/catalog/datacenters need no right. Without `agent:read`, frostline learns the agent's datacenter from its nodes.
"""

from __future__ import annotations

from frostline.sources.acl_rules import block
from frostline.sources.consul.settings import ConsulSettings

_SIDECAR = "-sidecar-proxy"  # what Consul and Nomad call the sidecar of a service, unless its registration says other
_READ = ('policy = "read"',)


def policy(settings: ConsulSettings) -> str:
    """Write the rules of the policy, in Consul's HCL. Rules that only some catalogs need are comments.

    `acl: strict` needs to read all names, because it refuses an answer that ACLs filtered.
    """
    lines = block("node_prefix", "", _READ)
    if settings.acl == "scoped":
        names = sorted(set(settings.select.services))
        for name in names:
            lines += block("service", name, _READ)
        if settings.upstreams:
            lines.append("# Where they have sidecars, whose upstreams are read too (not with `upstreams: false`):")
            for name in names:
                lines += [f"# {line}" for line in block("service", f"{name}{_SIDECAR}", _READ)]
    else:
        lines += block("service_prefix", "", _READ)
    if settings.namespace is not None:  # Consul Enterprise
        lines = block("namespace", settings.namespace, lines)
    if settings.peers and settings.acl != "scoped":
        lines.append('peering = "read"')  # the names that a peer exports, and the state of the peering (Consul 1.13 on)
    if settings.partition is not None:
        lines = block("partition", settings.partition, lines)
    return "\n".join(lines)
