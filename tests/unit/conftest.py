"""Helpers that unit tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frostline import plug_ins
from frostline.config.cursor import Cursor, ParseState
from frostline.config.yaml_reader import read_yaml
from frostline.model import Finding
from frostline.reporters import text as text_report
from frostline.reporters.base import report_of

GOLDEN = Path(__file__).parents[1] / "golden" / "findings"


@pytest.fixture
def matches_golden(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Iterable[Finding]], None]:
    """`matches_golden(rule, findings)`: their text report is tests/golden/findings/RULE.txt.

    With FROSTLINE_WRITE_GOLDEN set it is written.
    """
    monkeypatch.setattr(text_report, "MOST_OF_RULE", 1000)

    def compare(rule: str, findings: Iterable[Finding]) -> None:
        text = "".join(f"{line}\n" for line in text_report.lines(report_of(findings)))
        golden = GOLDEN / f"{rule}.txt"
        if "FROSTLINE_WRITE_GOLDEN" in os.environ:
            golden.write_text(text, encoding="utf-8")
        assert f"[{rule}]" in text
        assert text == golden.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def cursor() -> Callable[[str], Cursor]:
    """`cursor("30%")`: on the value of `key: 30%`, in line 1, column 6 of f.yaml."""

    def on(value: str) -> Cursor:
        found = ParseState(read_yaml(f"key: {value}\n".encode(), "f.yaml")).top().get("key")
        assert found is not None
        return found

    return on


class Entry:
    """An installed entry point `name`, whose module has what `module` has, and what its group needs."""

    dist = None

    def __init__(self, name: str, **module: Any) -> None:
        self.name, self.value, self.module = name, f"theirs.{name}", "theirs"
        self._loaded = SimpleNamespace(**{"contribute": print, "findings": print, "render": print} | module)

    def load(self) -> Any:
        return self._loaded


@pytest.fixture
def install_entries(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`install_entries(sources={"dns": {"SCHEMA": …}})`: these plug-ins are installed, and no others."""

    def install(**groups: dict[str, dict[str, Any]]) -> None:
        entries = {f"frostline.{group}": named for group, named in groups.items()}
        monkeypatch.setattr(
            plug_ins,
            "installed",
            lambda group: tuple(Entry(name, **module) for name, module in entries.get(group, {}).items()),
        )

    return install
