"""What all outputs share: digests of their content and the values of the registry's formats."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from frostline.model import Endpoint, Entry, Key, registry_of
from frostline.outputs.base import content_digest, entry_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(['"', "\\", "'", "\x7f", "é"])
ENDPOINTS = st.builds(
    Endpoint,
    url=TEXT,
    address=TEXT,
    port=st.integers(0, 65535),
    source=TEXT,
    datacenter=st.sampled_from(["", "dc1", "dc2"]),
    tags=st.lists(TEXT, max_size=2).map(tuple),
    meta=st.dictionaries(TEXT, TEXT, max_size=2),
    weight=st.integers(0, 3),
)
ENTRIES = st.lists(ENDPOINTS, max_size=4).map(
    lambda endpoints: Entry(url=None, endpoints=tuple(endpoints), sources=("mesh",))
)


@given(st.dictionaries(st.builds(Key, TEXT, st.none() | TEXT), ENTRIES, max_size=3))
def test_the_digest_is_that_of_the_plain_values_as_lines_of_json(entries: dict[Key, Entry]) -> None:
    registry = registry_of(entries)
    lines = [msgspec.json.encode([*key, entry_value(entry)]) + b"\n" for key, entry in registry.entries()]
    assert content_digest(registry) == f"sha256:{sha256(b''.join(lines)).hexdigest()}"


def test_the_digest_knows_the_fields_that_are_written() -> None:
    endpoint = Endpoint(url="http://a", address="a", port=80, source="mesh", node="n1")
    registry = registry_of({Key("a", None): Entry(url="http://a", endpoints=(endpoint,), sources=("mesh",))})
    assert content_digest(registry) != content_digest(registry, ("node",))
