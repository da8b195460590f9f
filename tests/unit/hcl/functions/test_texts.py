"""Functions of strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from frostline.hcl.functions.texts import FUNCTIONS


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_calls_are_what_nomad_recorded(name: str, differences: Callable[[str], list[Any]]) -> None:
    assert differences(name) == []
