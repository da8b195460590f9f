"""Chooses one port of an instance that has several named ports (Consul 1.22 and later)."""

from __future__ import annotations

from frostline.model import Registration
from frostline.rules import Rule
from frostline.text import list_names

_MEND = (
    "name one of them with `port_from`, register one as the default, or leave the service out with `select.services`"
)

PORT_UNCHOSEN = Rule(
    name="port-unchosen",
    summary="an instance has several named ports, and nothing says which one is meant",
    why=(
        "None of the ports is the default, or `port_from` names one that the instance does not have. Any other "
        "port would be a guess, and at the wrong port another protocol may answer."
    ),
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=shop-v1-1): error[port-unchosen]: shop v1: "
    "none of its ports `admin 9090` and `http 8080` is the default, or the one that `port_from` names\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (PORT_UNCHOSEN,)


def chosen_port(registration: Registration, port: int, port_from: str) -> tuple[int, dict[str, int] | None]:
    """The port of an instance with named ports: the one that `port_from` names, else the default, else the only one.

    port: the port of its chosen address; it wins over default and only port if a tagged address has a port of its own.
    Returns (port, None), or (0, name -> port) if nothing says which port is meant.
    """
    ports = registration.ports
    if port_from:
        candidates = {named.port for named in ports if named.name == port_from}
    elif port != registration.port:
        return port, None
    else:
        candidates = {named.port for named in ports if named.is_default} or {named.port for named in ports}
    if len(candidates) == 1:
        return candidates.pop(), None
    return 0, {named.name: named.port for named in sorted(ports)}


def unchosen_message(ports: dict[str, int]) -> str:
    """The message of the finding about an instance with these named ports (name -> port)."""
    named = list_names(f"{name} {port}" for name, port in sorted(ports.items()))
    return f"none of its ports {named} is the default, or the one that `port_from` names"
