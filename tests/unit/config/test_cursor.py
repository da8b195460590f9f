from __future__ import annotations

from frostline.config.cursor import Cursor, ParseState
from frostline.config.readers import as_is
from frostline.config.yaml_reader import read_yaml
from frostline.model import FileOrigin

TEXT = b"a: 1\nb: [x, y]\nc: {d: z}\n"


def top(*unusable: tuple[str | int, ...]) -> Cursor:
    state = ParseState(read_yaml(TEXT, "f.yaml"))
    state.unusable.update(unusable)
    return state.top()


def child(cursor: Cursor, key: str) -> Cursor:
    found = cursor.get(key)
    assert found is not None
    return found


def test_a_value_and_its_key_have_their_origins() -> None:
    d = child(child(top(), "c"), "d")
    assert (d.key, d.value) == ("d", "z")
    assert (d.origin, d.key_origin) == (FileOrigin("f.yaml", 3, 8), FileOrigin("f.yaml", 3, 5))


def test_an_unusable_value_counts_as_absent() -> None:
    cursor = top(("a",), ("b", 0), ("c", "d"))
    assert cursor.get("a") is None
    assert [item.value for item in child(cursor, "b").items()] == ["y"]
    assert child(cursor, "c").entries() == []
    assert cursor.present(a=as_is, b=lambda b: len(b.value), nope=as_is) == {"b": 2}


def test_a_value_that_its_reader_refuses_is_absent() -> None:
    top = ParseState(read_yaml(TEXT, "f.yaml")).top()
    assert top.present(a=lambda value: value.refuse("no", "help")) == {}
    (error,) = top.state.errors
    assert (error.message, error.origin, error.help) == ("no", FileOrigin("f.yaml", 1, 4), "help")


def test_an_error_may_be_about_the_key() -> None:
    d = child(child(top(), "c"), "d")
    d.refuse("no", at_key=True)
    assert d.state.errors[0].origin == FileOrigin("f.yaml", 3, 5)


def test_a_key_can_be_read_as_a_value() -> None:
    assert child(child(top(), "c"), "d").as_value().value == "d"
