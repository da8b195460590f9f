from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from http_server import Server, answer
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from frostline.errors import SourceError, UsageError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits, Tls
from frostline.sources.consul.client import CONSUL as CONSUL_API
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.http import session as session_module
from frostline.sources.http.address import Address
from frostline.sources.http.session import (
    SMALL,
    Api,
    Indexed,
    MalformedBody,
    Session,
    decode_json,
    is_addressable,
    open_session,
    segment_path,
    with_query,
)
from frostline.sources.http.transport import Transport
from frostline.sources.nomad.client import NOMAD as NOMAD_API

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
def test_a_query_holds_any_name_and_value(parameters: list[tuple[str, str]]) -> None:
    target = with_query("/v1/jobs", tuple(parameters))
    assert target.isascii()
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True) == parameters


@given(st.binary())
def test_any_body_is_a_value_of_the_type_or_malformed(body: bytes) -> None:
    try:
        assert all(isinstance(name, str) for name in decode_json(body, list[str]))
    except MalformedBody as malformed:
        assert str(malformed)


def test_a_body_that_is_nested_too_deeply_is_malformed() -> None:
    with pytest.raises(MalformedBody, match="nested too deeply"):
        decode_json(b"[" * 100_000 + b"]" * 100_000, object)


@limits(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_name_in_a_path_reads_back_unchanged_and_leads_nowhere_else(name: str):
    path = segment_path("/v1/health/service", name)
    assert path.isascii()
    assert path.count("/") == 4
    assert not set("?# \r\n") & set(path)
    assert unquote(path).removeprefix("/v1/health/service/") == name


@pytest.mark.parametrize("name", ["web", "a.b", "...", "a b", "%2e%2e", "é", "a/b", "😀"])
def test_a_plain_name_is_addressable(name: str):
    assert is_addressable(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "./a", "a/.", "a//b", "/a", "a/", "a\nb", "\x00", "\u200b"])
def test_a_name_that_go_would_clean_or_refuse_is_not_addressable(name: str):
    assert not is_addressable(name)


PLACE = FileOrigin("frostline.yaml", 3, 3)
CONSUL = Api(product="Consul", address_variable="A")
NOMAD = Api(product="Nomad", address_variable="A", rights_help="give it rights")


def session_with(server: Server, api: Api, max_stale: float | None = None) -> Session:
    return Session(
        Transport("mesh", PLACE, server.address, LiveLimits(retries=0), token_header="X-Consul-Token"),
        api,
        max_stale=max_stale,
    )


def replying(product: str, body: bytes = b"[]", **changed: str | None) -> bytes:
    """Make an answer with the headers that prove it. None leaves a header out."""
    known = {"KnownLeader": "true", "LastContact": "0", "Index": "7"} | changed
    headers = [f"X-{product}-{name}: {value}" for name, value in known.items() if value is not None]
    return answer("200 OK", body, *headers)


def read(server: Server, api: Api, max_stale: float | None = None) -> Indexed:
    with session_with(server, api, max_stale) as session:

        async def request() -> Indexed:
            return session.decode_indexed("/v1/x", await session.get("/v1/x"), list[str])

        return session.run(request())


@pytest.mark.parametrize("api", [CONSUL, NOMAD])
def test_an_answer_comes_with_its_index(serve: Callable[..., Server], api: Api) -> None:
    assert read(serve(replying(api.product, b'["web"]')), api) == Indexed(["web"], 7)


