from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.errors import UsageError
from frostline.lock.confirmed import (
    Confirmation,
    confirmed_chunks,
    parse_confirmed,
    read_confirmed,
    recover_confirmed,
    segment_digest,
    time_of,
    time_text,
)
from frostline.model import Instance, Snapshot
from frostline.resources import schema_text

DIGEST = f"sha256:{'a' * 64}"
HEADER = '{"format":"frostline.confirmed/1"}\n'
NAMES = st.text(max_size=8).filter(lambda name: not any("\ud800" <= char <= "\udfff" for char in name))
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9999, 1, 1)).map(lambda time: time_text(time.replace(tzinfo=UTC)))
LINES = st.builds(Confirmation, source=NAMES, datacenter=NAMES, namespace=NAMES, digest=st.just(DIGEST), at=TIMES)
FILES = st.lists(LINES, max_size=5, unique_by=lambda line: line.segment)


def line(**changes: object) -> str:
    fields = {"source": "mesh", "datacenter": "dc1", "namespace": "default", "digest": DIGEST}
    fields |= {"at": "2026-11-29T22:43:10Z", **changes}
    return (
        json.dumps({name: value for name, value in fields.items() if value is not None}, separators=(",", ":")) + "\n"
    )


def written(lines: list[Confirmation]) -> bytes:
    return b"".join(confirmed_chunks(lines))


@settings(max_examples=80)
@given(FILES)
def test_confirmations_read_back_as_they_were_written(lines: list[Confirmation]) -> None:
    found = parse_confirmed(written(lines), "c")
    assert list(found.values()) == sorted(lines, key=lambda confirmation: confirmation.segment)
    assert written(list(found.values())) == written(lines)


@settings(max_examples=50)
@given(FILES)
def test_each_line_fits_the_schema(lines: list[Confirmation]) -> None:
    schema = jsonschema.Draft202012Validator(json.loads(schema_text("confirmed")))
    for text in written(lines).decode().split("\n")[:-1]:
        schema.validate(json.loads(text))


@settings(max_examples=80)
@given(st.binary(max_size=100), FILES, st.integers(0, 10_000))
def test_damaged_bytes_are_a_usage_error_or_confirmations_but_nothing_else(
    noise: bytes, lines: list[Confirmation], at: int
) -> None:
    data = written(lines)
    at %= len(data)
    with suppress(UsageError):
        parse_confirmed(data[:at] + noise + data[at + len(noise) :], "c")


def test_the_file_has_exactly_these_bytes() -> None:
    (confirmation,) = parse_confirmed((HEADER + line()).encode(), "c").values()
    assert written([confirmation]).decode() == HEADER + line()
    assert time_text(time_of(confirmation.at)) == confirmation.at == "2026-11-29T22:43:10Z"


@pytest.mark.parametrize(
    ("text", "number", "reason"),
    [
        ("", 1, "the first line is not"),
        ("{}\n", 1, "the first line is not"),
        ('{"format":"frostline.lock/1"}\n', 1, "the first line is not"),
        (HEADER + line() + line(), 3, "is duplicated or out of order"),
        (HEADER + line() + line(datacenter="dc0"), 3, "is duplicated or out of order"),
        (HEADER + line().strip(), 2, "cut short in this line"),
        (HEADER + "[]\n", 2, "must be an object"),
        (HEADER + line(at=None), 2, "has no `at`"),
        (HEADER + line(at=1), 2, "`at` must be a string"),
        (HEADER + line(at="2026-02-30T00:00:00Z"), 2, "there is no such time: 2026-02-30T00:00:00Z"),
        (HEADER + line(at="2026-11-29T22:43:60Z"), 2, "there is no such time"),
        (HEADER + line(at="2026-11-29T22:43:10+00:00"), 2, "this is not a confirmation"),
        (HEADER + line(digest="sha256:x"), 2, "this is not a confirmation"),
        (HEADER + line(more=1), 2, "this is not a confirmation"),
        (HEADER + line().replace('{"source"', '{"source":"x","source"'), 2, "not written as frostline writes it"),
        (HEADER + line().replace(",", ", "), 2, "not written as frostline writes it"),
        (HEADER + line() + "\n", 3, "this is not a confirmation"),
        (HEADER + "<<<<<<< HEAD\n" + line(), 2, "merge conflicts"),
    ],
)
def test_an_invalid_file_of_confirmations_is_refused_with_its_line(text: str, number: int, reason: str) -> None:
    with pytest.raises(UsageError, match="(?s).*") as caught:
        parse_confirmed(text.encode(), "frostline.confirmed")
    assert reason in caught.value.message
    assert str(caught.value.origin) == f"frostline.confirmed:{number}:1"
    assert "run `frostline freeze` to write it anew" in str(caught.value.help)


def test_after_a_merge_the_older_confirmation_of_each_segment_counts(tmp_path: Path) -> None:
    path = tmp_path / "frostline.confirmed"
    assert recover_confirmed(path) == {}
    older, newer = line(), line(at="2026-11-30T00:00:00Z")
    other = line(datacenter="dc2")
    for text in (
        HEADER + "<<<<<<< HEAD\n" + newer + "=======\n" + older + ">>>>>>> topic\n" + other,
        (HEADER + newer + older + "garbage\n" + other).replace("\n", "\r\n"),
    ):
        path.write_text(text, newline="")
        found = recover_confirmed(path)
        assert [(confirmation.datacenter, confirmation.at) for confirmation in found.values()] == [
            ("dc1", "2026-11-29T22:43:10Z"),
            ("dc2", "2026-11-29T22:43:10Z"),
        ]
    with pytest.raises(UsageError, match="the lines end in CRLF") as caught:
        read_confirmed(path)
    assert "`frostline.confirmed -text` in .gitattributes" in str(caught.value.help)


def test_without_the_file_there_are_no_confirmations(tmp_path: Path) -> None:
    assert read_confirmed(tmp_path / "no" / "frostline.confirmed") == {}
    assert read_confirmed(tmp_path / "frostline.confirmed") == {}


def test_any_change_of_a_segment_changes_its_digest() -> None:
    one = Instance(service="a", node="n", id="a", address="10.0.0.1", port=80)
    snapshot = Snapshot(source="mesh", datacenter="dc1", namespace="default", settings=DIGEST, instances=(one,))
    others = [
        Snapshot(source="mesh", datacenter="dc2", namespace="default", settings=DIGEST, instances=(one,)),
        Snapshot(source="mesh", datacenter="dc1", namespace="default", settings=DIGEST),
        Snapshot(source="mesh", datacenter="dc1", namespace="default", settings=f"sha256:{'b' * 64}", instances=(one,)),
    ]
    assert len({segment_digest(changed) for changed in (snapshot, *others)}) == 4
