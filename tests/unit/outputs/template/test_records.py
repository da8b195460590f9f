"""The mappings and lists of a template make their parts when they are read."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.outputs.template.records import Record, Records, subject_of


def test_a_value_is_made_when_it_is_read() -> None:
    made: list[str] = []

    def make(source: str) -> str:
        made.append(source)
        return source

    record = Record(("a",), {"x": make, "y": make}, "s")
    assert ("x" in record, "z" in record, list(record), len(record), made) == (True, False, ["x", "y"], 2, [])
    assert (record["x"], made) == ("s", ["s"])
    assert dict(record.items()) == record == {"x": "s", "y": "s"}
    with pytest.raises(KeyError):
        record["z"]


def test_a_list_makes_its_items_when_they_are_read() -> None:
    made: list[Any] = []

    def make(item: int) -> Record:
        made.append(item)
        return Record((str(item),), {}, item)

    records = Records((1, 2, 3), make)
    assert (len(records), made) == (3, [])
    assert subject_of(records[-1]) == ("3",)
    assert [subject_of(record) for record in records[1:]] == [("2",), ("3",)]
    assert made == [3, 2, 3]
    assert len(list(records)) == 3
    with pytest.raises(IndexError):
        records[3]


def test_as_a_text_they_are_what_they_hold_and_no_address_of_memory() -> None:
    records = Records((1, 2), lambda item: Record((), {"x": str}, item))
    assert repr(records) == "[{'x': '1'}, {'x': '2'}]"