@pytest.mark.parametrize("api", [CONSUL, NOMAD])
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"KnownLeader": "false"}, "{} has no leader"),
        ({"KnownLeader": None}, "the header X-{}-KnownLeader is missing"),
        ({"LastContact": "1"}, "the answer is 1 ms old, and the leader itself should answer"),
        ({"LastContact": None}, "the header X-{}-LastContact is missing"),
        ({"LastContact": "-1"}, "the header X-{}-LastContact is not a number: '-1'"),
        ({"LastContact": "²"}, "the header X-{}-LastContact is not a number: "),
        ({"Index": "1_0"}, "the header X-{}-Index is not a number: '1_0'"),
        ({"Index": "9" * 21}, "the header X-{}-Index is not a number: '999"),
        ({"Index": "0"}, "the header X-{}-Index is 0"),
    ],
)
def test_headers_that_prove_nothing_are_refused(
    serve: Callable[..., Server], api: Api, changed: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read(serve(replying(api.product, **changed)), api)
    assert caught.value.message.startswith("source mesh: GET /v1/x at http://127.0.0.1:")
    assert f": {reason.format(api.product)}" in caught.value.message
    assert caught.value.help


def test_an_answer_may_be_as_old_as_max_stale_and_no_older(serve: Callable[..., Server]) -> None:
    assert read(serve(replying("Consul", LastContact="1500")), CONSUL, 1.5).index == 7
    with pytest.raises(SourceError, match="the answer is 1501 ms old, and max_stale is 1.5 s"):
        read(serve(replying("Consul", LastContact="1501")), CONSUL, 1.5)


@pytest.mark.parametrize("reply", [answer("403 Forbidden", b"no"), replying("Nomad", Index="0")])
def test_a_token_without_rights_is_refused_with_the_rights_it_needs(serve: Callable[..., Server], reply: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        read(serve(reply), NOMAD)
    assert caught.value.help == "give it rights"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"a": "b"}', b"[7]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_what_was_expected_is_refused(serve: Callable[..., Server], body: bytes) -> None:
    with pytest.raises(SourceError, match="GET /v1/x at .*: not the JSON expected from Consul: ."):
        read(serve(replying("Consul", body)), CONSUL)


def test_tls_settings_need_an_address_with_tls() -> None:
    settings = ConsulSettings(name="mesh", origin=PLACE, tls=Tls(verify=False))
    with pytest.raises(UsageError, match="`tls` is set, but the address does not use TLS"):
        open_session(settings, Address(scheme="http", host="h", port=1), CONSUL)


@pytest.mark.parametrize("answered", [b"x" * (SMALL + 1), b"[" + b"[]," * (SMALL // 3 + 1) + b"[]]"])
def test_an_answer_that_does_not_grow_with_the_catalog_has_a_small_limit(
    serve: Callable[..., Server], answered: bytes
) -> None:
    api = Api(product="Consul", address_variable="A", small=("/v1/x",))
    with pytest.raises(SourceError, match="the answer is larger than 4 MiB or endless"):
        read(serve(replying("Consul", answered)), api)


@pytest.mark.parametrize(
    ("api", "targets"),
    [
        (
            CONSUL_API,
            [
                *("/v1/agent/self", "/v1/status/leader", "/v1/acl/token/self", "/v1/catalog/datacenters?stale="),
                "/v1/catalog/services?node-meta=frostline-none%3Anone&consistent=",
                with_query("/v1/catalog/nodes", (("filter", 'Node==""'), ("dc", "dc1"))),
                with_query("/v1/health/state/any", (("dc", "dc1"), ("filter", 'Node==""'))),
                "/v1/peering/west",
            ],
        ),
        (
            NOMAD_API,
            [
                *("/v1/agent/self", "/v1/regions", "/v1/client/allocation/a-b/checks?region=global"),
                *("/v1/jobs?prefix=frostline-none&per_page=1", "/v1/jobs?namespace=a&per_page=1"),
            ],
        ),
    ],
    ids=["Consul", "Nomad"],
)
def test_these_answers_do_not_grow_with_the_catalog(serve: Callable[..., Server], api: Api, targets: list[str]) -> None:
    with session_with(serve(), api) as session:
        assert {target: session._largest(target) for target in targets} == dict.fromkeys(targets, SMALL)
        lists = ["/v1/jobs?per_page=1000&region=global", "/v1/jobs?per_page=1000", "/v1/services", "/v1/job/a"]
        lists += ["/v1/catalog/services", "/v1/health/service/frostline-none?passing=", "/v1/health/state/any?dc=dc1"]
        lists += ["/v1/health/state/any?filter=Status%21%3D%22passing%22", "/v1/peerings", "/v1/internal/ui/nodes"]
        assert {target: session._largest(target) for target in lists} == dict.fromkeys(lists)


def test_a_list_may_be_larger(serve: Callable[..., Server]) -> None:
    names = b"[" + b'"web",' * (SMALL // 6 + 1) + b'"web"]'
    assert len(read(serve(replying("Consul", names)), CONSUL).value) == SMALL // 6 + 2


def test_an_answer_too_large_for_the_memory_says_so(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(body: bytes, kind: object) -> None:
        raise MemoryError

    monkeypatch.setattr(session_module, "decode_json", decode)
    with pytest.raises(SourceError, match="the answer of 0 MiB needs more memory than there is"):
        read(serve(replying("Consul")), CONSUL)
