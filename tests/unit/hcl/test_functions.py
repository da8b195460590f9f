"""Functions against what Nomad's job parser makes of calls of them: values, and the places of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from frostline.hcl.functions.base import Function
from frostline.hcl.functions.files import file_functions
from frostline.hcl.functions.table import function_table
from frostline.hcl.scope import Budget
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.sources.jobspec.blocks import block_of
from frostline.sources.jobspec.placeholders import placeholder
from frostline.sources.jobspec.shape import TEXT_MAP, Shape
from frostline.sources.jobspec.variables import Context, Given, scope_of

DATA = Path(__file__).parents[2] / "data" / "hcl"
PREAMBLE = json.loads((DATA / "expressions.json").read_text())["preamble"]
CASES = json.loads((DATA / "functions.json").read_text())["cases"]
BY_NAME = {
    name: list(cases)
    for name, cases in groupby(
        sorted(CASES, key=lambda case: case["expression"].split("(")[0]), lambda case: case["expression"].split("(")[0]
    )
}
FUNCTIONS: Mapping[str, Function] = {**function_table(), **file_functions(None, Path("/"), lambda _: None)}


def evaluated(expression: str) -> tuple[str | None, list[int] | None]:
    """The expression as a string, or the place of its error."""
    source = Source("job.hcl", f'{PREAMBLE}job "j" {{\n  meta {{\n    v     = {expression}\n  }}\n}}\n'.encode())
    try:
        body = parse(source)
        context = Context(functions=FUNCTIONS, undefined=placeholder, budget=Budget())
        scope, _ = scope_of(body, Given(), context)
        job = next(block for block in body.blocks if block.kind == "job")
        meta = block_of(job, Shape(open=True, blocks={"meta": TEXT_MAP}), source, scope).first("meta")
    except HclError as error:
        return None, [error.place.line, error.place.column]
    assert meta is not None
    return meta.texts["v"], None


@pytest.mark.parametrize("name", BY_NAME)
def test_calls_of_a_function_are_what_nomad_makes_of_them(name: str) -> None:
    wrong: list[Any] = []
    for case in BY_NAME[name]:
        call = case["expression"]
        text, place = evaluated(call)
        json_text, _ = evaluated(f'try(jsonencode({call}), "x${{{call}}}")')
        found = {"expression": call, "json": json_text, "text": text, "place": place}
        if found != case:
            wrong.append((found, case))
    assert wrong == []


def test_every_function_of_nomads_is_there() -> None:
    names = (
        "abs base64decode base64encode ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets "
        "coalesce coalescelist compact concat contains csvdecode distinct element flatten floor format "
        "formatdate formatlist indent index join jsondecode jsonencode keys length log lookup lower max md5 "
        "merge min parseint pow range regex_replace replace reverse setintersection setproduct setunion sha1 "
        "sha256 sha512 signum slice sort split strlen strrev substr timeadd title trim trimprefix trimspace "
        "trimsuffix upper urlencode uuidv5 values yamldecode yamlencode zipmap basename dirname file "
        "filebase64 fileexists fileset abspath bcrypt pathexpand rsadecrypt uuidv4 "
    )
    assert sorted(FUNCTIONS) == sorted(names.split())


@pytest.mark.parametrize("name", ["abspath", "pathexpand", "uuidv4", "bcrypt", "rsadecrypt"])
def test_what_is_not_reproducible_is_refused(name: str) -> None:
    assert evaluated(f'{name}("x")') == (None, [22, 13])
