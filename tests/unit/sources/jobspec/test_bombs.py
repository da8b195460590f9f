"""Job files that need much work or memory: the budget of steps ends each, at its place. No test measures time."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from frostline.errors import SourceError
from frostline.hcl import source, tokens
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
        (f'timeadd("2024-01-31T12:00:00Z", "{"1" * 100_000}x")', "is not a duration"),
        (f'format("%{"0" * 1_000_000}!", 1)', "is not a verb"),
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
        (f'format("%d", length([for i in range(1000) : can(tonumber("{"1" * 9000}x"))]))', "1000"),
    ],
)
def test_a_harmless_expression_that_looks_like_a_bomb_is_evaluated(folder: Any, expression: str, value: str) -> None:
    found = folder.job(service=f'name = "x"\nport = 80\ntags = [{expression}]').services
    assert found[0].tags == (value,)


def test_ten_thousand_locals_are_read(folder: Any) -> None:
    lines = "\n".join(f"l{index} = local.l{index - 1}" for index in range(1, 10_000))
    text = f'locals {{\nl0 = "x"\n{lines}\n}}\njob "j" {{ meta {{ x = local.l9999 }} }}\n'
    folder.declared(text.replace("{ meta { x = local.l9999 } }", "{\nmeta {\nx = local.l9999\n}\n}"))


def test_locals_that_use_all_others_cost_steps(folder: Any) -> None:
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


def api_job(**more: Any) -> str:
    group = {"Name": "g", "Services": [{"Name": "x", "PortLabel": "80", "Address": "10.0.0.1"}]}
    return json.dumps({"Job": {"ID": "j", "Name": "j", "TaskGroups": [group], **more}})


TEXT = "y" * 100_000
GROUPS = [{"Name": f"g{index}", "Services": [{"Name": "x", "PortLabel": "80"}]} for index in range(500)]
TASK = {"Name": "t", "Env": {f"e{index}": "${NOMAD_META_m}" * 10 for index in range(9)}, "Services": [{"Name": "x"}]}


@pytest.mark.parametrize(
    "text",
    [
        api_job(TaskGroups=GROUPS, Meta={f"k{index}": "" for index in range(500)}),
        api_job(TaskGroups=[{"Name": "g", "Tasks": [TASK]}], Meta={"m": TEXT}),
        api_job(
            TaskGroups=[{"Name": "g", "Services": [{"Name": "x", "Tags": ["${NOMAD_META_m}" * 99]}]}], Meta={"m": TEXT}
        ),
        api_job(Name=TEXT, TaskGroups=[{"Name": "g", "Services": [{"Name": "${JOB}" * 99}]}]),
        f'job "j" {{\n  meta {{\n    m = "{TEXT}"\n  }}\n  group "g" {{\n    service {{\n      name = "x"\n'
        f'      tags = ["{"${NOMAD_META_m}" * 99}"]\n    }}\n  }}\n}}\n',
    ],
    ids=["groups with keys", "environment", "tag", "name", "hcl"],
)
def test_filling_placeholders_costs_steps(folder: Any, text: str) -> None:
    error = folder.refusal(text)
    assert OUT_OF_STEPS in error.message
    assert str(error.origin).startswith("a.nomad.hcl:1:")


def test_reading_a_job_in_one_line_takes_linear_time(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    count_characters = source._count_characters

    def counting(data: bytes) -> int:
        nonlocal counted
        counted += len(data)
        return count_characters(data)

    monkeypatch.setattr(source, "_count_characters", counting)
    services = [{"Name": f"x{index}", "PortLabel": "80", "Tags": ["${attr.a}"]} for index in range(300)]
    text = api_job(TaskGroups=[{"Name": "g", "Services": services}])
    assert len(folder.declared(text).services) == 300
    assert counted < len(text) + 300 * 7 * 2 * 1024


def test_merging_members_of_the_same_name_takes_linear_time(folder: Any) -> None:
    many = '"Meta":{"a":""},' * 20_000
    text = api_job(Meta={"b": "x"}).replace('"Meta":', f'"Meta":{{"b":"1"}},"Meta":null,{many}"Meta":')
    folder.declared(text)


@pytest.mark.parametrize("unit", ["}", " }"])
def test_braces_behind_a_placeholder_have_a_limit(folder: Any, unit: str) -> None:
    def written(times: int) -> str:
        return f'name = "x"\nport = 80\ntags = ["${{attr.x}}{unit * times}"]'

    folder.job(service=written(31))
    with pytest.raises(SourceError, match="more than 32 closing braces behind a placeholder"):
        folder.job(service=written(40_000))


def test_a_long_comment_before_the_key_of_a_placeholder_is_read_once(folder: Any) -> None:
    tag = f'${{meta[/*{"a" * 1_000_000}*/"key"/*"*/]}}'
    found = folder.job(service=f'name = "x"\nport = 80\ntags = ["{tag}"]').services
    assert found[0].tags == ("${meta[}",)


@pytest.mark.parametrize(
    "text", ['{"job": {"j": {"meta": {"k": "%s"}}}}', 'job "j" {\n  meta {\n    k = "%s"\n  }\n}\n']
)
def test_a_text_of_very_many_tokens_is_refused(folder: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1000)
    folder.declared(text % ("${a}" * 200))
    assert "more than 1000 words and signs" in folder.refusal(text % ("${a}" * 400)).message


def test_thousands_of_wrong_names_are_compared_only_up_to_a_limit(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frostline.text._ComparisonBudget.left", 10_000)
    networks = [{"DynamicPorts": [{"Label": f"port{index}"} for index in range(40)]}]
    services = [{"Name": "x", "PortLabel": f"port-{index}"} for index in range(40)]
    found = folder.declared(api_job(TaskGroups=[{"Name": "g", "Networks": networks, "Services": services}])).findings
    helped = [str(finding.help).startswith("did you mean") for finding in found]
    assert helped[0]
    assert 3 < sum(helped) < 40
