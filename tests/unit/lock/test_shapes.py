"""The settings that shaped a segment: their digest, and those that the lock keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.lock.shapes import MOST_BYTES, changed_settings, settings_digest, settings_of_note, shape_of
from frostline.model import Snapshot

DEFAULT = {"type": "consul", "address": None, "datacenters": [], "select": {"services": ["*"], "tags": (), "meta": {}}}

texts = st.text(max_size=3)
shapes = st.fixed_dictionaries(
    {"type": st.just("consul")},
    optional={
        "address": st.none() | texts,
        "datacenters": st.lists(texts, max_size=2),
        "select": st.fixed_dictionaries(
            {},
            optional={
                "services": st.lists(texts, max_size=2),
                "tags": st.lists(texts, max_size=2).map(tuple),
                "meta": st.dictionaries(texts, texts, max_size=2),
                "node_meta": st.dictionaries(texts, texts, max_size=2),
            },
        ),
    },
).map(lambda found: {**DEFAULT, **found, "select": {**DEFAULT["select"], **found.get("select", {})}})  # type: ignore[dict-item]


def snapshot(settings: str, shaped_by: dict[str, Any]) -> Snapshot:
    return Snapshot(source="mesh", datacenter="dc1", namespace="default", settings=settings, shaped_by=shaped_by)


@given(shapes)
def test_the_settings_can_be_restored_from_the_lock(shape: dict[str, Any]) -> None:
    found = shape_of(snapshot(settings_digest(shape), settings_of_note(shape, DEFAULT)), DEFAULT)
    assert found is not None
    assert settings_digest(found) == settings_digest(shape)
    assert list(changed_settings(found, shape)) == []


def test_defaults_are_left_out() -> None:
    assert settings_of_note(DEFAULT, DEFAULT) == {}
    shape = {**DEFAULT, "address": "http://c", "select": {**DEFAULT["select"], "tags": ["api"]}}  # type: ignore[dict-item]
    assert settings_of_note(shape, DEFAULT) == {"address": "http://c", "select": {"tags": ["api"]}}
    assert list(changed_settings(DEFAULT, shape)) == ["address", "select.tags"]


def test_the_order_of_keys_in_the_configuration_does_not_matter() -> None:
    metas = ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    said = [settings_of_note({**DEFAULT, "select": {"meta": meta}, "a": 1}, DEFAULT) for meta in metas]
    assert [str(settings) for settings in said] == ["{'a': 1, 'select': {'meta': {'a': '1', 'b': '2'}}}"] * 2


@pytest.mark.parametrize("said", [{}, {"address": 1}, {"select": 5}, {"select": {"tags": {"a": []}}}, {"other": "x"}])
def test_settings_that_do_not_give_the_digest_are_ignored(said: dict[str, Any]) -> None:
    shape = {**DEFAULT, "address": "http://c"}
    assert shape_of(snapshot(settings_digest(shape), said), DEFAULT) is None


def test_too_many_settings_are_left_out() -> None:
    many = {**DEFAULT, "datacenters": [f"dc{number}" for number in range(MOST_BYTES // 5)]}
    assert settings_of_note(many, DEFAULT) == {}
    assert shape_of(snapshot(settings_digest(many), {}), DEFAULT) is None


def test_equal_settings_have_equal_digests_whatever_their_order() -> None:
    one = settings_digest({"a": 1, "b": {"x": ("1",), "y": None}})
    assert one == settings_digest({"b": {"y": None, "x": ["1"]}, "a": 1})
    assert one != settings_digest({"a": 2, "b": {"x": ("1",), "y": None}})
