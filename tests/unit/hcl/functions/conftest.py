"""Recorded calls of functions: what Nomad's job parser makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from frostline.hcl.functions.base import Function
from frostline.hcl.functions.files import file_functions
from frostline.hcl.functions.table import function_table
from frostline.hcl.scope import Budget
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.sources.jobspec.blocks import evaluate_block
from frostline.sources.jobspec.placeholders import placeholder
from frostline.sources.jobspec.shape import TEXT_MAP, Shape
from frostline.sources.jobspec.variables import Context, Given, make_scope

DATA = Path(__file__).parents[3] / "data" / "hcl"
PREAMBLE = json.loads((DATA / "expressions.json").read_text("utf-8"))["preamble"]
FUNCTIONS: Mapping[str, Function] = {**function_table(), **file_functions(None, Path("/"), lambda _: None)}

Outcome = tuple[str | None, list[int] | None]
"""The expression as a string, or the place of its error."""


def evaluate_in_job(expression: str) -> Outcome:
    source = Source("job.hcl", f'{PREAMBLE}job "j" {{\n  meta {{\n    v     = {expression}\n  }}\n}}\n'.encode())
    try:
        body = parse(source)
        context = Context(functions=FUNCTIONS, undefined=placeholder, budget=Budget())
        scope, _ = make_scope(body, Given(), context)
        job = next(block for block in body.blocks if block.kind == "job")
        meta = evaluate_block(job, Shape(open=True, blocks={"meta": TEXT_MAP}), source, scope).first("meta")
    except HclError as error:
        return None, [error.place.line, error.place.column]
    assert meta is not None
    return meta.texts["v"], None


@pytest.fixture
def evaluated() -> Callable[[str], Outcome]:
    return evaluate_in_job


@pytest.fixture(scope="session")
def recorded_calls() -> Mapping[str, list[dict[str, Any]]]:
    """Function name -> the recorded calls of it."""
    calls: dict[str, list[dict[str, Any]]] = {}
    for case in json.loads((DATA / "functions.json").read_text("utf-8"))["cases"]:
        calls.setdefault(case["expression"].split("(")[0], []).append(case)
    return calls


@pytest.fixture
def differences(recorded_calls: Mapping[str, list[dict[str, Any]]]) -> Callable[[str], list[Any]]:
    """Given a function's name, the recorded calls whose outcome is another one here."""

    def find(name: str) -> list[Any]:
        found: list[Any] = []
        for case in recorded_calls.get(name, []):
            call = case["expression"]
            text, place = evaluate_in_job(call)
            json_text, _ = evaluate_in_job(f'try(jsonencode({call}), "x${{{call}}}")')
            outcome = {"expression": call, "json": json_text, "text": text, "place": place}
            if outcome != case:
                found.append((outcome, case))
        return found

    return find
