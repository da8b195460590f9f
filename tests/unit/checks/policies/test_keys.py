from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.checks.policies.keys import configure
from frostline.config.context import Context
from frostline.config.cursor import Cursor

On = Callable[[str], Cursor]
CONTEXT = Context(folder=Path("/srv"), root=Path("/srv"))


@pytest.mark.parametrize(
    ("written", "value", "severity"),
    [
        ("min_instances: 2", {"default": 2}, "error"),
        ("min_instances: {default: 1, 'a/*': 2, severity: warning}", {"default": 1, "a/*": 2}, "warning"),
        ("required: [a/v1]", ["a/v1"], "error"),
        ("required: {value: [a/v1], severity: warning}", ["a/v1"], "warning"),
        ("ports: {allow: [443, 1024-65535]}", {"allow": ["443", "1024-65535"]}, "error"),
        ("addresses: {deny: [10.0.0.0/8], severity: warning}", {"deny": ["10.0.0.0/8"]}, "warning"),
        ("meta: {required: [owner], severity: error}", {"required": ["owner"]}, "error"),
        ("names: '^a'", "^a", "error"),
        ("names: {value: '^a', severity: warning}", "^a", "warning"),
    ],
)
def test_a_policy_is_its_value_and_its_severity(cursor: On, written: str, value: Any, severity: str) -> None:
    ((name, setting),) = configure(cursor(f"{{{written}}}"), CONTEXT).items()
    assert name == written.partition(":")[0]
    assert (setting.value, setting.severity) == (value, severity)
    assert (setting.origin.line, setting.origin.column) == (1, 7 + len(name) + 2)


@pytest.mark.parametrize(
    "written",
    [
        "names: '('",
        "required: ['!a']",
        "ports: {allow: [9-1]}",
        "addresses: {allow: [10.0.0.1/8]}",
        "min_instances: {'!a': 1}",
    ],
)
def test_a_wrong_value_is_refused_with_a_way_out(cursor: On, written: str) -> None:
    place = cursor(f"{{{written}}}")
    configure(place, CONTEXT)
    (error,) = place.state.errors
    assert error.help
