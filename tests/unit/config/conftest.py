"""A cursor on the value of `key` of a small document."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frostline.config.cursor import Cursor, ParseState
from frostline.config.yaml_reader import read_yaml


@pytest.fixture
def cursor() -> Callable[[str], Cursor]:
    """`cursor("30%")`: on the value of `key: 30%`, in line 1, column 6 of f.yaml."""

    def on(value: str) -> Cursor:
        found = ParseState(read_yaml(f"key: {value}\n".encode(), "f.yaml")).top().get("key")
        assert found is not None
        return found

    return on
