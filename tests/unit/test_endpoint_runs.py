from __future__ import annotations

import pytest

from frostline.endpoint_runs import runs_of
from frostline.model import Endpoint, Entry


def endpoint(url: str, **more: object) -> Endpoint:
    return Endpoint(**{"url": url, "address": "10.0.0.1", "port": 80, "source": "mesh", "datacenter": "dc1"} | more)


def test_runs_keep_the_order_and_split_where_datacenter_weight_tags_or_meta_differ() -> None:
    alike = [endpoint("http://a", tags=("x",), meta={"k": "v"}), endpoint("http://b", tags=("x",), meta={"k": "v"})]
    others = [
        endpoint("http://c", datacenter="dc2", tags=("x",), meta={"k": "v"}),
        endpoint("http://d", datacenter="dc2", weight=2, tags=("x",), meta={"k": "v"}),
        endpoint("http://e", datacenter="dc2", weight=2, tags=("y",), meta={"k": "v"}),
        endpoint("http://f", datacenter="dc2", weight=2, tags=("y",), meta={"k": "w"}),
    ]
    runs = runs_of(Entry(url=None, endpoints=(*alike, *others), sources=()))
    assert [run.endpoints for run in runs] == [tuple(alike), *((other,) for other in others)]
    assert [run.first for run in runs] == [alike[0], *others]


def test_an_entry_without_endpoints_has_no_run() -> None:
    assert runs_of(Entry(url=None, endpoints=(), sources=())) == ()


@pytest.mark.parametrize("text", ['"', "'", "\\", "\n", "\x7f", "é"])
def test_a_run_is_plain_unless_a_url_or_an_address_needs_escapes(text: str) -> None:
    plain = endpoint("http://a")
    for other in (endpoint(f"http://{text}"), endpoint("http://a", address=text)):
        assert [run.is_plain for run in runs_of(Entry(url=None, endpoints=(plain, other), sources=()))] == [False]
    assert [run.is_plain for run in runs_of(Entry(url=None, endpoints=(plain,), sources=()))] == [True]
