"""URLs of instances: made from a pattern, and nothing that an instance registers becomes structure in them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Finding, Instance, InstanceOrigin, Key
from frostline.registry.urls import UrlError, UrlMaker, common_urls, encode_url_part, host_of_instance, url_of
from frostline.settings import Naming

KEY = Key("payments", "v1")
ORIGIN = InstanceOrigin("mesh", "dc1", "default", "n1", "p1")


def instance(**fields: object) -> Instance:
    values = {"service": "payments-v1", "node": "n1", "id": "p1", "address": "10.0.0.1", "port": 8080, **fields}
    return Instance(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({}, "http://10.0.0.1:8080/v1"),
        ({"address": "2001:db8::1"}, "http://[2001:db8::1]:8080/v1"),
        ({"address": "fe80::1%eth0"}, "http://[fe80::1%25eth0]:8080/v1"),
        ({"address": "node.example"}, "http://node.example:8080/v1"),
        ({"address": "fd00:0:0::0007"}, "http://[fd00::7]:8080/v1"),
        ({"address": "[fd00::7]"}, "http://[fd00::7]:8080/v1"),
        ({"meta": {"scheme": "https"}}, "https://10.0.0.1:8080/v1"),
    ],
)
def test_the_default_url_of_an_instance(fields: dict[str, object], url: str) -> None:
    assert UrlMaker(Naming()).url(KEY, instance(**fields), "dc1", "default") == url


def test_every_placeholder_is_filled_and_quoted() -> None:
    pattern = "https://{address}:{port}/{service}/{version}/{datacenter}/{namespace}/{node}/{meta[a b]}/{tag[path]}"
    made = UrlMaker(Naming(url=pattern)).url(
        Key("pay/ments", "v 1"),
        instance(node="n?1", meta={"a b": "%41"}, tags=("path=x#y",)),
        "dc&1",
        "n;s",
    )
    assert made == "https://10.0.0.1:8080/pay%2Fments/v%201/dc%261/n%3Bs/n%3F1/%2541/x%23y"


@pytest.mark.parametrize(
    ("pattern", "fields", "rule"),
    [
        ("http://{address}:{port}", {"port": 0}, "port-zero"),
        ("http://{address}:{port}", {"address": ""}, "address-missing"),
        ("http://{address}:{port}", {"address": "evil/@host?#"}, "address-invalid"),
        ("http://{address}:{port}", {"port": -1}, "port-invalid"),
        ("http://{address}/{meta[path]}", {}, "meta-missing"),
        ("http://{address}/{meta[path]}", {"meta": {"path": ""}}, "meta-missing"),
        ("http://{address}/{tag[path]}", {"tags": ("path",)}, "tag-missing"),
        ("{scheme}://{address}", {"meta": {"scheme": "java script"}}, "scheme-invalid"),
        ("http://{address}/{meta[path]}/x", {"meta": {"path": ".."}}, "url-dot-segment"),
        ("http://{address}/{node}", {"node": "."}, "url-dot-segment"),
    ],
)
def test_what_has_no_url_says_which_rule(pattern: str, fields: dict[str, object], rule: str) -> None:
    with pytest.raises(UrlError) as caught:
        UrlMaker(Naming(url=pattern)).url(KEY, instance(**fields), "dc1", "default")
    assert caught.value.rule.name == rule
    assert caught.value.finding(KEY, ORIGIN).help


@pytest.mark.parametrize("sign", "?#")
def test_dots_in_a_query_or_a_fragment_are_no_path_segment(sign: str) -> None:
    naming = Naming(url=f"http://{{address}}{sign}next=/{{meta[path]}}/..")
    made = UrlMaker(naming).url(KEY, instance(meta={"path": ".."}), "dc1", "default")
    assert made == f"http://10.0.0.1{sign}next=/../.."


def test_a_url_that_cannot_be_made_is_a_finding_of_the_instance() -> None:
    with pytest.raises(UrlError) as caught:
        UrlMaker(Naming()).url(KEY, instance(port=0), "dc1", "default")
    assert caught.value.finding(KEY, ORIGIN) == Finding(
        rule="port-zero",
        service="payments",
        version="v1",
        message="it is registered without a port (0), but its URL pattern has {port}",
        origin=ORIGIN,
        help="register its port, write one in the pattern `url`, or leave the service out with `select.services`",
    )


def test_port_zero_is_fine_where_the_pattern_has_no_port() -> None:
    naming = Naming(unversioned_url="https://{service}.example")
    assert UrlMaker(naming).url(Key("shop", None), instance(port=0), "dc1", "default") == "https://shop.example"


@settings(deadline=None, max_examples=200)
@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_value_adds_structure_to_a_url(service: str, node: str, value: str) -> None:
    naming = Naming(url="https://h.example:1/{service}/{node}/{meta[k]}/end")
    try:
        url = UrlMaker(naming).url(Key(service, "v1"), instance(node=node, meta={"k": value}), "d", "n")
    except UrlError as error:
        assert error.rule.name == "url-dot-segment"
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "h.example:1", "", "")
    assert [unquote(segment) for segment in parts.path.split("/")[1:]] == [service, node, value, "end"]


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["10.0.0.1", "::1", "fe80::1%eth0", "a b", ""]),
    st.integers(0, 3),
    st.sampled_from([{}, {"scheme": ""}, {"scheme": "https"}, {"scheme": "java script"}]),
)
def test_a_url_is_its_values_one_after_another_whatever_stands_before_them(
    address: str, port: int, meta: dict[str, str]
) -> None:
    def made(pattern: str) -> str:
        try:
            return UrlMaker(Naming(url=pattern)).url(Key("shop", "v1"), one, "dc1", "default")
        except UrlError as error:
            return f"{error.rule.name}: {error}"

    one = instance(address=address, port=port, meta=meta)
    parts = [made(pattern) for pattern in ("{scheme}", "://", "{address}", ":", "{port}", "/{version}")]
    wrong = [part for part in parts if ": " in part]
    assert made("{scheme}://{address}:{port}/{version}") == (wrong[0] if wrong else "".join(parts))
    assert (
        made("{scheme}://{address}:{port}/{version}")
        == made("{version}{scheme}://{address}:{port}/{version}")[0 if wrong else len("v1") :]
    )


def test_percent_signs_and_braces_of_a_pattern_are_plain_text() -> None:
    url = "{scheme}://{address}:{port}/%41%s/{{x}}/{service}"
    made = UrlMaker(Naming(url=url)).url(Key("a%s{0}", "v1"), instance(), "dc1", "default")
    assert made == "http://10.0.0.1:8080/%41%s/{x}/a%25s%7B0%7D"


@settings(max_examples=200, deadline=None)
@given(st.text("\0\n\x85\u2028\ufeff😀é\"'\\%{}$:;/.#[]?@~ -_aA1", max_size=40) | st.text(max_size=40))
def test_a_value_in_a_url_decodes_to_what_it_was(text: str) -> None:
    assert unquote(encode_url_part(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", encode_url_part(text))


BASE = "{scheme}://{address}:{port}"
INSTANCES = st.builds(
    Instance,
    service=st.just("payments"),
    node=st.just("n1"),
    id=st.just("i"),
    address=st.sampled_from(["10.0.0.1", "::1", "0::1", "0.0.0.0", "..", "a b", ""]),
    port=st.sampled_from([80, 80, 0, -1, 65536]),
    meta=st.sampled_from([{}, {"scheme": "https"}, {"scheme": "no scheme"}]),
)


@given(
    st.sampled_from([BASE, f"{BASE}/{{version}}", f"{BASE}/../x", f"{BASE}/{{node}}", "http://r", "{address}:{port}"]),
    st.lists(INSTANCES, min_size=1, max_size=3),
)
def test_urls_made_together_are_those_made_one_by_one_or_none(pattern: str, instances: list[Instance]) -> None:
    filled = UrlMaker(Naming(url=pattern)).filled(Key("payments", "v1"), "dc1", "default")
    urls = common_urls(filled, instances)
    assert urls is None or urls == [
        (url_of(filled, instance), host_of_instance(instance).address) for instance in instances
    ]


def test_the_urls_of_ordinary_instances_are_made_together() -> None:
    filled = UrlMaker(Naming()).filled(Key("payments", "v1"), "dc1", "default")
    instance = Instance(service="payments-v1", node="n1", id="i", address="10.0.0.1", port=8080)
    assert common_urls(filled, [instance] * 2) == [("http://10.0.0.1:8080/v1", "10.0.0.1")] * 2
