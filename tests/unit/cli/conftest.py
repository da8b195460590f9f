"""What the tests of the command line share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from frostline.cli.console import Invocation


@pytest.fixture(autouse=True)
def _without_log_handlers() -> Iterator[None]:
    yield
    logging.getLogger("frostline").handlers = []


@pytest.fixture
def invocation() -> Callable[..., Invocation]:
    """`invocation(quiet=True, …)`: the options of a command, at their defaults but for these."""

    def make(**options: Any) -> Invocation:
        defaults = {
            "config": None,
            "quiet": False,
            "verbose": 0,
            "today": date(2026, 1, 1),
            "color": "auto",
            "format": "text",
        }
        return Invocation(**defaults | options)

    return make
