from __future__ import annotations

import pytest

from frostline.model import FileOrigin, NamedAuth
from frostline.sources.static import StaticService, StaticSettings, contribute, host_and_port

PLACE = FileOrigin("frostline.yaml", 3, 5)


def place(line: int) -> FileOrigin:
    return FileOrigin("frostline.yaml", line, 7)


def test_a_url_becomes_an_endpoint_with_its_place() -> None:
    service = StaticService(service="sendgrid", version="v3", url="https://api.example/v3", origin=place(4))
    found = contribute(StaticSettings(name="partners", origin=PLACE, services=(service,)), {})
    (endpoint,) = found.endpoints["sendgrid", "v3"]
    assert (endpoint.url, endpoint.address, endpoint.port) == ("https://api.example/v3", "api.example", 443)
    assert (endpoint.source, endpoint.origin, endpoint.datacenter) == ("partners", place(4), "")
    assert found.places == {("sendgrid", "v3"): place(4)}
    assert found.findings == ()


def test_several_urls_of_a_service_are_its_endpoints_in_the_order_written() -> None:
    services = tuple(
        StaticService(service="a", version=None, url=f"http://{host}", origin=place(line))
        for line, host in enumerate(["z", "b", "y"])
    )
    found = contribute(StaticSettings(name="s", origin=PLACE, services=services), {})
    assert [endpoint.address for endpoint in found.endpoints["a", None]] == ["z", "b", "y"]
    assert found.places == {("a", None): place(0)}


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("http://h", "h", 80),
        ("HTTPS://H.Example/", "H.Example", 443),
        ("http://h:8080?x=a:1", "h", 8080),
        ("http://10.0.0.1:1", "10.0.0.1", 1),
        ("http://[::1]", "::1", 80),
        ("http://[fe80::1%25eth0]:8080/v1", "fe80::1%eth0", 8080),
        ("grpc://h", "h", 0),
        ("grpc://h:50051", "h", 50051),
        ("http://%C3%A9/", "%C3%A9", 80),
    ],
)
def test_the_address_and_port_are_those_of_the_url(url: str, address: str, port: int) -> None:
    assert host_and_port(url) == (address, port)


def test_a_service_has_the_authentication_scheme_that_is_written_beside_its_url() -> None:
    auth = NamedAuth(name="hmac", origin=place(5))
    services = tuple(
        StaticService(service="a", version=version, url=url, origin=place(4), auth=auth if version == "v1" else None)
        for version, url in (("v1", "http://x"), ("v1", "http://y"), ("v2", "http://z"))
    )
    found = contribute(StaticSettings(name="s", origin=PLACE, services=services), {})
    assert found.auths == {("a", "v1"): (auth,)}


def test_a_source_without_services_brings_nothing() -> None:
    assert contribute(StaticSettings(name="s", origin=PLACE), {}).endpoints == {}


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("http://256.1.1.1/", ["address-invalid"]),
        ("http://127.1/", ["address-invalid"]),
        ("http://-a.example/", ["address-invalid"]),
        ("http://a~b.example/", ["address-invalid"]),
        ("http://a%20b.example/", ["address-invalid"]),
        (f"http://{'a' * 64}.example/", ["address-invalid"]),
        ("http://0.0.0.0:80/", ["address-unusable"]),
        ("http://[fe80::1%25eth0]/", ["address-unusable"]),
        ("http://my_host.internal./", []),
    ],
)
def test_an_invalid_host_is_a_finding_with_its_place(url: str, rules: list[str]) -> None:
    services = tuple(
        StaticService(service="a", version="v1", url=written, origin=place(4)) for written in (url, "http://h")
    )
    found = contribute(StaticSettings(name="s", origin=PLACE, services=services), {})
    assert [(finding.rule, finding.origin, finding.version) for finding in found.findings] == [
        (rule, place(4), "v1") for rule in rules
    ]
    assert len(found.endpoints["a", "v1"]) == (1 if rules == ["address-invalid"] else 2)


def test_an_ipv6_address_has_one_spelling_and_the_url_stays_as_written() -> None:
    service = StaticService(service="a", version=None, url="http://[FD00:0::7]/", origin=place(4))
    (endpoint,) = contribute(StaticSettings(name="s", origin=PLACE, services=(service,)), {}).endpoints["a", None]
    assert (endpoint.address, endpoint.url) == ("fd00::7", "http://[FD00:0::7]/")
