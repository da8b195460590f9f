"""Sets of addresses and ports, as policies write them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from frostline.checks.policies.address_sets import InvalidPolicyValue, addresses, holds, known_address, port_ranges


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", ip_address("10.0.0.1")),
        ("::ffff:10.0.0.1", ip_address("10.0.0.1")),
        ("2001:db8::1", ip_address("2001:db8::1")),
        ("Web.Example.", "web.example"),
        ("127.1", None),
        ("0x7f.0.0.1", None),
        ("2130706433", None),
        ("", None),
    ],
)
def test_an_address_is_what_clients_read_it_as(text: str, address: object) -> None:
    assert known_address(text) == address


@pytest.mark.parametrize(
    ("texts", "address", "is_in"),
    [
        (["10.0.0.0/8"], "10.9.9.9", True),
        (["10.0.0.0/8"], "11.0.0.1", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["fd00::/8"], "fd00::1", True),
        (["fd00::/8"], "10.0.0.1", False),
        (["*.Example"], "web.example", True),
        (["*.example"], "web.test", False),
        (["*"], "10.0.0.1", False),
    ],
)
def test_networks_hold_ip_addresses_and_globs_host_names(texts: list[str], address: str, is_in: bool) -> None:
    known = known_address(address)
    assert known is not None
    assert holds(addresses(texts), known) is is_in


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("10.0.0.1/8", "`10.0.0.1/8` is not a network", "the network of that address is `10.0.0.0/8`"),
        ("x/8", "`x/8` is not a network", "such as `10.0.0.0/8`"),
        ("10.0.*", "globs match host names only", "write IP addresses as networks"),
        ("127.1", "globs match host names only", "write IP addresses as networks"),
        ("!web", "is not a glob of host names", "`deny`"),
        ("", "is not a glob of host names", "`deny`"),
    ],
)
def test_what_is_no_set_of_addresses_says_what_to_write(text: str, message: str, help: str) -> None:
    with pytest.raises(InvalidPolicyValue) as caught:
        addresses(["10.0.0.0/8", text])
    assert message in caught.value.message
    assert help in caught.value.help


def test_a_range_of_ports_is_one_port_or_both_ends() -> None:
    assert port_ranges(["1024-65535", 443, "0"]) == ((1024, 65535), (443, 443), (0, 0))


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("http", "is not a range of ports", "write `443`"),
        ("1-65536", "exceeds the highest port", "65535"),
        ("9-1", "contains no port", "`1-9`"),
    ],
)
def test_what_is_no_range_of_ports_says_what_to_write(text: str, message: str, help: str) -> None:
    with pytest.raises(InvalidPolicyValue) as caught:
        port_ranges([text])
    assert message in caught.value.message
    assert help in caught.value.help
