"""What quotes a text for one place gives it back there, and lets nothing through that the place could misread."""

from __future__ import annotations

import re
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.lock.store import segment_file_name
from frostline.outputs.file_names import LONGEST_STEM, file_stem, percent_encode
from frostline.registry.urls import encode_url_part, host_text
from frostline.text import UNPRINTABLE

HOSTILE = "\0\t\n\r\x1b\x7f\x85\x9b\xad\u061c\u200d\u2028\u202e\ufeff\ufffe\U000e0041😀é\"'\\%{}$:;/.#[]~ -_aA1"
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])), max_size=40)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**63), 2**64 - 1), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
MANY = settings(max_examples=200, deadline=None)

invisible = re.compile(f"[{UNPRINTABLE}]").search


@MANY
@given(TEXTS)
def test_a_value_in_a_url_decodes_to_what_it_was(text: str) -> None:
    assert unquote(encode_url_part(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", encode_url_part(text))
    assert unquote(host_text(text), errors="strict") in (text, f"[{text}]")


@MANY
@given(TEXTS)
def test_a_name_in_a_file_name_decodes_to_what_it_was(text: str) -> None:
    assert unquote(percent_encode(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})*", percent_encode(text))
    stem = file_stem(text)
    assert len(stem) <= LONGEST_STEM
    assert not stem.startswith(".")
    assert "~" in stem or unquote(stem, errors="strict") == text


@MANY
@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS))
def test_no_two_segments_have_one_file(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    name = segment_file_name(one)
    assert re.fullmatch(r"[A-Za-z0-9_.%-]{1,255}", name)
    assert (name == segment_file_name(other)) == (one == other)
    source, datacenter, namespace = one
    assert name != segment_file_name((f"{source}.{datacenter}", namespace, ""))
    assert name != segment_file_name((source, "", f"{datacenter}.{namespace}"))
