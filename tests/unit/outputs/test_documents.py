"""Whole files of plain values: YAML and JSON read back, and are generated in chunks."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.outputs.documents import Document

HOSTILE = [
    *map(chr, range(0x100)),
    *("\u200b", "\u2028", "\u2029", "\u202eevil\u202c", "\ufeff", "\ufffe", "\U000e0041", "\U0010ffff", "\U0001f600"),
    *("", "\\u0041", "</script>", "<<", "no", "x" * 10_000, "\\" * 5_000),
]

texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.one_of(texts, st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
mappings = st.dictionaries(texts, values, max_size=5)


def written(value: dict[str, Any], form: str = "yaml") -> str:
    return b"".join(Document(value.items, form)).decode()


@settings(max_examples=60, deadline=None)
@given(mappings)
def test_json_reads_back_in_the_same_order(value: dict[str, Any]) -> None:
    text = written(value, "json")
    assert json.loads(text) == value
    assert json.dumps(json.loads(text)) == json.dumps(value)
    assert text.endswith("\n")


def test_nothing_in_json_is_invisible_or_a_line_break_to_other_readers() -> None:
    value = {
        "block": {text: text for text in HOSTILE},
        "flow": [{text: text, "list": [text], "inner": {text: {text: []}}} for text in HOSTILE],
        "list": list(HOSTILE),
    }
    text = written(value, "json")
    assert json.loads(text) == value
    assert text.splitlines() == text.split("\n")[:-1]
    seen = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs")}
    assert seen == {"\n"}


def test_json_has_the_lines_that_yaml_has() -> None:
    value = {"a": {"b": [{"c": 1, "d": ["x"]}, {"c": 2}], "e": {}, "f": [], "g": {"h": None}}, "i": [True, 2]}
    assert written(value, "json") == (
        '{\n  "a": {\n    "b": [\n      {"c": 1, "d": ["x"]},\n      {"c": 2}\n    ],\n    "e": {},\n    "f": [],\n'
        '    "g": {\n      "h": null\n    }\n  },\n  "i": [true, 2]\n}\n'
    )
    assert yaml.safe_load(written(value)) == value


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_an_empty_document_is_an_empty_mapping(form: str) -> None:
    assert written({}, form) == "{}\n"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_document_is_made_in_pieces_and_the_same_each_time(form: str) -> None:
    made = []

    def members() -> Iterator[tuple[str, Any]]:
        def services() -> Iterator[tuple[str, Any]]:
            for number in range(5_000):
                made.append(number)
                yield f"service-{number}", {"v1": {"url": "http://10.0.0.1"}}

        yield "services", services()
        yield "upstreams", []

    document = Document(members, form)
    first = next(iter(document))
    assert len(first) < 200_000
    assert len(made) < 5_000
    assert b"".join(document) == b"".join(document)
    assert list(yaml.load(b"".join(document), Loader=yaml.CSafeLoader)["services"]) == [
        f"service-{n}" for n in range(5_000)
    ]
