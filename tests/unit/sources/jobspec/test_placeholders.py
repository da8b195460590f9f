"""Placeholders for variables that only the client knows."""

from __future__ import annotations

import pytest

from frostline.hcl.evaluation import Scope, evaluate
from frostline.hcl.nodes import (
    Expression,
    GetAttr,
    GetIndex,
    Literal,
    Traversal,
)
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import (
    number,
    string,
)
from frostline.sources.jobspec.placeholders import placeholder


def failure(expression: Expression, where: Scope) -> tuple[str, int, str | None]:
    with pytest.raises(HclError) as caught:
        evaluate(expression, where)
    return caught.value.message, caught.value.place.column or 0, caught.value.help


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("${NOMAD_X}", (), "${NOMAD_X}"),
        ("NOMAD_X", (), "${NOMAD_X}"),
        ("${ NOMAD_X }", (), "${ NOMAD_X }"),
        ("${NOMAD_X}}", (), "${NOMAD_X}}"),
        ("${NOMAD_X.a-b}", (GetAttr(9, "a-b"),), "${NOMAD_X.a-b}"),
        ('${NOMAD_X["a]b"]}', (GetIndex(9, Literal(10, string("a]b"))),), '${NOMAD_X["a]b"]}'),
        ("${NOMAD_X[ 0 ]}", (GetIndex(9, Literal(11, number(0))),), "${NOMAD_X[ 0 ]}"),
        ("${NOMAD_X.10.y}", (GetIndex(9, Literal(10, number(10))),), "${NOMAD_X.10}"),
    ],
)
def test_what_only_the_client_knows_stays_as_it_is_written(
    text: str, steps: tuple[GetAttr | GetIndex, ...], expected: str
) -> None:
    data = f'"{text}"\n'.encode()
    node = Traversal(data.index(b"NOMAD"), "NOMAD_X", steps)
    # The steps' offsets above count from the text, which stands behind a quote.
    shift = {
        GetAttr: lambda step: GetAttr(step.offset + 1, step.name),
        GetIndex: lambda step: GetIndex(step.offset + 1, step.key),
    }
    node = Traversal(node.offset, node.root, tuple(shift[type(step)](step) for step in steps))
    assert placeholder(node, Source("job.hcl", data)).data == expected


def test_a_placeholder_ends_before_a_computed_index() -> None:
    data = b"${node[key]}\n"
    where = Scope(Source("job.hcl", data), {"key": number(0)}, {}, placeholder)
    node = Traversal(2, "node", (GetIndex(6, Traversal(7, "key")),))
    assert failure(node, where) == ("a value of type string has no elements", 7, None)
