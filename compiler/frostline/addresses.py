"""Addresses of hosts as servers, job files and configurations say them: which text is one, and how it is written.

An address is an IP address or a host name. Whatever else stands there (a URL, a port, a list) would become a URL that
nobody can call, or that each client reads in another way.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from frostline.model import Finding, Key, Origin
from frostline.rules import Rule
from frostline.text import quote

HIGHEST_PORT = 65535

ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?", re.DOTALL)
"""Hosts that clients read as an IPv4 address, however it is spelt (127.1, 0x7f.1, 2130706433): the WHATWG URL standard,
"ends in a number". As a host name such text would be a way around a denied network."""

# What nearly all addresses are: an IPv4 address of one host. `ip_address` takes several times as long.
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ONE_IPV4 = re.compile(rf"(?:[1-9][0-9]?|1[0-9]{{2}}|2[01][0-9]|22[0-3])(?:\.{_OCTET}){{3}}")

# RFC 1123 2.1, and `_`, which registered names have in practice. Punycode (RFC 3492) fits.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_MOST_IN_LABEL = 63  # RFC 1035 2.3.4
_MOST_IN_NAME = 253
_ZONE = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 6874 2
_WITH_PORT = re.compile(r"(.+):([0-9]+)", re.DOTALL)
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_GO_ON = "; a waiver of `address-invalid` leaves the instance out"

INVALID = Rule(
    name="address-invalid",
    summary="an address is neither an IP address nor a host name",
    why="A URL, a port or spaces in the place of an address make a URL that nobody can call. A number that is no "
    "whole IPv4 address (`127.1`, `010.0.0.1`) is read by each client in another way.",
    example="mesh(datacenter=dc1, namespace=default, node=n2, id=w): error[address-invalid]: shop: "
    "its address `10.0.0.7:8080` has a port in it\n"
    f"  help: register `10.0.0.7` as the address and 8080 as the port{_GO_ON}",
    mend=f"correct the address where it is registered{_GO_ON}",
)
UNUSABLE = Rule(
    name="address-unusable",
    severity="warning",
    summary="an address means nothing to other hosts",
    why="A server listens at `0.0.0.0` or `::`, but a client that calls there calls itself, or nobody. A zone "
    "(`fe80::1%eth0`) names an interface of the host that registered it. Multicast and broadcast addresses are not "
    "those of one server.",
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=w): warning[address-unusable]: shop: "
    "its address `0.0.0.0` is where it listens, not where others can call it\n"
    "  help: register the address that others can call; of a Consul source another kind may do (`address_from`)",
    mend="register the address that others can call; of a Consul source another kind may do (`address_from`)",
)
PORT_INVALID = Rule(
    name="port-invalid",
    summary="a port is not between 0 and 65535",
    why="No client can call such a port. Some tools register -1 for a service without a port; 0 says that.",
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=w): error[port-invalid]: batch: "
    "its port is -1; ports are 0 (none) to 65535\n"
    "  help: correct the port where it is registered; a waiver of `port-invalid` leaves the instance out",
    mend="correct the port where it is registered; a waiver of `port-invalid` leaves the instance out",
)
RULES = (INVALID, UNUSABLE, PORT_INVALID)


class InvalidAddress(ValueError):
    """Why a text is no address (the end of a sentence that begins with it), and what to write instead."""

    def __init__(self, text: str, problem: str, mend: str) -> None:
        super().__init__(f"{quote(text)} {problem}")
        self.message, self.help = f"its address {quote(text)} {problem}", f"{mend}{_GO_ON}"


class Host(NamedTuple):
    """An address in its one spelling.

    address: IPv6 as in RFC 5952, without brackets; names as given. in_url: as the host of a URL (RFC 3986 3.2.2, a zone
    as in RFC 6874). doubt: why others cannot use it, the end of a sentence that begins with the address; "" mostly.
    """

    address: str
    in_url: str
    doubt: str = ""


@lru_cache(maxsize=65536)
def host_of(text: str) -> Host:
    """The host that this text names. `[fd00::7]` is fd00::7. Raises InvalidAddress."""
    if _ONE_IPV4.fullmatch(text):
        return Host(text, text)
    is_bracketed = text.startswith("[") and text.endswith("]")
    found = _ip_address(text[1:-1].replace("%25", "%") if is_bracketed else text)
    if isinstance(found, IPv4Address) and not is_bracketed:
        return Host(text, text, _doubt(found))
    if isinstance(found, IPv6Address):
        address, zone = _ipv6_text(found), found.scope_id or ""
        if zone:
            return Host(f"{address}%{zone}", f"[{address}%25{zone}]", "has a zone, which only its own host knows")
        return Host(address, f"[{address}]", _doubt(found))
    if not _is_name(text):
        raise InvalidAddress(text, *_problem(text))
    return Host(text, text)


def spelling_of(text: str) -> str:
    """The address in its one spelling; the text itself where it is none."""
    try:
        return host_of(text).address
    except InvalidAddress:
        return text


def address_findings(key: Key, text: str, origin: Origin) -> list[Finding]:
    """What is wrong with this address of the (service, version)."""
    try:
        host = host_of(text)
    except InvalidAddress as invalid:
        return [INVALID.finding(invalid.message, service=key[0], version=key[1], origin=origin, help=invalid.help)]
    return [unusable_finding(key, host, origin)] if host.doubt else []


def unusable_finding(key: Key, host: Host, origin: Origin) -> Finding:
    """The warning about a host with a doubt."""
    message = f"its address `{host.address}` {host.doubt}"
    return UNUSABLE.finding(message, service=key[0], version=key[1], origin=origin)


def _ip_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.scope_id is not None and not _ZONE.fullmatch(address.scope_id):
        return None
    return address


def _ipv6_text(address: IPv6Address) -> str:
    """RFC 5952; `str` writes addresses mapped from IPv4 in two ways, before and after Python 3.13."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else str(IPv6Address(int(address)))


