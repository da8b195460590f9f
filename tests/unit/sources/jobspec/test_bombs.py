"""Job files that take much work or memory: the budget of steps ends each, with its place, and nothing is timed."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from frostline.errors import SourceError
from frostline.hcl.scope import MOST_STEPS, STEPS_OF_A_FILE, Budget

ALIASES = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 6)}]\n" for a, b in pairwise("abcdefgh"))
YAML = json.dumps("- a\n" * 28_000)
SLOW = ", ".join(f'regex_replace("{"a" * 3000}!", "(a|a)*(a|b)*${index}", "x")' for index in range(20))
OUT_OF_STEPS = f"takes more than {MOST_STEPS + STEPS_OF_A_FILE} steps"


def job(expression: str) -> str:
    return f'job "j" {{\n  meta {{\n    x = jsonencode({expression})\n  }}\n}}\n'


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]", OUT_OF_STEPS),
        ('join("", [for a in range(1000) : join("", [for b in range(1000) : "xxxxxxxxxxxxxxxxxxxx"])])', OUT_OF_STEPS),
        ('format("%1000000000d", 1)', "longer than 16777216"),
        ('format("%.5000f", 1)', "the precision is at most 1000"),
        (f'format("%{"9" * 5000}d", 1)', "longer than 16777216"),
        ('indent(1000000000, "a\\nb")', "longer than 16777216"),
        ("setproduct(range(1000), range(1000), range(1000))", OUT_OF_STEPS),
        (f'replace("{"a" * 10_000}", "a", "{"b" * 1000}")', OUT_OF_STEPS),
        (f"[{SLOW}]", OUT_OF_STEPS),
        ('regex_replace("a", "((a{1000}){1000}){1000}", "x")', "the pattern is too large"),
        ('[for i in range(1000) : regex_replace("a", "${i}[a-z]*[a-z]*[a-z]*[a-z]*", "")]', OUT_OF_STEPS),
        (f'regex_replace("a", "a{{{"9" * 5000}}}", "")', "at most 1000 times"),
        ("pow(10, 300) * pow(10, 300)", ""),
        (f"[for i in range(1000) : 1{'0' * 9000} % 7]", OUT_OF_STEPS),
        (f"yamldecode({json.dumps(ALIASES)})", OUT_OF_STEPS),
        (f"yamldecode({YAML})", OUT_OF_STEPS),
        ("yamlencode([for i in range(100) : range(1000)])", OUT_OF_STEPS),
        (f'csvdecode("{",".join(f"c{index}" for index in range(50_000))}\\n1")', "has 1 fields"),
        (f'timeadd("2024-01-31T12:00:00Z", "{"1" * 100_000}s")', "is not a duration"),
        (f'parseint("{"z" * 9000}", 36)', "a number is required"),
        (f"[1]{'[*]' * 1000}", "nested too deeply"),
        (f"[1]{'.*' * 1000}", "can't follow another"),
    ],
    ids=lambda text: text[:24],
)
def test_a_bomb_ends_at_its_place(folder: Any, expression: str, message: str) -> None:
    if not message:
        folder.declared(job(expression))
        return
    with pytest.raises(SourceError) as caught:
        folder.declared(job(expression))
    assert message in caught.value.message
    assert str(caught.value.origin).startswith("a.nomad.hcl:3:")
    assert caught.value.status == 3


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (f'regex_replace("{"0" * 4000}", "{"0" * 4000}", "x")', "x"),
        ('regex_replace("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "(a+)+$", "x")', "a" * 41 + "!"),
        ('indent(3500000000, "a")', "a"),
    ],
)
def test_what_only_looks_like_a_bomb_has_its_value(folder: Any, expression: str, value: str) -> None:
    found = folder.job(service=f'name = "x"\nport = 80\ntags = [{expression}]').services
    assert found[0].tags == (value,)


def test_ten_thousand_locals_are_read(folder: Any) -> None:
    lines = "\n".join(f"l{index} = local.l{index - 1}" for index in range(1, 10_000))
    text = f'locals {{\nl0 = "x"\n{lines}\n}}\njob "j" {{ meta {{ x = local.l9999 }} }}\n'
    folder.declared(text.replace("{ meta { x = local.l9999 } }", "{\nmeta {\nx = local.l9999\n}\n}"))


def test_locals_that_take_all_others_are_paid_for(folder: Any) -> None:
    lines = "\n".join(f'l{index} = can(local["x"])' for index in range(2000))
    error = folder.refusal(f'locals {{\n{lines}\n}}\njob "j" {{\n}}\n')
    assert "steps" in error.message


def test_the_files_of_a_source_share_the_steps(folder: Any) -> None:
    large = job(f'length([for a in range(12) : "{"x" * 160_000}${{a}}"])')
    for name in "abcd":
        (folder.path / f"{name}.nomad.hcl").write_text(large)
    (folder.path / "e.nomad.hcl").write_text(job("length(range(100))"))
    errors = folder.refusal(partial=False).errors
    assert [str(error.origin)[:2] for error in errors] == ["c.", "d."]
    assert all("all files of a source share them" in error.help for error in errors)


def test_each_file_adds_some_steps() -> None:
    budget = Budget()
    budget.add_file()
    assert (budget.left, budget.most) == (MOST_STEPS + STEPS_OF_A_FILE,) * 2


MIB = 1_000_000


@pytest.mark.parametrize("prefix", ["", "a = ", 'a = "', "a = <<EOT\n", '{"job": "'])
@pytest.mark.parametrize(
    "unit", ["$", "a = ", "{", "[", "(", '"', "<<E\n", "#\n", "/*", "${", '"${', "a::", "a.", "-", "1+", "a?", "\n"]
)
def test_a_large_text_of_anything_ends_at_a_place(folder: Any, prefix: str, unit: str) -> None:
    error = folder.refusal(prefix + unit * (MIB // 8 // len(unit)))
    assert str(getattr(error, "errors", [error])[0].origin).startswith("a.nomad.hcl:")
    assert error.status == 3
