"""The templates that come with frostline, in templates/builtin. A new one is a file there and a line in TABLE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from frostline.resources import resource_folder


class Variable(Struct, frozen=True):
    """A key of `vars` that a template reads. type: a type of JSON Schema. description: a phrase, not a sentence."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    description: str


class Builtin(Struct, frozen=True, kw_only=True):
    """One built-in template.

    file: its name in templates/builtin. summary: one sentence that says what it writes. split: whether it writes a file
    for each (service, version) (`split: entry`): always, if its reader accepts only one in a file; never; or as
    configured. variables: all keys of `vars` that it reads; it has a default for each.
    """

    file: str
    summary: str
    split: Literal["always", "never", "as configured"] = "never"
    variables: Mapping[str, Variable] = {}

    @property
    def path(self) -> Path:
        """The path of the template's file."""
        return resource_folder("templates") / "builtin" / self.file


TABLE: Mapping[str, Builtin] = {
    "ansible": Builtin(
        file="ansible.j2",
        summary="An inventory for Ansible: a group for each entry, with a host for each endpoint.",
    ),
    "dnsmasq": Builtin(
        file="dnsmasq.j2",
        summary="Addresses and SRV records for dnsmasq, under the names that Consul's DNS has.",
        variables={"domain": Variable("string", "the domain of the names")},
    ),
    "dotenv": Builtin(
        file="dotenv.j2",
        summary="Environment variables: URL, host and port of each entry's chosen endpoint.",
        variables={"prefix": Variable("string", "what each variable begins with, such as `SHOP_`")},
    ),
    "envoy-eds": Builtin(
        file="envoy-eds.j2",
        summary="The endpoints of one cluster of Envoy (EDS), a file each.",
        split="always",
    ),
    "haproxy": Builtin(
        file="haproxy.j2",
        summary="Backends for HAProxy.",
        variables={
            "balance": Variable("string", "how a server is chosen"),
            "check": Variable("boolean", "whether HAProxy checks the servers' health"),
            "https": Variable("string", "what follows a server with an https URL"),
            "mode": Variable("string", "http or tcp"),
        },
    ),
    "hosts": Builtin(
        file="hosts.j2",
        summary="Lines for /etc/hosts: the addresses of each entry.",
        variables={"domain": Variable("string", "the domain that is added to each name")},
    ),
    "kubernetes": Builtin(
        file="kubernetes.j2",
        summary="A Service for each entry: with EndpointSlices for IP addresses, of type ExternalName for a host name.",
        variables={
            "namespace": Variable("string", "the namespace of all objects; default: the one that kubectl uses"),
            "port": Variable("integer", "the port at which a Service is called; default 80"),
        },
    ),
    "nginx": Builtin(
        file="nginx.j2",
        summary="An nginx server that routes /NAME/ to the instances of that name.",
        variables={
            "listen": Variable("string", "the address or port to listen on"),
            "server_name": Variable("string", "the server's name"),
        },
    ),
    "prometheus": Builtin(
        file="prometheus.j2",
        summary="Targets for Prometheus's file_sd_configs, with the labels of consul_sd_configs.",
    ),
    "spring": Builtin(
        file="spring.j2",
        summary="The instances of Spring Cloud's SimpleDiscoveryClient, as properties in YAML.",
    ),
    "tfvars": Builtin(
        file="tfvars.j2",
        summary="The variable `services` for Terraform, with the fields that consul-terraform-sync gives its modules.",
        variables={"meta": Variable("object", "what each service has as `cts_user_defined_meta`")},
    ),
    "traefik": Builtin(
        file="traefik.j2",
        summary="Services for Traefik's file provider.",
        variables={"pass_host_header": Variable("boolean", "whether a server gets the caller's Host header")},
    ),
}
