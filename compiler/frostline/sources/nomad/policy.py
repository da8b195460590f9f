"""The least rights that a source of type nomad needs.

As Nomad's documentation of its API says: /v1/jobs takes `list-jobs`; /v1/job/ID, its allocations, /v1/services,
/v1/service/NAME and the checks of an allocation take `read-job`; /v1/namespaces shows the namespaces in which the token
may do something; /v1/regions takes no right. The agent's own region is asked for, with `agent:read`, only where
`regions` does not name it and there are several.
"""

from __future__ import annotations

from frostline.globs import is_literal, matches
from frostline.sources.acl_rules import block
from frostline.sources.nomad.settings import NomadSettings


def policy(settings: NomadSettings) -> str:
    """The rules of a policy, in Nomad's HCL: of each namespace that is read; one left out by name is denied."""
    needed = '"list-jobs", "read-job"' if settings.upstreams else '"read-job"'
    lines: list[str] = []
    for pattern in sorted(set(settings.namespaces)):
        name = pattern.removeprefix("!")
        if not pattern.startswith("!"):
            lines += block("namespace", name, [f"capabilities = [{needed}]"])
        elif is_literal(name) and not matches(settings.namespaces, name):
            lines += block("namespace", name, ['policy = "deny"'])
    return "\n".join(lines)
