"""What the tests of verifiers share: small programs, and a folder that is watched."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PYTHON = (sys.executable, "-I", "-S", "-c")
"""A Python that starts in a hundredth of a second."""


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """The path of a private folder, which is not there yet."""
    return tmp_path / "private"


@pytest.fixture
def is_running() -> Callable[[Path], bool]:
    """`is_running(file)`: whether the process whose id is in this file runs; waits for the file alone."""

    def ask(file: Path) -> bool:
        until = time.monotonic() + 10
        while not (file.exists() and file.read_text().strip()):
            assert time.monotonic() < until, "it has not started"
            time.sleep(0.005)
        try:
            os.kill(int(file.read_text()), 0)
        except ProcessLookupError:
            return False
        return True

    return ask
