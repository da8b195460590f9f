"""What quotes a text for one place gives it back there, and lets nothing through that the place could misread."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.canonical import canonical_line
from frostline.lock.codec import segment_file_name
from frostline.outputs.file_names import LONGEST, file_stem, percent_encoded
from frostline.registry.naming import host_text, quoted
from frostline.text import UNPRINTABLE, escape_control, escape_for_log, escape_json

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
@given(VALUES)
def test_a_canonical_line_reads_back_and_shows_all_that_it_holds(value: Any) -> None:
    line = canonical_line(value)
    assert json.loads(line) == value
    assert not invisible(line.decode())


@MANY
@given(VALUES)
def test_json_for_reviewers_is_the_same_value(value: Any) -> None:
    text = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not invisible(text)


@MANY
@given(st.one_of(TEXTS, st.text()))
def test_what_is_shown_has_no_control_and_is_no_command(text: str) -> None:
    for shown in (escape_control(text), escape_for_log(text)):
        assert not invisible(shown)
        assert shown.encode("utf-8").decode("utf-8").splitlines() in ([shown], [])
    assert not escape_for_log(text).lstrip().startswith("::")
    assert "##[" not in escape_for_log(text)
    assert "##vso[" not in escape_for_log(text)


@MANY
@given(TEXTS)
def test_a_value_in_a_url_decodes_to_what_it_was(text: str) -> None:
    assert unquote(quoted(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*", quoted(text))
    assert unquote(host_text(text), errors="strict") in (text, f"[{text}]")


@MANY
@given(TEXTS)
def test_a_name_in_a_file_name_decodes_to_what_it_was(text: str) -> None:
    assert unquote(percent_encoded(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})*", percent_encoded(text))
    stem = file_stem(text)
    assert len(stem) <= LONGEST
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
