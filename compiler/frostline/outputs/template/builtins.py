"""The templates that come with frostline, in templates/builtin. A new one is a file there and a line in TABLE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from frostline.resources import resource_folder


class Variable(Struct, frozen=True):
    """A key of `vars` that a template reads. type: as JSON Schema names it; description: a phrase, no sentence."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    description: str


class Builtin(Struct, frozen=True, kw_only=True):
    """One template.

    file: its name in templates/builtin. summary: what it writes, one sentence. split: whether it writes a file for each
    (service, version) (`split: entry`): always, where its reader takes no more in one; never; or as configured.
    variables: all keys of `vars` that it reads; it has a default for each.
    """

    file: str
    summary: str
    split: Literal["always", "never", "as configured"] = "never"
    variables: Mapping[str, Variable] = {}

    @property
    def path(self) -> Path:
        """Where the template is."""
        return resource_folder("templates") / "builtin" / self.file


TABLE: Mapping[str, Builtin] = {
    "hosts": Builtin(
        file="hosts.j2",
        summary="Lines for /etc/hosts: the address of each entry's chosen endpoint, and the entry's name.",
        variables={"suffix": Variable("string", "what follows each name, such as `.internal`")},
    ),
    "kubernetes": Builtin(
        file="kubernetes.j2",
        summary="A Service for each entry: with EndpointSlices for IP addresses, of type ExternalName for a host name.",
        variables={
            "namespace": Variable("string", "the namespace of all objects; default: the one that kubectl uses"),
            "port": Variable("integer", "the port at which a Service is called; default 80"),
        },
    ),
    "tfvars": Builtin(
        file="tfvars.j2",
        summary="The variable `services` for Terraform, with the fields that consul-terraform-sync gives its modules.",
        variables={"meta": Variable("object", "what each service has as `cts_user_defined_meta`")},
    ),
}
