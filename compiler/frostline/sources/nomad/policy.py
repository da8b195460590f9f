"""The least rights that a source of type nomad needs, by Nomad's documentation of its API.

/v1/jobs needs `list-jobs`; /v1/job/ID, its allocations, /v1/services, /v1/service/NAME and the checks of an allocation
need `read-job`; /v1/namespaces shows the namespaces in which the token has any right; /v1/regions needs no right.
frostline asks for the agent's own region, which needs `agent:read`, only if `regions` is not set and there are several.
"""

from __future__ import annotations

from frostline.globs import is_literal, matches
from frostline.sources.acl_rules import block
from frostline.sources.nomad.settings import NomadSettings


def policy(settings: NomadSettings) -> str:
    """Write the rules of the policy, in Nomad's HCL: allow each namespace that is read, deny each that `!` excludes."""
    needed = '"list-jobs", "read-job"' if settings.upstreams else '"read-job"'
    lines: list[str] = []
    for pattern in sorted(set(settings.namespaces)):
        name = pattern.removeprefix("!")
        if not pattern.startswith("!"):
            lines += block("namespace", name, [f"capabilities = [{needed}]"])
        elif is_literal(name) and not matches(settings.namespaces, name):
            lines += block("namespace", name, ['policy = "deny"'])
    return "\n".join(lines)
