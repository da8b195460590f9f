"""An output that had services and would have none is refused until somebody allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from frostline.checks.guards.outputs import emptied_outputs
from frostline.model import FileOrigin
from frostline.published import FileChange
from frostline.settings import Allow, Guards

EMPTY = [("public.yaml", FileOrigin("frostline.yaml", 9, 5))]
Action = Literal["create", "update", "delete", "adopt", "keep"]


def change(action: Action, output: str = "public.yaml", **fields: Any) -> FileChange:
    return FileChange(path="public.yaml", output=output, action=action, **fields)


def test_an_output_that_loses_its_last_service_is_refused(matches_golden: Callable[..., None]) -> None:
    matches_golden("guard-output", emptied_outputs(EMPTY, [change("update")], Guards(), Allow()))
    assert emptied_outputs(EMPTY, [change("delete")], Guards(), Allow())


@pytest.mark.parametrize(
    "file",
    [change("create"), change("keep"), change("adopt"), change("update", "other"), change("update", refusal="adopt")],
)
def test_one_that_never_had_any_is_not(file: FileChange) -> None:
    assert emptied_outputs(EMPTY, [file], Guards(), Allow()) == ()


@pytest.mark.parametrize(("empty", "passes"), [("*", True), ("public.yaml", True), ("p*", True), ("mesh/dc1", False)])
def test_who_allows_it_names_the_output(empty: str, passes: bool) -> None:
    found = emptied_outputs(EMPTY, [change("update")], Guards(), Allow(empty=(empty,)))
    assert (found == ()) is passes


def test_the_configuration_may_allow_all_that_is_empty() -> None:
    assert emptied_outputs(EMPTY, [change("update")], Guards(empty="allow"), Allow()) == ()
