"""Functions of IP networks (go-cty-funcs, cidr)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from frostline.hcl.functions.base import Function, FunctionError, Parameter
from frostline.hcl.functions.numeric import whole
from frostline.hcl.values import NUMBER, STRING, Value, list_value, string

Network = IPv4Network | IPv6Network

_PREFIX = Parameter("prefix", STRING)
_SHAPE = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")


def _network(prefix: Value) -> Network:
    try:
        if not _SHAPE.fullmatch(prefix.data):
            raise ValueError
        return ip_network(prefix.data, strict=False)
    except ValueError:
        raise FunctionError(f"`{prefix.data}` is not a network such as 10.0.0.0/8") from None


def _host(prefix: Value, number: Value) -> Value:
    network, wanted = _network(prefix), whole(number, "hostnum")
    size = network.num_addresses
    if not -size <= wanted < size:
        raise FunctionError(f"{prefix.data} has no host {wanted}")
    return string(str(network[wanted]))


def _netmask(prefix: Value) -> Value:
    return string(str(_network(prefix).netmask))


def _subnet(prefix: Value, new_bits: Value, number: Value) -> Value:
    network, bits, wanted = _network(prefix), whole(new_bits, "newbits"), whole(number, "netnum")
    length = network.prefixlen + bits
    if bits < 0 or bits > 32 or length > network.max_prefixlen:
        raise FunctionError(f"{network} has no room for {bits} more bits of prefix")
    if not 0 <= wanted < 2**bits:
        raise FunctionError(f"with {bits} bits there is no network {wanted}")
    size = 2 ** (network.max_prefixlen - length)
    return string(str(type(network)((int(network.network_address) + wanted * size, length))))


def _subnets(prefix: Value, *bits: Value) -> Value:
    network = _network(prefix)
    subnets: list[Value] = []
    start = int(network.network_address)
    for argument, new_bits in enumerate(bits, 1):
        more = whole(new_bits, "newbits", argument)
        if more < 1:
            raise FunctionError("a network needs at least one more bit of prefix", argument)
        length = network.prefixlen + more
        if more > 32 or length > network.max_prefixlen:
            raise FunctionError(f"{network} has no room for {more} more bits of prefix", argument)
        size = 2 ** (network.max_prefixlen - length)
        start = -(-start // size) * size
        if start + size > int(network.network_address) + network.num_addresses:
            raise FunctionError(f"{network} has no room left for a network of /{length}", argument)
        subnets.append(string(str(type(network)((start, length)))))
        start += size
    return list_value(STRING, subnets)


FUNCTIONS: Mapping[str, Function] = {
    "cidrhost": Function((_PREFIX, Parameter("hostnum", NUMBER)), _host),
    "cidrnetmask": Function((_PREFIX,), _netmask),
    "cidrsubnet": Function((_PREFIX, Parameter("newbits", NUMBER), Parameter("netnum", NUMBER)), _subnet),
    "cidrsubnets": Function((_PREFIX,), _subnets, Parameter("newbits", NUMBER)),
}