def _doubt(address: IPv4Address | IPv6Address) -> str:
    if address.is_unspecified:
        return "is where it listens, not where others can call it"
    if address.is_multicast or address == _BROADCAST:
        return "is of a group of hosts, not of one"
    return ""


_BROADCAST = IPv4Address("255.255.255.255")


def _is_name(text: str) -> bool:
    name = text.removesuffix(".")
    return (
        len(name) <= _MOST_IN_NAME
        and not ENDS_IN_NUMBER.fullmatch(name)
        and all(len(label) <= _MOST_IN_LABEL and _LABEL.fullmatch(label) for label in name.split("."))
    )


def _problem(text: str) -> tuple[str, str]:
    """What is wrong with a text that is no address, and what to do."""
    alone = text.strip()
    if _CONTROL.search(alone):
        return "has a control character in it", "register it without that character"
    if alone != text:
        return "has spaces around it", _register(alone, "remove the spaces")
    if "://" in text:
        return "is a URL", _register(_host_in_url(text), "register the host alone") + (
            "; the scheme belongs in the meta value `scheme` or the key `scheme`, a path in the pattern `url`"
        )
    if text.startswith("/"):
        return "is a path", "register an IP address or a host name"
    for sign, what in (("/", "a path"), ("@", "a user")):
        if sign in text:
            return f"has {what} in it", "register the host alone"
    if with_port := _WITH_PORT.fullmatch(text):
        host, port = with_port.groups()
        if _host_or_none(host):
            return "has a port in it", f"register `{_host_or_none(host)}` as the address and {port} as the port"
    if ":" in text or "[" in text:
        return "is not an IPv6 address", "register an IP address or a host name"
    return _problem_of_name(text)


def _problem_of_name(text: str) -> tuple[str, str]:
    name = text.removesuffix(".")
    if not text.isascii():
        return "has characters beyond ASCII", "register the name as name servers know it (punycode, xn--…)"
    if foreign := _FOREIGN.search(text):
        return f"has `{foreign.group()}` in it", "register one IP address or host name"
    if ENDS_IN_NUMBER.fullmatch(text):
        return (
            "is not an IPv4 address, and each client reads it in another way",
            "write four numbers from 0 to 255, without zeros before them",
        )
    if len(name) > _MOST_IN_NAME:
        return f"is longer than {_MOST_IN_NAME} characters", "register a name that name servers can hold"
    if any(len(label) > _MOST_IN_LABEL for label in name.split(".")):
        return f"has more than {_MOST_IN_LABEL} characters between two dots", _NAME_HELP
    return "is not a host name", _NAME_HELP


_NAME_HELP = "each part between dots has 1 to 63 letters, digits, `_` and `-`, and no `-` at its ends"


def _host_or_none(text: str) -> str | None:
    try:
        return host_of(text).address
    except InvalidAddress:
        return None


def _host_in_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _register(address: str, otherwise: str) -> str:
    host = _host_or_none(address)
    return f"register `{host}`" if host else otherwise
