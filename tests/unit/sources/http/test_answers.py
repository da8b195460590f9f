from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.sources.http.session import MalformedBody, decode_json, with_query

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
