"""Which port of an instance with several named ports is meant (Consul 1.22 and later)."""

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
    why="None of them is the default one, or `port_from` names one that the instance does not have. To take any other "
    "would be a guess: behind the wrong port another protocol answers.",
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=shop-v1-1): error[port-unchosen]: shop v1: "
    "none of its ports `admin 9090` and `http 8080` is the default, or the one that `port_from` names\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (PORT_UNCHOSEN,)


def chosen_port(registration: Registration, port: int, port_from: str) -> tuple[int, dict[str, int] | None]:
    """The port of an instance with named ports: the one that `port_from` names, else the default, else the only one.

    port: that of its chosen address, which stays where it is a tagged address with a port of its own. Returns 0 and the
    named ports where nothing says which one is meant.
    """
    named = registration.ports
    if port_from:
        candidates = {one.port for one in named if one.name == port_from}
    elif port != registration.port:
        return port, None
    else:
        candidates = {one.port for one in named if one.is_default} or {one.port for one in named}
    if len(candidates) == 1:
        return candidates.pop(), None
    return 0, {one.name: one.port for one in sorted(named)}


def unchosen_message(ports: dict[str, int]) -> str:
    """The finding's sentence about an instance with these named ports."""
    named = list_names(f"{name} {port}" for name, port in sorted(ports.items()))
    return f"none of its ports {named} is the default, or the one that `port_from` names"
