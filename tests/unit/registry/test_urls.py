"""URLs of instances: made from a pattern, and nothing that an instance registers becomes structure in them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Finding, Instance, InstanceOrigin, Key
from frostline.registry.url_values import UrlError, encode_reserved, encode_url_part
from frostline.registry.urls import UrlMaker, plain_end
from frostline.settings import Naming, SchemeRule

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


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=80)
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


@settings(max_examples=80, deadline=None)
@given(st.text("\0\n\x85\u2028\ufeff😀é\"'\\%{}$:;/.#[]?@~ -_aA1", max_size=40) | st.text(max_size=40))
def test_a_value_in_a_url_decodes_to_what_it_was(text: str) -> None:
    assert unquote(encode_url_part(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", encode_url_part(text))


@pytest.mark.parametrize(
    ("pattern", "path", "url"),
    [
        # One slash on each side, however the value is registered.
        ("http://{address}:{port}{+meta[p]}", "/datagate/api/", "http://10.0.0.1:8080/datagate/api/"),
        ("http://{address}:{port}{+meta[p]}", "datagate/api", "http://10.0.0.1:8080/datagate/api"),
        ("http://{address}:{port}/{+meta[p]}", "/datagate/api/", "http://10.0.0.1:8080/datagate/api/"),
        ("http://{address}:{port}/{+meta[p]}/{version}", "/datagate/api/", "http://10.0.0.1:8080/datagate/api/v1"),
        ("http://{address}:{port}{+meta[p]}/{version}", "/", "http://10.0.0.1:8080/v1"),
        ("http://{address}:{port}{+meta[p]}", "/", "http://10.0.0.1:8080/"),
        ("http://{address}{+meta[p]}", "/a", "http://10.0.0.1/a"),
        ("http://h.example:80{+meta[p]}", "a", "http://h.example:80/a"),
        ("http://{address}:{port}/x{+meta[p]}", "/a", "http://10.0.0.1:8080/x/a"),
        # Nothing in it becomes host, port, user or scheme.
        ("http://{address}:{port}{+meta[p]}", "//evil.example/x", "http://10.0.0.1:8080/evil.example/x"),
        ("http://{address}:{port}{+meta[p]}", "@evil.example/", "http://10.0.0.1:8080/@evil.example/"),
        ("http://{address}:{port}{+meta[p]}", "80", "http://10.0.0.1:8080/80"),
        ("http://{address}{+meta[p]}", ".evil.example", "http://10.0.0.1/.evil.example"),
        ("http://{address}{+meta[p]}", ":81", "http://10.0.0.1/:81"),
        ("http://{address}:{port}{+meta[p]}", "http://evil.example", "http://10.0.0.1:8080/http://evil.example"),
        ("http://{address}:{port}{+meta[p]}", "\\evil.example", "http://10.0.0.1:8080/%5Cevil.example"),
        # RFC 6570, 3.2.3: reserved characters and encoded ones stay, all others are encoded.
        ("http://{address}:{port}{+meta[p]}", "/a b/é", "http://10.0.0.1:8080/a%20b/%C3%A9"),
        ("http://{address}:{port}{+meta[p]}", "/a%20b%zz%", "http://10.0.0.1:8080/a%20b%25zz%25"),
        ("http://{address}:{port}{+meta[p]}", "/a;b=c,d&e+f", "http://10.0.0.1:8080/a;b=c,d&e+f"),
        ("http://{address}:{port}{+meta[p]}", "/a?x=/1#f", "http://10.0.0.1:8080/a?x=/1#f"),
        ("http://{address}:{port}/x?next={+meta[p]}", "/a?b/", "http://10.0.0.1:8080/x?next=/a?b/"),
        ("http://{address}:{port}{+meta[p]}", "\n\x00\u202e", "http://10.0.0.1:8080/%0A%00%E2%80%AE"),
        # Without +, slashes are part of one segment.
        ("http://{address}:{port}/{meta[p]}", "/a/", "http://10.0.0.1:8080/%2Fa%2F"),
        ("http://{address}:{port}{meta[p]}", "8/a", "http://10.0.0.1:8080/8%2Fa"),
    ],
)
def test_a_value_that_keeps_its_slashes_stays_in_the_path(pattern: str, path: str, url: str) -> None:
    made = UrlMaker(Naming(url=pattern)).url(KEY, instance(meta={"p": path}), "dc1", "default")
    assert made == url
    made = UrlMaker(Naming(url=pattern.replace("meta[", "tag["))).url(KEY, instance(tags=(f"p={path}",)), "dc1", "d")
    assert made == url


@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        ("http://{address}:{port}/{meta[p]|none}", "http://10.0.0.1:8080/none"),
        ("http://{address}:{port}/{tag[p]|none}/{version}", "http://10.0.0.1:8080/none/v1"),
        ("http://{address}:{port}{meta[p]|/}", "http://10.0.0.1:8080/"),
        ("http://{address}:{port}{+meta[p]|/}", "http://10.0.0.1:8080/"),
        ("http://{address}:{port}/{+meta[p]|/}", "http://10.0.0.1:8080/"),
        ("http://{address}:{port}{+meta[p]|/a/b}/{version}", "http://10.0.0.1:8080/a/b/v1"),
        ("http://{address}:{port}{+meta[p]|}", "http://10.0.0.1:8080"),
        ("http://{address}:{port}{+meta[p]|}/{version}", "http://10.0.0.1:8080/v1"),
        ("http://{address}:{port}{+meta[p]|}{version}", "http://10.0.0.1:8080/v1"),
        ("http://{address}:{port}{+meta[p]|}?x", "http://10.0.0.1:8080?x"),
        ("http://{address}:{meta[p]|9090}", "http://10.0.0.1:9090"),
        ("http://{meta[p]|h.example}:{port}", "http://h.example:8080"),
        ("http://{address}:{port}/{meta[p]|a|b]}", "http://10.0.0.1:8080/a|b]"),
    ],
)
def test_a_default_stands_for_what_an_instance_lacks(pattern: str, url: str) -> None:
    assert UrlMaker(Naming(url=pattern)).url(KEY, instance(), "dc1", "default") == url
    assert UrlMaker(Naming(url=pattern)).url(KEY, instance(meta={"p": ""}, tags=("p=", "p")), "dc1", "default") == url


@pytest.mark.parametrize(
    ("pattern", "path", "rule"),
    [
        ("http://{address}:{port}{+meta[p]}", "/../admin", "url-dot-segment"),
        ("http://{address}:{port}{+meta[p]}", "..", "url-dot-segment"),
        ("http://{address}:{port}{+meta[p]}", "/a/%2e%2E/b", "url-dot-segment"),
        ("http://{address}:{port}{+meta[p]}", "/a/.%2e", "url-dot-segment"),
        ("http://{address}:{port}{+meta[p]}", "/%2e", "url-dot-segment"),
        ("http://{address}:{port}{+meta[p]}/{version}", "/a?x", "url-value"),
        ("http://{address}:{port}{+meta[p]}/{version}", "/a#x", "url-value"),
        ("http://{address}:{port}/x?a={+meta[p]}&b=1", "#x", "url-value"),
        ("http://{address}:{port}{+meta[p]}", "", "meta-missing"),
        ("http://{meta[p]}:{port}", "a b", "address-invalid"),
        ("http://{meta[p]}:{port}", "a/b", "address-invalid"),
        ("http://{meta[p]}:{port}", "user@h", "address-invalid"),
        ("http://{meta[p]}:{port}", "h:81", "address-invalid"),
        ("http://{meta[p]}.example:{port}", "-", "address-invalid"),
        ("http://{address}{meta[p]}:{port}", ".1", "address-invalid"),
    ],
)
def test_a_value_that_would_call_another_place_is_a_finding(pattern: str, path: str, rule: str) -> None:
    with pytest.raises(UrlError) as caught:
        UrlMaker(Naming(url=pattern)).url(KEY, instance(meta={"p": path}), "dc1", "default")
    assert caught.value.rule.name == rule
    assert caught.value.finding(KEY, ORIGIN).help


@settings(deadline=None, max_examples=120)
@given(
    st.sampled_from(["{+meta[k]}", "/{+meta[k]}", "/x{+meta[k]}", "/x/{+meta[k]}", "{+meta[k]|}", "{+meta[k]}/end"]),
    st.text(min_size=1) | st.text("/.:@%2eE?#[]\\ a", min_size=1, max_size=12),
)
def test_no_value_that_keeps_its_slashes_changes_scheme_or_host(pattern: str, value: str) -> None:
    for host in ("h.example:1", "{address}:{port}", "{address}"):
        naming = Naming(url=f"https://{host}{pattern}")
        try:
            url = UrlMaker(naming).url(KEY, instance(meta={"k": value}), "d", "n")
        except UrlError as error:
            assert error.rule.name in ("url-dot-segment", "url-value")
            continue
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("https", host.format(address="10.0.0.1", port=8080))
        assert not parts.path.startswith("//")


@given(st.text())
def test_a_value_that_keeps_its_slashes_is_encoded_once(text: str) -> None:
    encoded = encode_reserved(text)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", encoded)
    assert encode_reserved(encoded) == encoded


PROTOCOL = SchemeRule(meta="protocol")
SECURE = SchemeRule(meta="secure", equals="true", scheme="https")
TAGGED = SchemeRule(tag="tls", scheme="https")
GRPC = SchemeRule(scheme="grpc")


@pytest.mark.parametrize(
    ("rules", "fields", "scheme"),
    [
        ((PROTOCOL, GRPC), {"meta": {"protocol": "https"}}, "https"),
        ((PROTOCOL, GRPC), {"meta": {"scheme": "https"}}, "grpc"),
        ((PROTOCOL, GRPC), {"meta": {"protocol": ""}}, "grpc"),
        ((PROTOCOL, GRPC), {"meta": {"Protocol": "https"}}, "grpc"),
        ((SECURE, GRPC), {"meta": {"secure": "true"}}, "https"),
        ((SECURE, GRPC), {"meta": {"secure": "True"}}, "grpc"),
        ((SECURE, GRPC), {}, "grpc"),
        ((SchemeRule(meta="secure", equals="", scheme="https"), GRPC), {"meta": {"secure": ""}}, "https"),
        ((SchemeRule(meta="secure", equals="", scheme="https"), GRPC), {}, "grpc"),
        ((TAGGED, GRPC), {"tags": ("api", "tls")}, "https"),
        ((TAGGED, GRPC), {"tags": ("tls=1", "TLS")}, "grpc"),
        ((SECURE, PROTOCOL, GRPC), {"meta": {"protocol": "ws", "secure": "true"}}, "https"),
        ((PROTOCOL, SECURE, GRPC), {"meta": {"protocol": "ws", "secure": "true"}}, "ws"),
        ((GRPC,), {"meta": {"scheme": "https"}}, "grpc"),
    ],
)
def test_the_first_rule_that_applies_gives_the_scheme(
    rules: tuple[SchemeRule, ...], fields: dict[str, object], scheme: str
) -> None:
    maker = UrlMaker(Naming(scheme=rules))
    assert maker.url(KEY, instance(**fields), "dc1", "default") == f"{scheme}://10.0.0.1:8080/v1"
    assert plain_end(maker.filled(KEY, "dc1", "default")) is None


@pytest.mark.parametrize(
    ("rules", "fields", "rule"),
    [
        ((PROTOCOL,), {}, "scheme-missing"),
        ((SECURE, TAGGED), {"meta": {"secure": "false"}}, "scheme-missing"),
        ((PROTOCOL, GRPC), {"meta": {"protocol": "java script"}}, "scheme-invalid"),
        ((PROTOCOL, GRPC), {"meta": {"protocol": "https://evil.example/"}}, "scheme-invalid"),
        ((PROTOCOL, GRPC), {"meta": {"protocol": "9p"}}, "scheme-invalid"),
    ],
)
def test_an_instance_without_a_scheme_is_a_finding(
    rules: tuple[SchemeRule, ...], fields: dict[str, object], rule: str
) -> None:
    with pytest.raises(UrlError) as caught:
        UrlMaker(Naming(scheme=rules)).url(KEY, instance(**fields), "dc1", "default")
    assert caught.value.rule.name == rule


def test_a_scheme_that_the_pattern_does_not_ask_for_is_not_judged() -> None:
    naming = Naming(url="http://{address}:{port}", scheme=(PROTOCOL,))
    assert UrlMaker(naming).url(KEY, instance(), "dc1", "default") == "http://10.0.0.1:8080"


@pytest.mark.parametrize(
    "scheme",
    [
        "javascript",
        "JavaScript",
        "data",
        "file",
        "vbscript",
        "view-source",
        "jar",
        "about",
        "blob",
        "h",
        "php",
        "mailto",
    ],
)
def test_a_registered_scheme_that_no_service_usually_has_is_a_finding(scheme: str) -> None:
    instance = Instance(service="s", address="10.0.0.1", port=1, meta={"scheme": scheme})
    with pytest.raises(UrlError) as caught:
        UrlMaker(Naming()).url(Key("s", None), instance, "dc1", "")
    assert caught.value.rule.name == "scheme-unknown"


@pytest.mark.parametrize(
    ("naming", "scheme"),
    [
        (Naming(), "grpc"),
        (Naming(), "HTTPS"),
        (Naming(), "postgres"),
        (Naming(schemes=("coap",)), "CoAP"),
        (Naming(scheme=(SchemeRule(meta="scheme"), SchemeRule(scheme="coap"))), "coap"),
    ],
)
def test_usual_schemes_and_those_that_the_configuration_names_are_taken(naming: Naming, scheme: str) -> None:
    instance = Instance(service="s", address="10.0.0.1", port=1, meta={"scheme": scheme})
    assert UrlMaker(naming).url(Key("s", None), instance, "dc1", "") == f"{scheme}://10.0.0.1:1"
