"""Helpers for tests of the parser and the evaluation."""

from __future__ import annotations

import pytest

from frostline.hcl.evaluation import evaluate
from frostline.hcl.functions.base import Function
from frostline.hcl.nodes import Body, Expression
from frostline.hcl.scope import BudgetError, Scope
from frostline.hcl.source import HclError, Source
from frostline.hcl.syntax import parse
from frostline.hcl.values import Value


def body(text: str | bytes) -> Body:
    return parse(Source("f.hcl", text.encode() if isinstance(text, str) else text))


def expression(text: str) -> Expression:
    return body(f"x = {text}\n").attributes["x"].expression


def refusal(text: str | bytes) -> HclError:
    with pytest.raises(HclError) as caught:
        body(text)
    return caught.value


def scope(functions: dict[str, Function] | None = None, data: bytes = b"x" * 100, **variables: Value) -> Scope:
    return Scope(Source("job.hcl", data), variables, functions or {})


def refused(expression: Expression, where: Scope, why: str = "takes more than 500000 steps") -> None:
    with pytest.raises(BudgetError, match=why):
        evaluate(expression, where)
