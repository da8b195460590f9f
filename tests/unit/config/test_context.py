from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from frostline.config.context import Context, has_required, known_type
from frostline.config.cursor import Cursor

On = Callable[[str], Cursor]
CONTEXT = Context(folder=Path("/srv"), root=Path("/srv"), source_types={"mesh": "consul", "edge": "router"})


def messages(cursor: Cursor) -> list[tuple[str, str | None]]:
    return [(error.message, error.help) for error in cursor.state.errors]


def test_names_of_sources_must_be_configured_and_distinct(cursor: On) -> None:
    assert CONTEXT.source_names(cursor("[edge, mesh]")) == ("edge", "mesh")
    wrong = cursor("[mesch, mesh, mesh]")
    CONTEXT.source_names(wrong)
    assert messages(wrong) == [
        ("there is no source `mesch`", "did you mean `mesh`?"),
        ("the source `mesh` is listed twice", "keep one of them"),
    ]


def test_without_sources_the_help_lists_none(cursor: On) -> None:
    wrong = cursor("[mesh]")
    Context(folder=Path("/srv"), root=Path("/srv")).source_names(wrong)
    assert messages(wrong) == [("there is no source `mesh`", "add it under `sources`")]


@pytest.mark.parametrize(("written", "kind"), [("{type: yaml}", "yaml"), ("{}", None), ("{type: yml}", None)])
def test_a_known_type_is_read(cursor: On, written: str, kind: str | None) -> None:
    assert known_type(cursor(written), ("python", "yaml"), "output") == kind


def test_an_unknown_type_is_refused_with_a_suggestion(cursor: On) -> None:
    wrong = cursor("{type: yml}")
    known_type(wrong, ("python", "yaml"), "output")
    assert messages(wrong) == [("unknown type of output: `yml`", "did you mean `yaml`?")]


def test_the_help_for_an_unknown_type_mentions_missing_plug_ins(cursor: On) -> None:
    wrong = cursor("{type: acme-catalog}")
    known_type(wrong, ("python", "yaml"), "output")
    ((_, way),) = messages(wrong)
    assert way == "the types are `python` and `yaml`; if a plug-in brings it, install the plug-in beside frostline"


def test_required_keys_are_present_or_missing(cursor: On) -> None:
    module = SimpleNamespace(SCHEMA={"required": ["a"]})
    assert has_required(cursor("{a: 1}"), module)
    assert not has_required(cursor("{b: 1}"), module)
    assert has_required(cursor("{}"), SimpleNamespace())
