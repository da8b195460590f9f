"""Variables and locals of job files."""

from __future__ import annotations

from typing import Any

import pytest

from frostline.model import FileOrigin

PLACE = FileOrigin("frostline.yaml", 4, 5)
NAMED = 'variable "n" {{\n  {0}\n}}\njob "j" {{\n  group "g" {{\n    service {{\n      name = {1}\n    }}\n  }}\n}}\n'


def name(folder: Any, body: str, expression: str = '"x-${var.n}"', **more: Any) -> str:
    (service,) = folder.declared(NAMED.format(body, expression), **more).services
    return service.service


def configured(**variables: Any) -> dict[str, Any]:
    return {"variables": variables, "places": dict.fromkeys(variables, PLACE)}


def test_the_configuration_wins_over_var_files_over_the_environment_over_the_default(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = 'type = string\n default = "default"'
    (folder.path / "one.hcl").write_text('n = "one"\n')
    (folder.path / "two.json").write_text('{"n": "two"}')
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, body) == "x-default"
    allowed = {"environment": ("NOMAD_VAR_n",)}
    assert name(folder, body, **allowed) == "x-environment"
    assert name(folder, body, **allowed, var_files=(folder.path / "one.hcl",)) == "x-one"
    both = {**allowed, "var_files": (folder.path / "one.hcl", folder.path / "two.json")}
    assert name(folder, body, **both) == "x-two"
    assert name(folder, body, **both, **configured(n="config")) == "x-config"


@pytest.mark.parametrize(
    ("type_text", "value", "expression", "found"),
    [
        ("string", 1, "var.n", "1"),
        ("number", "12", '"x${var.n + 1}"', "x13"),
        ("list(string)", ["a", "b"], 'join("-", var.n)', "a-b"),
        ("list(string)", '["a", "b"]', 'join("-", var.n)', "a-b"),
        ("map(number)", {"a": 1}, '"x${var.n.a}"', "x1"),
        ("bool", True, 'var.n ? "yes" : "no"', "yes"),
        ("bool", "true", 'var.n ? "yes" : "no"', "yes"),
        ("object({a = number})", {"a": 0.1}, '"x${var.n.a}"', "x0.1"),
    ],
)
def test_a_value_of_the_configuration_is_converted_to_the_variables_type(
    folder: Any, type_text: str, value: Any, expression: str, found: str
) -> None:
    assert name(folder, f"type = {type_text}", expression, **configured(n=value)) == found


@pytest.mark.parametrize(
    ("body", "value", "where"),
    [
        ("type = number", "x", "frostline.yaml:4:5"),
        ("type = list(string)", "[", "frostline.yaml:4:5"),
        ("type = list(string)", {"a": 1}, "frostline.yaml:4:5"),
        ('type = number\n default = "x"', None, "a.nomad.hcl:3:12"),
        ("type = nonsense", None, "a.nomad.hcl:2:10"),
        ("nonsense = 1", None, "a.nomad.hcl:2:3"),
        ("", None, "a.nomad.hcl:1:1"),
    ],
)
def test_a_variable_of_the_wrong_type_is_refused_where_it_is_written(
    folder: Any, body: str, value: Any, where: str
) -> None:
    more = configured(n=value) if value is not None else {}
    assert str(folder.refusal(NAMED.format(body, "var.n"), **more).origin) == where


def test_a_variable_may_be_declared_in_one_file_of_several(folder: Any) -> None:
    (folder.path / "b.nomad.hcl").write_text('job "b" {}\n')
    assert name(folder, "type = string", **configured(n="a")) == "x-a"


def test_a_failed_validation_is_reported_in_its_own_words(folder: Any) -> None:
    body = 'default = "b"\n validation {\n condition = var.n == "a"\n error_message = "Only a."\n }'
    error = folder.refusal(NAMED.format(body, "var.n"))
    assert "Only a." in error.message
    assert str(error.origin) == "a.nomad.hcl:2:13"


def test_locals_refer_to_each_other_in_any_order_but_not_in_a_circle(folder: Any) -> None:
    text = 'locals {{\n a = "${{local.b}}-a"\n b = {0}\n}}\n'
    text += 'job "j" {{\n group "g" {{\n service {{\n name = local.a\n }}\n }}\n}}\n'
    (service,) = folder.declared(text.format('"b"')).services
    assert service.service == "b-a"
    error = folder.refusal(text.format("local.a"))
    assert "circle" in error.message
    assert str(error.origin) == "a.nomad.hcl:2:2"


def test_no_other_variable_of_the_environment_is_read(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, 'default = "d"') == "x-d"


def test_a_variable_that_is_not_declared_is_named_with_the_nearest_one(folder: Any) -> None:
    error = folder.refusal(NAMED.format('default = "x"', "var.absent"))
    assert (error.message, error.help) == (
        "source jobs: `var` has no attribute `absent`",
        "correct the file, or leave it out of `files`",
    )
    text = 'variable "region" {\n default = "eu"\n}\njob "j" {\n region = var.regoin\n}\n'
    assert folder.refusal(text).help == "did you mean `region`?"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('variable "n" {\n default = "${var.x}"\n}\n', "2:15"),
        ('variable "n" {\n default = upper("x")\n}\n', "2:12"),
        ('variable "n" {\n default = [for x in ["a"] : try(x, 1)]\n}\n', "2:30"),
        ("variables {\n n = NOMAD_X\n}\n", "2:6"),
        ('variable "n" {\n default = local.x\n}\n', "2:12"),
    ],
)
def test_a_default_may_not_use_variables_and_functions(folder: Any, text: str, where: str) -> None:
    error = folder.refusal(f'{text}job "j" {{}}\n')
    assert "may not be used here" in error.message
    assert str(error.origin) == f"a.nomad.hcl:{where}"


def test_a_default_may_have_loops_over_its_own_values(folder: Any) -> None:
    assert name(folder, 'default = [for x in ["a", "b"] : "${x}1"]', 'join("-", var.n)') == "a1-b1"


def test_a_var_file_may_not_use_functions(folder: Any) -> None:
    (folder.path / "v.hcl").write_text('n = upper("x")\n')
    error = folder.refusal(NAMED.format("type = string", "var.n"), var_files=(folder.path / "v.hcl",))
    assert str(error.origin) == "v.hcl:1:5"


def test_a_validation_of_a_value_that_is_not_known_is_left_to_nomad(folder: Any) -> None:
    body = 'validation {\n condition = var.n == "a"\n error_message = "Only a."\n }'
    assert name(folder, body, '"x"') == "x"
