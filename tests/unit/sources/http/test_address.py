from __future__ import annotations

import pytest

from frostline.errors import UsageError
from frostline.model import FileOrigin
from frostline.sources.http.address import Address, consul_address, nomad_address, parse_address

PLACE = FileOrigin("frostline.yaml", 3, 3)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8500", Address(scheme="http", host="127.0.0.1", port=8500)),
        ("127.0.0.1:8500", Address(scheme="http", host="127.0.0.1", port=8500)),
        ("localhost:8500", Address(scheme="http", host="localhost", port=8500)),
        ("consul.example", Address(scheme="http", host="consul.example", port=80)),
        ("https://consul.example", Address(scheme="https", host="consul.example", port=443)),
        ("HTTPS://Consul.Example:8501/", Address(scheme="https", host="consul.example", port=8501)),
        ("http://[::1]:8500", Address(scheme="http", host="::1", port=8500)),
        ("[::1]:8500", Address(scheme="http", host="::1", port=8500)),
        ("http://h:1/a/b/", Address(scheme="http", host="h", port=1, prefix="/a/b")),
        ("unix:///run/consul.sock", Address(scheme="unix", socket="/run/consul.sock")),
        ("http://bücher.example", Address(scheme="http", host="xn--bcher-kva.example", port=80)),
        ("http://[fe80::1%25eth0]:1", Address(scheme="http", host="fe80::1%eth0", port=1)),
        ("http://[fe80::1%eth0]:1", Address(scheme="http", host="fe80::1%eth0", port=1)),
        ("unix:///a b", Address(scheme="unix", socket="/a b")),
    ],
)
def test_an_address_is_read_in_each_form_that_consul_takes(text: str, address: Address):
    assert parse_address(text, "address", PLACE) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://host",
        "http://host:99999",
        "http://host:x",
        "http://host:0",
        "http://[::1",
        "http://ho st",
        "http://host\r\nX: y",
        "http://host/\x7f",
        "http://host/é",
        "http://host?x",
        "http://host#x",
        f"http://{'a' * 64}.example",
        "unix://run/consul.sock",
        "unix:///a\0b",
        "http://host/v1",
        "host:8500/a/v1//",
        "${CONSUL_HTTP_ADDR}",
    ],
)
def test_an_invalid_address_is_a_usage_error_that_names_the_key(text: str):
    with pytest.raises(UsageError, match="^address: ") as caught:
        parse_address(text, "address", PLACE)
    assert caught.value.origin == PLACE
    assert caught.value.help


@pytest.mark.parametrize(
    "text",
    [
        *("http://me:hunter2@host", "//me:hunter2@host:1", "https:///me:hunter2@host", "http://host?token=hunter2"),
        *(
            "http://host#hunter2",
            "me%3Ahunter2%40host",
            "http://me%3Ahunter2%40host:1",
            "hunter2://host",
            "me:hunter2@host",
        ),
        *(
            "http://host:hunter2",
            "http://[hunter2",
            "http://[::1%25hunter2@x]",
            "http://host\nhunter2",
            "unix://hunter2",
        ),
        *(
            "http://hunter2@",
            "http:/me:hunter2@host",
            "http:me:hunter2@host",
            "http://host/v1?hunter2",
            "http://hunter2/é",
        ),
    ],
)
@pytest.mark.parametrize("key", ["address", "$CONSUL_HTTP_ADDR", "$NOMAD_ADDR"])
def test_no_message_quotes_an_invalid_address(text: str, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text, key, PLACE)
    assert "hunter2" not in f"{caught.value} {caught.value.message} {caught.value.help}"


@pytest.mark.parametrize(
    ("environment", "scheme", "host", "port"),
    [
        ({}, "http", "127.0.0.1", 8500),
        ({"CONSUL_HTTP_ADDR": ""}, "http", "127.0.0.1", 8500),
        ({"CONSUL_HTTP_ADDR": "there:1"}, "http", "there", 1),
        ({"CONSUL_HTTP_ADDR": "there:1", "CONSUL_HTTP_SSL": "true"}, "https", "there", 1),
        ({"CONSUL_HTTP_ADDR": "http://there:1", "CONSUL_HTTP_SSL": "1"}, "https", "there", 1),
        ({"CONSUL_HTTP_ADDR": "https://there:1", "CONSUL_HTTP_SSL": "true"}, "https", "there", 1),
        ({"CONSUL_HTTP_ADDR": "there:1", "CONSUL_HTTP_SSL": "false"}, "http", "there", 1),
        ({"CONSUL_HTTP_SSL": "true"}, "https", "127.0.0.1", 8500),
        ({"CONSUL_HTTP_ADDR": "unix:///s", "CONSUL_HTTP_SSL": "true"}, "unix", "localhost", 0),
    ],
)
def test_the_environment_names_the_agent_where_the_configuration_does_not(environment, scheme, host, port):
    address = consul_address(None, environment, PLACE)
    assert (address.scheme, address.host, address.port) == (scheme, host, port)


def test_a_configured_address_wins_over_the_environment():
    environment = {"CONSUL_HTTP_ADDR": "there:1", "CONSUL_HTTP_SSL": "true"}
    assert consul_address("here:2", environment, PLACE) == Address(scheme="http", host="here", port=2)


def test_a_wrong_address_of_the_environment_is_named_so():
    with pytest.raises(UsageError, match=r"^\$CONSUL_HTTP_ADDR: "):
        consul_address(None, {"CONSUL_HTTP_ADDR": "ftp://x"}, PLACE)
    with pytest.raises(UsageError, match=r"^\$CONSUL_HTTP_ADDR: "):
        consul_address(None, {"CONSUL_HTTP_ADDR": "ftp://x", "CONSUL_HTTP_SSL": "true"}, PLACE)


def test_the_address_is_the_configured_one_or_from_the_environment_or_the_default() -> None:
    environment = {"NOMAD_ADDR": "https://nomad.example:4646"}
    assert nomad_address("http://h:1", environment, PLACE) == Address(scheme="http", host="h", port=1)
    assert nomad_address(None, environment, PLACE) == Address(scheme="https", host="nomad.example", port=4646)
    assert nomad_address(None, {"NOMAD_ADDR": ""}, PLACE) == Address(scheme="http", host="127.0.0.1", port=4646)
    with pytest.raises(UsageError, match=r"^\$NOMAD_ADDR: "):
        nomad_address(None, {"NOMAD_ADDR": "ftp://h"}, PLACE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://h:85000", "its port is not a number from 1 to 65535"),
        ("http://h:x", "its port is not a number from 1 to 65535"),
        ("http://h:0", "its port is not a number from 1 to 65535"),
        ("http:/h", "its scheme needs :// after it"),
        ("ftp://h", "its scheme is neither http, https nor unix"),
        ("http://", "it has no valid host"),
        ("fd00::1", "it has no valid host; an IPv6 address needs brackets"),
        ("h?x=1", "it has a query or a fragment"),
        ("h:8500/v1", "it ends with /v1, the path of the API"),
        ("http://a b", "it has spaces or control characters"),
    ],
)
def test_what_is_wrong_with_an_address_of_the_environment_is_said_without_it(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        consul_address(None, {"CONSUL_HTTP_ADDR": text}, PLACE)
    assert caught.value.message.startswith(f"$CONSUL_HTTP_ADDR: {said}")
    assert caught.value.help
