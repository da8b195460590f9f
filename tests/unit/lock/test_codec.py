"""The lock's text: it reads back as it was written, and a text that is not a lock is refused with its line."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from frostline.errors import UsageError
from frostline.lock import codec as lock_codec
from frostline.lock.faults import FREEZE_AGAIN
from frostline.model import Bind, Declared, FileOrigin, Instance, Lock, Snapshot, Upstream
from frostline.resources import schema_text
from frostline.text import escape_control

DIGEST = "sha256:" + "0" * 64

texts = st.text(max_size=8)
instances = st.builds(
    Instance,
    service=texts,
    node=texts,
    id=texts,
    address=texts,
    port=st.integers(0, 65535) | st.integers(-(2**63), 2**63 - 1),
    tags=st.lists(texts, max_size=2, unique=True).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
    weight=st.integers(0, 2**31),
    health=st.sampled_from(["passing", "warning", "critical", "maintenance"]),
)
declared = st.builds(
    Declared,
    service=texts,
    tags=st.lists(texts, max_size=2, unique=True).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
)


def _sorted_unique(values: list) -> tuple:
    return tuple(value for _, value in sorted({value.sort_key(): value for value in values}.items()))


snapshots = st.builds(
    Snapshot,
    source=texts,
    datacenter=texts,
    namespace=texts,
    settings=st.just(DIGEST),
    shaped_by=st.dictionaries(texts, st.dictionaries(texts, st.lists(texts, max_size=2), max_size=2), max_size=2),
    instances=st.lists(instances, max_size=3).map(_sorted_unique),
    declared=st.lists(declared, max_size=2).map(_sorted_unique),
)
any_lock = st.lists(snapshots, max_size=3).map(
    lambda found: lock_codec.lock_of({snapshot.segment: snapshot for snapshot in found}.values())
)


def written(lock: Lock) -> bytes:
    return b"".join(lock_codec.lock_chunks(lock.snapshots))


def snapshot(source: str = "mesh", datacenter: str = "dc1", *names: str, settings: str = DIGEST) -> Snapshot:
    found = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in sorted(names))
    return Snapshot(source=source, datacenter=datacenter, namespace="default", settings=settings, instances=found)


@given(any_lock, st.integers(0, 2000))
def test_the_segments_up_to_the_first_broken_one_are_found_without_parsing_their_lines(lock: Lock, cut: int) -> None:
    segments = [snapshot.segment for snapshot in lock.snapshots]
    data = written(lock)
    assert list(lock_codec.named_segments(data)) == segments
    found = list(lock_codec.named_segments(data[:cut]))
    assert found == segments[: len(found)]
    assert list(lock_codec.named_segments(b"noise" + data)) in ([], segments)


def test_the_consumer_of_an_upstream_is_a_job_or_a_service() -> None:
    bind = Bind(address="127.0.0.1", port=9101)
    given = {"namespace": "default", "region": "dc1", "destination": "db", "bind": bind}
    job, service = Upstream(job="shop", group="web", **given), Upstream(service="web", destination_port="http", **given)
    lock = Lock((replace(snapshot(), upstreams=(service, job)),))
    assert lock_codec.parse_lock(written(lock), "frostline.lock") == lock
    for wrong in (Upstream(**given), Upstream(job="shop", group="web", service="web", **given)):
        lock = Lock((replace(snapshot(), upstreams=(wrong,)),))
        with pytest.raises(UsageError, match="this upstream's consumer is neither a job nor a service") as caught:
            lock_codec.parse_lock(written(lock), "frostline.lock")
        assert caught.value.origin == FileOrigin("frostline.lock", 3)


@settings(deadline=None, max_examples=40)
@given(any_lock)
def test_any_lock_reads_back_as_it_was_written(lock: Lock) -> None:
    assert lock_codec.parse_lock(written(lock), "frostline.lock") == lock


@settings(deadline=None, max_examples=40)
@given(any_lock)
def test_every_line_fits_the_schema_and_is_safe_to_review(lock: Lock) -> None:
    validator = Draft202012Validator(json.loads(schema_text("lock")))
    text = written(lock).decode()
    for line in text.rstrip("\n").split("\n"):
        validator.validate(json.loads(line))
        assert escape_control(line) == line


@settings(deadline=None, max_examples=50)
@given(any_lock, st.data())
def test_a_damaged_lock_is_refused_or_reads_as_some_lock_never_crashes(lock: Lock, data: st.DataObject) -> None:
    raw = bytearray(written(lock))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        lock_codec.parse_lock(bytes(raw), "frostline.lock")
    except UsageError as error:
        assert error.origin is not None
        assert error.help


def outcome(raw: bytes) -> object:
    try:
        return lock_codec.parse_lock(raw, "frostline.lock")
    except UsageError as error:
        return error.message, error.origin, error.help


@settings(deadline=None, max_examples=80)
@given(any_lock, st.integers(1, 300), st.data())
def test_a_lock_reads_the_same_however_its_lines_are_counted(lock: Lock, block: int, data: st.DataObject) -> None:
    raw = bytearray(written(lock))
    at = data.draw(st.integers(0, len(raw)))
    raw[at:at] = data.draw(st.sampled_from([b"", b"\n", b"\n\n", b"{}\n", b"9"]))
    expected = outcome(bytes(raw))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lock_codec, "_BLOCK", block)
        assert outcome(bytes(raw)) == expected


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(b"%(a)s%(b)s%(c)s\n%(d)s\n\n", id="two values in a line"),
        pytest.param(b"%(a)s\n%(b)s%(c)s\n%(d)s\n", id="a value in two lines"),
    ],
)
def test_a_line_is_one_value_and_a_value_one_line(layout: bytes) -> None:
    head, segment, one, two, three, _ = written(Lock((snapshot("mesh", "dc1", "a", "b", "c"),))).split(b"\n")
    start, middle, end = one.partition(b'"address"')
    lines = layout % {b"a": start, b"b": middle + end, b"c": two, b"d": three}  # three values, three lines
    assert lines.count(b"\n") == 3
    with pytest.raises(UsageError, match="this is not a line of a lock|this line is blank"):
        lock_codec.parse_lock(head + b"\n" + segment + b"\n" + lines, "frostline.lock")


@settings(deadline=None, max_examples=50)
@given(st.lists(instances, min_size=2, max_size=5), st.integers(0, 2))
def test_the_first_line_out_of_order_is_reported(found: list[Instance], others: int) -> None:
    names = [f"other-{number}" for number in range(others)]
    raw = written(Lock((snapshot("a", "dc1", *names), msgspec.structs.replace(snapshot("b"), instances=tuple(found)))))
    keys = [instance.sort_key() for instance in found]
    wrong = next((at for at in range(1, len(keys)) if keys[at - 1] >= keys[at]), None)
    if wrong is None:
        assert isinstance(outcome(raw), Lock)
    else:
        origin = FileOrigin("frostline.lock", others + 4 + wrong)
        assert outcome(raw) == (
            "this line is duplicated or out of order: did git merge two branches?",
            origin,
            FREEZE_AGAIN,
        )


GOOD = written(Lock((snapshot("mesh", "dc1", "a", "b"),)))


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"", 1, "the lock is empty"),
        (b"hello\n", 1, "not a lock"),
        (GOOD.replace(b"lock/1", b"lock/2"), 1, "the format frostline.lock/2 of another frostline"),
        (GOOD[:-1], 4, "cut short"),
        (GOOD[: GOOD.rindex(b"\n", 0, -1) + 1], 2, "announces 2 lines, 1 follows"),
        (GOOD.replace(b'"port":80', b'"port":"80"', 1), 3, "`port` must be a whole number, not a string"),
        (GOOD.replace(b'"port":80', b'"port":9223372036854775808', 1), 3, "`port` must be at most 9223372036854775807"),
        (
            GOOD.replace(b'"port":80', b'"port":-9223372036854775809', 1),
            3,
            "`port` must be at least -9223372036854775808",
        ),
        (GOOD.replace(b'"port"', b'"ports"', 1), 3, "`ports`"),
        (GOOD.replace(b'"a"', b'"z"'), 4, "duplicated or out of order"),
        (written(Lock((snapshot("mesh", "dc1", "a", "a"),))), 4, "duplicated or out of order"),
        (GOOD + GOOD.split(b"\n", 1)[1], 5, "duplicated or out of order"),
        (GOOD.replace(b'{"service":"a"', b'<<<<<<< ours\n{"service":"a"'), 3, "merge conflict"),
        (GOOD.replace(b'"n"', b'"\xff"', 1), 3, "not a line of a lock"),
        (GOOD.replace(b'"n"', b"[" * 5000, 1), 3, "not a line of a lock"),
        (GOOD.replace(b'"instances":2', b'"instances":-1'), 2, "announces"),
    ],
)
def test_a_text_that_is_not_a_lock_is_refused_with_its_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        lock_codec.parse_lock(data, "frostline.lock")
    assert str(caught.value.origin).startswith(f"frostline.lock:{line}:")
    assert re.search("frostline (freeze|compile)", caught.value.help or "")


ODD = written(
    Lock(
        (
            Snapshot(
                source="mesh",
                datacenter="dc1",
                namespace="",
                settings=DIGEST,
                shaped_by={"select": {"tags": ["a"]}},
                instances=(
                    Instance(
                        service="a", node="n", id="i", address="é\u202e/", port=80, meta={"a": "1", "b": "2"}, weight=2
                    ),
                ),
                declared=(Declared(service="d", meta={"a": "1", "b": "2"}),),
            ),
        )
    )
)


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ('"address":"', '"address":"6.6.6.6","address":"', 3, "it has the key `address` twice"),
        ('"id":"i"', '"id":"j","id":"i"', 3, "it has the key `id` twice"),
        ('"a":"1","b"', '"a":"0","a":"1","b"', 3, "it has the key `a` twice"),
        ('"source":"mesh"', '"source":"mesh","source":"mesh"', 2, "it has the key `source` twice"),
        ('"address"', '"\\u0061ddress"', 3, "has an escape"),
        ("\\u202e", "\u202e", 3, "has the character U+202E without an escape"),
        ("\\u202e", "\\u202E", 3, "has `E"),
        ("é", "\\u00e9", 3, "has an escape"),
        ("e/", "e\\/", 3, "has an escape"),
        ('"port":80', '"port": 80', 3, "has a space"),
        ('"port":80', '"port":80.0', 3, "`port` must be a whole number"),
        ('"port":80', '"port":8e1', 3, "`port` must be a whole number"),
        ('"weight":2', '"weight":1', 3, 'has `,"weight":1'),
        ('"weight":2', '"weight":2,"held":false', 3, 'has `,"held":false'),
        ('"service":"a","node":"n"', '"node":"n","service":"a"', 3, "column 3 has `n"),
        ('"a":"1","b":"2"', '"b":"2","a":"1"', 3, "has `b"),
        ('{"service":"d"', ' {"service":"d"', 4, "column 1 has a space"),
        ('{"service":"d"', '{"service":"d","tags":[]', 4, "has `tags"),
        ('"instances":1', '"instances":1.0', 2, "`instances` must be a whole number"),
    ],
)
def test_only_the_spelling_that_frostline_writes_is_a_lock(old: str, new: str, line: int, why: str) -> None:
    text = ODD.decode()
    assert old in text
    with pytest.raises(UsageError) as caught:
        lock_codec.parse_lock(text.replace(old, new, 1).encode(), "frostline.lock")
    assert caught.value.origin == FileOrigin("frostline.lock", line)
    assert why in caught.value.message
    assert caught.value.help == FREEZE_AGAIN


@given(any_lock, st.data())
def test_different_texts_are_different_locks(lock: Lock, data: st.DataObject) -> None:
    raw = written(lock)
    at = data.draw(st.integers(0, len(raw)))
    other = raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + data.draw(st.integers(0, 3)) :]
    try:
        read = lock_codec.parse_lock(other, "frostline.lock")
    except UsageError:
        return
    assert written(read) == other
