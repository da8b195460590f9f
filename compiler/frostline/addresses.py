"""Addresses of hosts, as servers, job files and configurations give them: their validation and canonical spelling.

An address is an IP address or a host name. Anything else (a URL, a port, a list) would become a URL that nobody can
call, or that clients interpret differently.
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
"""Hosts that clients read as an IPv4 address in any spelling (127.1, 0x7f.1, 2130706433): "ends in a number" of the
WHATWG URL standard. Accepting one as a host name would let it bypass a denied network."""

# Fast path: nearly all addresses are unicast IPv4 addresses, and `ip_address` takes several times as long.
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_UNICAST_IPV4 = re.compile(rf"(?:[1-9][0-9]?|1[0-9]{{2}}|2[01][0-9]|22[0-3])(?:\.{_OCTET}){{3}}")

# RFC 1123 2.1, plus `_`, which registered names use in practice. Punycode (RFC 3492) matches too.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_MOST_IN_LABEL = 63  # RFC 1035 2.3.4
_MOST_IN_NAME = 253
_ZONE = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 6874 2
_WITH_PORT = re.compile(r"(.+):([0-9]+)", re.DOTALL)
_INVALID_CHARACTER = re.compile(r"[^A-Za-z0-9._-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_WAIVER_HELP = "; a waiver of `address-invalid` leaves the instance out"

INVALID = Rule(
    name="address-invalid",
    summary="an address is neither an IP address nor a host name",
    why="A URL, a port or spaces in place of an address produce a URL that nobody can call. Clients interpret a number "
    "that is not a valid IPv4 address (`127.1`, `010.0.0.1`) differently.",
    example="mesh(datacenter=dc1, namespace=default, node=n2, id=w): error[address-invalid]: shop: "
    "its address `10.0.0.7:8080` has a port in it\n"
    f"  help: register `10.0.0.7` as the address and 8080 as the port{_WAIVER_HELP}",
    mend=f"correct the address where it is registered{_WAIVER_HELP}",
)
UNUSABLE = Rule(
    name="address-unusable",
    severity="warning",
    summary="an address cannot be called from other hosts",
    why="A server listens at `0.0.0.0` or `::`, but a client that connects there reaches itself, or nobody. A zone "
    "(`fe80::1%eth0`) names an interface of the host that registered it. Multicast and broadcast addresses do not "
    "belong to one server.",
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=w): warning[address-unusable]: shop: "
    "its address `0.0.0.0` is an address to listen on, not one that others can call\n"
    "  help: register an address that others can call; a Consul source can also use another one (`address_from`)",
    mend="register an address that others can call; a Consul source can also use another one (`address_from`)",
)
PORT_INVALID = Rule(
    name="port-invalid",
    summary="a port is not between 0 and 65535",
    why=("No client can call such a port. Some tools register -1 for a service without a port; the right value is 0."),
    example="mesh(datacenter=dc1, namespace=default, node=n1, id=w): error[port-invalid]: batch: "
    "its port is -1; ports are 0 (none) to 65535\n"
    "  help: correct the port where it is registered; a waiver of `port-invalid` leaves the instance out",
    mend="correct the port where it is registered; a waiver of `port-invalid` leaves the instance out",
)
RULES = (INVALID, UNUSABLE, PORT_INVALID)


class InvalidAddress(ValueError):
    """The text is not an address.

    problem: what is wrong, as the predicate of a sentence about the address. mend: what to write instead.
    """

    def __init__(self, text: str, problem: str, mend: str) -> None:
        super().__init__(f"{quote(text)} {problem}")
        self.message, self.help = f"its address {quote(text)} {problem}", f"{mend}{_WAIVER_HELP}"


class Host(NamedTuple):
    """An address in its canonical spelling.

    address: IPv6 as in RFC 5952, without brackets; names as given.
    in_url: the same as the host of a URL (RFC 3986 3.2.2; a zone as in RFC 6874).
    doubt: why other hosts cannot use it, as the predicate of a sentence about the address; "" if they can.
    """

    address: str
    in_url: str
    doubt: str = ""


@lru_cache(maxsize=65536)
def host_of(text: str) -> Host:
    """Parse an address; `[fd00::7]` gives fd00::7. Raises InvalidAddress."""
    if _UNICAST_IPV4.fullmatch(text):
        return Host(text, text)
    is_bracketed = text.startswith("[") and text.endswith("]")
    address = _ip_address(text[1:-1].replace("%25", "%") if is_bracketed else text)
    if isinstance(address, IPv4Address) and not is_bracketed:
        return Host(text, text, _doubt(address))
    if isinstance(address, IPv6Address):
        spelling, zone = _ipv6_text(address), address.scope_id or ""
        if zone:
            return Host(f"{spelling}%{zone}", f"[{spelling}%25{zone}]", "has a zone, which only its own host knows")
        return Host(spelling, f"[{spelling}]", _doubt(address))
    if not _is_name(text):
        raise InvalidAddress(text, *_problem(text))
    return Host(text, text)


def spelling_of(text: str) -> str:
    """Return the canonical spelling of an address, or the text unchanged if it is not an address."""
    try:
        return host_of(text).address
    except InvalidAddress:
        return text


def address_findings(key: Key, text: str, origin: Origin) -> list[Finding]:
    """Return the findings about an address registered for this (service, version); none if it is sound."""
    try:
        host = host_of(text)
    except InvalidAddress as invalid:
        return [INVALID.finding(invalid.message, service=key[0], version=key[1], origin=origin, help=invalid.help)]
    return [unusable_finding(key, host, origin)] if host.doubt else []


def unusable_finding(key: Key, host: Host, origin: Origin) -> Finding:
    """Return the warning about a host whose `doubt` is not empty."""
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
    """Format as in RFC 5952. `str` formats IPv4-mapped addresses differently before and after Python 3.13."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped else str(IPv6Address(int(address)))


def _doubt(address: IPv4Address | IPv6Address) -> str:
    if address.is_unspecified:
        return "is an address to listen on, not one that others can call"
    if address.is_multicast or address == _BROADCAST:
        return "belongs to a group of hosts, not to one"
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
    """Say what is wrong with a text that is not an address, and what to do about it."""
    stripped = text.strip()
    if _CONTROL.search(stripped):
        return "has a control character in it", "register it without that character"
    if stripped != text:
        return "has spaces around it", _register(stripped, "remove the spaces")
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
        return "has non-ASCII characters", "register the name as name servers know it (punycode, xn--…)"
    if invalid := _INVALID_CHARACTER.search(text):
        return f"has `{invalid.group()}` in it", "register one IP address or host name"
    if ENDS_IN_NUMBER.fullmatch(text):
        return (
            "is not a valid IPv4 address, and clients interpret it differently",
            "write four numbers from 0 to 255, without leading zeros",
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
