"""The rules of findings about services and upstreams in job files."""

from __future__ import annotations

from frostline.rules import Rule

_RUNTIME_MEND = "write it without variables of the client, or read the service from Consul or Nomad"
_RUNTIME_WHY = (
    "Variables such as `${attr.unique.hostname}` or `${NOMAD_ALLOC_INDEX}` have a value only on the client that runs "
    "the job, so the file alone does not determine it."
)
RUNTIME_NAME = Rule(
    name="job-name",
    summary="the name of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} Without its name the service is left out.",
    example="a.nomad.hcl:7:14: error[job-name]: its name `web-${NOMAD_ALLOC_INDEX}` is known only on the "
    f"client that runs the job; the service is left out\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_PORT = Rule(
    name="job-port",
    summary="the port of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} Without its port the service is declared, but has no endpoint.",
    example="a.nomad.hcl:8:8: error[job-port]: web: its port `${meta.port}` is known only on the client "
    f"that runs the job; it has no endpoint\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_TAG = Rule(
    name="job-tag",
    severity="warning",
    summary="a tag of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} The tag is left out, so consumers that select by it do not find the service.",
    example="a.nomad.hcl:8:8: warning[job-tag]: web: its tag `host=${attr.unique.hostname}` is known only on "
    f"the client that runs the job; the tag is left out\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_META = Rule(
    name="job-meta",
    severity="warning",
    summary="a meta value of a service in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} The key is left out, so consumers that select by it do not find the service.",
    example="a.nomad.hcl:8:1: warning[job-meta]: web: its meta `rack` is `${meta.rack}`, which is known only on the "
    f"client that runs the job; the key is left out\n  help: {_RUNTIME_MEND}",
    mend=_RUNTIME_MEND,
)
RUNTIME_UPSTREAM = Rule(
    name="job-upstream",
    summary="an upstream in a job file contains a variable of the client",
    why=f"{_RUNTIME_WHY} The upstream is left out, so nothing shows that the job depends on the service.",
    example="a.nomad.hcl:10:2: error[job-upstream]: its destination `db-${NOMAD_DC}` is known only on the client that "
    "runs the job; the upstream is left out\n  help: write it without variables of the client",
    mend="write it without variables of the client",
)
_NAME_MEND = "rename the service: letters, digits and dashes, at most 63"
UNREGISTRABLE = Rule(
    name="name-unregistrable",
    summary="Nomad refuses the name of a service in a job file",
    why="Nomad registers no job with a service whose name has other characters than letters, digits and dashes, or "
    "more than 63 of them (RFC 1123), whatever its provider. So nothing will ever serve that name.",
    example="a.nomad.hcl:7:14: error[name-unregistrable]: my_service: Nomad refuses the name `my_service`: `_` is "
    f"neither a letter, a digit nor a dash\n  help: {_NAME_MEND}",
    mend=_NAME_MEND,
)
NO_SUCH_PORT = Rule(
    name="port-label",
    summary="the port of a service in a job file is neither a number nor the label of a port",
    why="Nomad refuses such a job, or its allocations fail. The service is declared, but has no endpoint.",
    example="a.nomad.hcl:17:8: error[port-label]: web: its port `htpp` is neither a number nor the label of a port in "
    "its group\n  help: did you mean `http`?",
    mend='declare it in the group: network { port "LABEL" {} }, or correct the label',
)
RULES = (
    RUNTIME_NAME,
    RUNTIME_PORT,
    RUNTIME_TAG,
    RUNTIME_META,
    RUNTIME_UPSTREAM,
    UNREGISTRABLE,
    NO_SUCH_PORT,
)
