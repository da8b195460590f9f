"""Canonical JSON reads back as the same value, and a reviewer sees every character of it."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.canonical import canonical_line, canonical_lines, json_fault, origin_value
from frostline.model import FileOrigin, InstanceOrigin
from frostline.text import UNPRINTABLE

HOSTILE = "\0\t\n\r\x1b\x7f\x85\x9b\xad\u061c\u200d\u2028\u202e\ufeff\ufffe\U000e0041😀é\"'\\%{}$:;/.#[]~ -_aA1"
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])), max_size=40)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**63), 2**64 - 1), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
MANY = settings(max_examples=80, deadline=None)

invisible = re.compile(f"[{UNPRINTABLE}]").search


@MANY
@given(VALUES)
def test_a_canonical_line_reads_back_and_has_no_invisible_character(value: Any) -> None:
    line = canonical_line(value)
    assert json.loads(line) == value
    assert not invisible(line.decode())


@pytest.mark.parametrize("hidden", ["\x7f", "\x85", "\u202e", "\u200b", "\ufeff"])
def test_a_character_that_a_reviewer_cannot_see_is_escaped_among_many_lines_too(hidden: str) -> None:
    values = [{"tag": "plain"}, {"tag": f"a{hidden}b"}]
    lines = b"".join(canonical_lines(values)).decode()
    assert lines == "".join(canonical_line(value).decode() + "\n" for value in values)
    assert hidden not in lines
    assert [json.loads(line) for line in lines.splitlines()] == values


def test_many_lines_are_the_lines_of_each_value_in_order() -> None:
    values = [{"number": number} for number in range(2500)]
    assert b"".join(canonical_lines(values)) == b"".join(canonical_line(value) + b"\n" for value in values)


@pytest.mark.parametrize(
    ("origin", "value"),
    [
        (None, None),
        (FileOrigin("a.yaml", 3, 5), {"file": "a.yaml", "line": 3, "column": 5}),
        (
            InstanceOrigin("mesh", "dc1", node="n1", id="web-1"),
            {"source": "mesh", "datacenter": "dc1", "namespace": "", "node": "n1", "id": "web-1"},
        ),
    ],
)
def test_an_origin_becomes_a_json_value(origin: FileOrigin | InstanceOrigin | None, value: object) -> None:
    assert origin_value(origin) == value


class _Item(msgspec.Struct):
    port: int
    tags: list[str] = []
    node: str | None = None
    code: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")] = "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"port":"x"}', "`port` must be a whole number, not a string"),
        ('{"port":1,"tags":["a",2]}', "`tags[1]` must be a string, not a whole number"),
        ('{"port":1,"node":[]}', "`node` must be a string or null, not a list"),
        ('{"port":1,"code":"x"}', "`code` does not have the form that it must have"),
        ("{}", "it has no `port`"),
        ("[]", "it must be an object, not a list"),
        ('{"port":1', "it is not JSON: "),
    ],
)
def test_a_fault_is_described_in_the_words_of_frostline(text: str, said: str) -> None:
    with pytest.raises(msgspec.MsgspecError) as caught:
        msgspec.json.decode(text, type=_Item)
    assert json_fault(caught.value, text.encode()).startswith(said)
