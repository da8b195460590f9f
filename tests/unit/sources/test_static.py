from __future__ import annotations

import pytest

from frostline.model import FileOrigin
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


def test_a_source_without_services_brings_nothing() -> None:
    assert contribute(StaticSettings(name="s", origin=PLACE), {}).endpoints == {}
