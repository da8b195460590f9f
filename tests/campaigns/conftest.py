"""Campaigns: each promise tried over and over. A few rounds with `make test`, all of them with `make campaign`."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from children import Warm

Figures = Callable[..., None]


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether the whole campaign runs (FROSTLINE_CAMPAIGN=full), else a sample of it."""
    return os.environ.get("FROSTLINE_CAMPAIGN", "sample") == "full"


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """`figures("crash", kills=3)`: counts that are added up over all tests and printed when they have ended."""

    def count(campaign: str, **counts: int) -> None:
        record_property("campaign", [campaign, counts])

    return count


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The command in children that are forked from a process that has imported it."""
    started = Warm()
    yield started
    started.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for one project."""
    made = tmp_path / "project"
    made.mkdir()
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line of JSON for each campaign."""
    sums: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == "campaign" and report.when == "call":
                    sums.setdefault(value[0], Counter()).update({**value[1], f"tests {outcome}": 1})
    for campaign, counts in sorted(sums.items()):
        terminalreporter.write_line(json.dumps({"campaign": campaign, **dict(sorted(counts.items()))}))
