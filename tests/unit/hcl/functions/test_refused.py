"""Functions that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["abspath", "pathexpand", "uuidv4", "bcrypt", "rsadecrypt"])
def test_what_is_not_reproducible_is_refused(name: str, evaluated: Callable[[str], Any]) -> None:
    assert evaluated(f'{name}("x")') == (None, [22, 13])
