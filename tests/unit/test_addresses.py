"""Which texts are addresses, their canonical spelling, and the findings about others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from frostline.addresses import Host, InvalidAddress, address_findings, host_of, spelling_of
from frostline.model import FileOrigin, Key

LABEL_63 = "a" * 63


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "127.0.0.1",
        "0.0.0.1",
        "localhost",
        "web",
        "api.example",
        "api.example.",
        "API.Example",
        "my_host.internal",
        "_http._tcp.example",
        "db_.example",
        "7up.example",
        "1.2.3.4.example",
        "a1.b2",
        "x--y.example",
        "xn--bcher-kva.example",
        "r3---sn-aigl.example",
        f"{LABEL_63}.example",
        ".".join([LABEL_63] * 3 + ["a" * 61]),
        ".".join([LABEL_63] * 3 + ["a" * 61]) + ".",
    ],
)
def test_ipv4_addresses_and_host_names_are_written_as_they_are(address: str) -> None:
    assert host_of(address) == Host(address, address)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("fd00::7", "fd00::7"),
        ("[fd00::7]", "fd00::7"),
        ("FD00::7", "fd00::7"),
        ("fd00:0:0:0:0:0:0:7", "fd00::7"),
        ("fd00:0000::0007", "fd00::7"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("::1", "::1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ("::ffff:a00:1", "::ffff:10.0.0.1"),
        ("64:ff9b::10.0.0.1", "64:ff9b::a00:1"),
    ],
)
def test_an_ipv6_address_has_one_spelling_and_brackets_in_a_url(text: str, address: str) -> None:
    assert host_of(text) == Host(address, f"[{address}]")


@pytest.mark.parametrize(
    ("text", "spelling"), [("[FD00:0::7]", "fd00::7"), ("10.0.0.1", "10.0.0.1"), ("http://x", "http://x"), ("", "")]
)
def test_a_text_that_is_not_an_address_keeps_its_spelling(text: str, spelling: str) -> None:
    assert spelling_of(text) == spelling


@pytest.mark.parametrize("text", ["fe80::1%eth0", "[fe80::1%eth0]", "[fe80::1%25eth0]", "FE80:0::1%eth0"])
def test_an_address_with_a_zone_is_kept_and_doubted(text: str) -> None:
    host = host_of(text)
    assert (host.address, host.in_url) == ("fe80::1%eth0", "[fe80::1%25eth0]")
    assert "zone" in host.doubt


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "[::]", "0:0::0", "224.0.0.1", "ff02::1", "255.255.255.255"])
def test_an_address_that_others_cannot_call_is_a_warning(text: str) -> None:
    (finding,) = address_findings(Key("shop", "v1"), text, FileOrigin("f"))
    assert (finding.rule, finding.severity, finding.service, finding.version) == (
        "address-unusable",
        "warning",
        "shop",
        "v1",
    )


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "169.254.0.1", "fe80::1", "10.0.0.255", "localhost"])
def test_a_loopback_or_private_address_is_not_a_finding(text: str) -> None:
    assert address_findings(Key("shop", None), text, FileOrigin("f")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a host name"),
        (".", "not a host name"),
        ("a..b", "not a host name"),
        (".a", "not a host name"),
        ("a..", "not a host name"),
        ("-a", "not a host name"),
        ("a-.example", "not a host name"),
        ("a.-", "not a host name"),
        (f"{'a' * 64}.example", "63 characters"),
        (".".join([LABEL_63] * 3 + ["a" * 62]), "253 characters"),
        ("a." * 200, "253 characters"),
        (" 10.0.0.7 ", "spaces around it"),
        ("10.0.0.7\n", "spaces around it"),
        ("\xa010.0.0.7", "spaces around it"),
        ("   ", "spaces around it"),
        ("10.0.0.7 10.0.0.8", "has ` ` in it"),
        ("10.0.0.7\x00", "control character"),
        ("10.0.\x1b[31m0.7", "control character"),
        ("a\tb", "control character"),
        ("http://10.0.0.7", "is a URL"),
        ("HTTP://api.example/x", "is a URL"),
        ("tcp://10.0.0.7:80", "is a URL"),
        ("unix:///run/x.sock", "is a URL"),
        ("http://[", "is a URL"),
        ("/run/x.sock", "is a path"),
        ("//10.0.0.7", "is a path"),
        ("10.0.0.0/8", "a path in it"),
        ("api.example/v1", "a path in it"),
        ("fd00::/64", "a path in it"),
        ("user@api.example", "a user in it"),
        ("10.0.0.7:8080", "a port in it"),
        ("api.example:80", "a port in it"),
        ("[fd00::7]:8080", "a port in it"),
        ("localhost:99999", "a port in it"),
        ("fd00::g", "not an IPv6 address"),
        ("1:2", "not an IPv6 address"),
        (":80", "not an IPv6 address"),
        ("[10.0.0.1]", "not an IPv6 address"),
        ("[api.example]", "not an IPv6 address"),
        ("[fd00::7", "not an IPv6 address"),
        ("fd00::7]", "not an IPv6 address"),
        ("[[fd00::7]]", "not an IPv6 address"),
        ("[]", "not an IPv6 address"),
        ("fe80::1%", "not an IPv6 address"),
        ("fe80::1%e th", "not an IPv6 address"),
        ("fe80::1%a%b", "not an IPv6 address"),
        ("010.0.0.1", "not a valid IPv4 address"),
        ("256.1.1.1", "not a valid IPv4 address"),
        ("1.2.3", "not a valid IPv4 address"),
        ("127.1", "not a valid IPv4 address"),
        ("1.2.3.4.5", "not a valid IPv4 address"),
        ("2130706433", "not a valid IPv4 address"),
        ("0x7f.1", "not a valid IPv4 address"),
        ("0x7f000001", "not a valid IPv4 address"),
        ("10.0.0.1.", "not a valid IPv4 address"),
        ("api.1", "not a valid IPv4 address"),
        ("10.0.0.1,10.0.0.2", "has `,` in it"),
        ("a;b", "has `;` in it"),
        ("a%2fb", "has `%` in it"),
        ("*.example", "has `*` in it"),
        ("${attr.unique.network.ip-address}", "has `$` in it"),
        ("{{ GetPrivateIP }}", "has `{` in it"),
        ("a?b", "has `?` in it"),
        ("a#b", "has `#` in it"),
        ("a\\b", "has `\\` in it"),
        ("bücher.example", "non-ASCII"),
        ("\u0661.2.3.4", "non-ASCII"),
        ("a\u200bb", "non-ASCII"),
        ("\ud800", "non-ASCII"),
    ],
)
def test_an_invalid_address_is_refused_with_the_reason_and_a_help_line(text: str, problem: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        host_of(text)
    assert problem in caught.value.message
    (finding,) = address_findings(Key("shop", None), text, FileOrigin("f", 2, 3))
    assert (finding.rule, finding.severity, finding.origin) == ("address-invalid", "error", FileOrigin("f", 2, 3))
    assert finding.help
    assert "`address-invalid`" in finding.help


@pytest.mark.parametrize(
    ("text", "help_text"),
    [
        ("http://10.0.0.7", "register `10.0.0.7`;"),
        ("https://api.example:8443/v1", "register `api.example`;"),
        ("10.0.0.7:8080", "register `10.0.0.7` as the address and 8080 as the port;"),
        ("[FD00::7]:8080", "register `fd00::7` as the address and 8080 as the port;"),
        (" 10.0.0.7 ", "register `10.0.0.7`;"),
        (" a b ", "remove the spaces;"),
    ],
)
def test_the_help_names_the_address_that_was_meant(text: str, help_text: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        host_of(text)
    assert caught.value.help.startswith(help_text)


@given(st.ip_addresses(v=6))
@example(IPv6Address("::10.0.0.1"))
@example(IPv6Address("2001:db8:0:1:1:1:1:1"))
def test_every_spelling_of_an_ipv6_address_gives_the_same_host(address: IPv6Address) -> None:
    host = host_of(str(address))
    assert IPv6Address(host.address) == address
    assert host_of(address.exploded) == host_of(f"[{address}]".upper()) == host_of(host.address) == host


@given(st.ip_addresses(v=4))
@example(IPv4Address("223.255.255.255"))
@example(IPv4Address("0.0.0.1"))
@example(IPv4Address("240.0.0.1"))
def test_any_ipv4_address_keeps_its_spelling_and_is_doubted_unless_it_belongs_to_one_host(address: IPv4Address) -> None:
    host = host_of(str(address))
    assert host[:2] == (str(address), str(address))
    assert bool(host.doubt) == (address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255")


@given(st.text() | st.text("0123456789abcdefx.:[]%-_@/ \0", max_size=20))
def test_any_text_is_the_host_of_a_url_or_is_refused(text: str) -> None:
    try:
        host = host_of(text)
    except InvalidAddress as invalid:
        assert len(invalid.help) < 400
        return
    parts = urlsplit(f"http://{host.in_url}:80/x")
    assert (parts.port, parts.path, parts.username, parts.query, parts.fragment) == (80, "/x", None, "", "")
    assert parts.hostname == host.address.lower().replace("%", "%25")
    assert host_of(host.address) == host
