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


def test_names_of_sources_are_those_of_the_configuration_each_once(cursor: On) -> None:
    assert CONTEXT.source_names(cursor("[edge, mesh]")) == ("edge", "mesh")
    wrong = cursor("[mesch, mesh, mesh]")
    CONTEXT.source_names(wrong)
    assert messages(wrong) == [
        ("there is no source `mesch`", "did you mean `mesh`?"),
        ("the source `mesh` is listed twice", "keep one of them"),
    ]


def test_without_any_source_none_is_listed(cursor: On) -> None:
    wrong = cursor("[mesh]")
    Context(folder=Path("/srv"), root=Path("/srv")).source_names(wrong)
    assert messages(wrong) == [("there is no source `mesh`", "add it under `sources`")]


@pytest.mark.parametrize(("written", "kind"), [("{type: yaml}", "yaml"), ("{}", None), ("{type: yml}", None)])
def test_a_type_is_one_of_the_known_ones(cursor: On, written: str, kind: str | None) -> None:
    assert known_type(cursor(written), ("python", "yaml"), "output") == kind


def test_an_unknown_type_is_refused_with_the_nearest(cursor: On) -> None:
    wrong = cursor("{type: yml}")
    known_type(wrong, ("python", "yaml"), "output")
    assert messages(wrong) == [("unknown type of output: `yml`", "did you mean `yaml`?")]


def test_an_unknown_type_may_be_that_of_a_plug_in_which_is_missing_here(cursor: On) -> None:
    wrong = cursor("{type: acme-catalog}")
    known_type(wrong, ("python", "yaml"), "output")
    ((_, way),) = messages(wrong)
    assert way == "the types are `python` and `yaml`; if a plug-in brings it, install the plug-in beside frostline"


def test_required_keys_are_there_or_not(cursor: On) -> None:
    module = SimpleNamespace(SCHEMA={"required": ["a"]})
    assert has_required(cursor("{a: 1}"), module)
    assert not has_required(cursor("{b: 1}"), module)
    assert has_required(cursor("{}"), SimpleNamespace())
