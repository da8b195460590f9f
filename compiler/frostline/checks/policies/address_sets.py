"""Sets of addresses (networks, host names) and of ports, as policies write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from msgspec import Struct

from frostline.addresses import ENDS_IN_NUMBER, HIGHEST_PORT
from frostline.globs import matches
from frostline.text import shorten

_ADDRESS_GLOB = re.compile(r"(?=.*[0-9])(?=.*\.)[0-9.*?]+|.*:.*", re.DOTALL)
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


class InvalidPolicyValue(Exception):
    """Why a value in a policy (a network, a glob, a port range …) is invalid, and what to write instead."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


class Addresses(Struct, frozen=True):
    """Networks for IP addresses, globs (lower case) for host names."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    globs: tuple[str, ...] = ()


def addresses(texts: Sequence[str]) -> Addresses:
    """Read CIDR networks, IP addresses and globs of host names. Raises InvalidPolicyValue."""
    networks: list[IPv4Network | IPv6Network] = []
    globs: list[str] = []
    for text in texts:
        network = _network(text)
        if network is None:
            globs.append(text.lower())
        else:
            networks.append(network)
    return Addresses(tuple(networks), tuple(globs))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        pass
    if "/" in text:
        raise InvalidPolicyValue(f"`{shorten(text)}` is not a network", _network_help(text))
    if not text or text.startswith("!"):
        raise InvalidPolicyValue(
            f"`{shorten(text)}` is not a glob of host names", "list the excluded addresses under `deny`"
        )
    if _ADDRESS_GLOB.fullmatch(text) or ENDS_IN_NUMBER.fullmatch(text):
        raise InvalidPolicyValue(
            f"`{shorten(text)}` is not a network, and globs match host names only",
            "write IP addresses as networks, such as `10.0.0.0/8`",
        )
    return None


def _network_help(text: str) -> str:
    try:
        return f"the network of that address is `{ip_network(text, strict=False)}`"
    except ValueError:
        return "write an address and the bits of its network, such as `10.0.0.0/8` or `fd00::/8`"


def known_address(text: str) -> IPv4Address | IPv6Address | str | None:
    """How clients read an endpoint's address: as an IP address, a host name (in lower case), or None for neither.

    An IPv4 address mapped into IPv6 (RFC 4291, 2.5.5.2) counts as that IPv4 address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None if not text or ENDS_IN_NUMBER.fullmatch(text) else text.lower().removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def holds(address_set: Addresses, address: IPv4Address | IPv6Address | str) -> bool:
    """Whether the set contains this address (as `known_address` returns it)."""
    if isinstance(address, str):
        return any(matches((glob,), address) for glob in address_set.globs)
    return any(address in network for network in address_set.networks)


def port_ranges(texts: Sequence[str | int]) -> tuple[tuple[int, int], ...]:
    """(lowest, highest) of each range: `1024-65535`, `443`. Raises InvalidPolicyValue."""
    return tuple(_port_range(str(text)) for text in texts)


def _port_range(text: str) -> tuple[int, int]:
    match = _PORTS.fullmatch(text)
    if match is None:
        raise InvalidPolicyValue(f"`{shorten(text)}` is not a range of ports", "write `443` or `1024-65535`")
    low = int(match[1])
    high = int(match[2] or match[1])
    if high > HIGHEST_PORT:
        raise InvalidPolicyValue(f"`{text}` exceeds the highest port", f"the highest port is {HIGHEST_PORT}")
    if low > high:
        raise InvalidPolicyValue(f"`{text}` contains no port", f"write the lower port first: `{high}-{low}`")
    return low, high
