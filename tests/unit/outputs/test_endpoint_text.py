"""Endpoints written directly: the same text as the format's own writer gives."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from frostline.endpoint_runs import runs_of
from frostline.model import Endpoint, Entry
from frostline.outputs.documents import Document
from frostline.outputs.endpoint_text import Endpoints
from frostline.outputs.hiera_data import escape_interpolation
from frostline.outputs.values import OPTIONAL_FIELDS, endpoint_values
from frostline.text import escape_json

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["%{x}", "a%", "{", '"', "<<"])
ENDPOINTS = st.builds(
    Endpoint,
    url=TEXT,
    address=TEXT,
    port=st.integers(0, 65535),
    source=TEXT,
    datacenter=TEXT,
    namespace=TEXT,
    node=TEXT,
    id=TEXT,
    tags=st.lists(TEXT, max_size=3).map(tuple),
    meta=st.dictionaries(TEXT, TEXT, max_size=3),
    weight=st.integers(0, 2**31),
)
FIELDS = st.sets(st.sampled_from(OPTIONAL_FIELDS)).map(tuple)


def text(value: object, kind: str) -> str:
    return b"".join(Document(lambda: iter([("endpoints", value)]), kind)).decode()


@given(st.lists(ENDPOINTS, min_size=1, max_size=4), FIELDS, st.sampled_from(["yaml", "json"]))
def test_endpoints_are_written_as_their_values_would_be(items: list[Endpoint], fields: tuple[str, ...], kind: str):
    entry = Entry(url=None, endpoints=tuple(items), sources=())
    values = endpoint_values(entry, fields)
    direct = Endpoints(runs_of(entry), fields)
    assert text(direct, kind) == text(values, kind)
    assert text(escape_interpolation(direct), kind) == text(escape_interpolation(values), kind)


@given(TEXT)
def test_a_string_is_written_as_json_has_it(value: str):
    written = msgspec.json.encode({"endpoints": value}).decode()
    assert msgspec.json.decode(text(value, "json")) == {"endpoints": value}
    assert text(value, "json").split(": ", 1)[1].rstrip("\n}") == escape_json(written).split(":", 1)[1].rstrip("}")
