from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.config import urls
from frostline.config.cursor import Cursor

On = Callable[[str], Cursor]
KNOWN = {"scheme": False, "address": False, "port": False}


@pytest.mark.parametrize("url", ["https://h", "http://[fe80::1%25eth0]:80/a?b#c", "tcp://h", "HTTP://H:65535"])
def test_an_absolute_url_stays_as_written(cursor: On, url: str) -> None:
    assert urls.absolute_url(cursor(f'"{url}"')) == url


@pytest.mark.parametrize("address", ["h:8500", "https://h/prefix", "http://[::1]:8500", "unix:///run/consul.sock"])
def test_an_address_stays_as_written(cursor: On, address: str) -> None:
    assert urls.server_address(cursor(f'"{address}"')) == address


@pytest.mark.parametrize("pattern", ["{scheme}://{address}:{port}", "http://[::1]:{port}/{{}}", "http://h"])
def test_a_pattern_of_urls_stays_as_written(cursor: On, pattern: str) -> None:
    assert urls.url_pattern(cursor(f'"{pattern}"'), KNOWN, "1") == pattern


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("h/a", "the URL has no scheme"),
        ("http:///a", "the URL has no valid host"),
        ("http://a b", "the URL has a character that URLs cannot have"),
        ("http://h:0", "the URL has an invalid host or port"),
        ("http://[::1", "the URL has an invalid host or port"),
        ("http://[fe80::1%25]:80%25", "the URL has an invalid host or port"),
        ("http://me:hunter2@h", "the URL has a user or a password"),
    ],
)
def test_a_wrong_url_is_refused_and_not_quoted(cursor: On, url: str, said: str) -> None:
    place = cursor(f'"{url}"')
    assert urls.absolute_url(place) is None
    (error,) = place.state.errors
    assert error.message == said
    assert url not in f"{error.message} {error.help}"


@pytest.mark.parametrize("url", ["http://[::g]", "http://[fe80::1%25a%25b]", "http://[::1]x", "http://[::1]x:80"])
def test_an_invalid_ipv6_address_is_refused_with_or_without_a_zone(cursor: On, url: str) -> None:
    place = cursor(f'"{url}"')
    assert urls.absolute_url(place) is None
    assert len(place.state.errors) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ftp://h", "`key` has a scheme that is neither http, https nor unix"),
        ("http://h?x=1", "`key` is not an address"),
        ("unix://run/x", "the path of a unix socket must be absolute"),
        ("h:99999", "the URL has an invalid host or port"),
    ],
)
def test_a_wrong_address_is_refused(cursor: On, address: str, said: str) -> None:
    place = cursor(f'"{address}"')
    assert urls.server_address(place) is None
    assert [error.message for error in place.state.errors] == [said]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{address}", "`key` has no scheme"),
        ("http://u@{address}", "`key` has a user or a password"),
        ("http://:{port}", "`key` has no host"),
        ("http://h:{port}9999999", "`key` has an invalid host or port"),
        ("http://h/ü", "`key` has a character that URLs cannot have"),
    ],
)
def test_a_pattern_that_cannot_make_urls_is_refused(cursor: On, pattern: str, said: str) -> None:
    place = cursor(f'"{pattern}"')
    assert urls.url_pattern(place, KNOWN, "1") is None
    assert [error.message for error in place.state.errors] == [said]
