"""Variables and locals of job files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frostline.errors import FrostlineError
from frostline.model import Declaration, FileOrigin
from frostline.settings import JobspecSettings
from frostline.sources.jobspec import source as jobspec

PLACE = FileOrigin("frostline.yaml", 4, 5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, **more: Any) -> JobspecSettings:
    more.setdefault("files", ("*.nomad.hcl",))
    return JobspecSettings(name="jobs", origin=PLACE, folder=folder, root=folder, files_origin=PLACE, **more)


def declared(folder: Path, text: str = "", **more: Any) -> Declaration:
    if text:
        (folder / "a.nomad.hcl").write_text(text, encoding="utf-8")
    return jobspec.declare(settings(folder, **more))


def refusal(folder: Path, text: str = "", **more: Any) -> FrostlineError:
    with pytest.raises(FrostlineError) as caught:
        declared(folder, text, **more)
    return caught.value


def place(error: FrostlineError) -> str:
    return str(error.origin)


NAMED = 'variable "n" {{\n  {0}\n}}\njob "j" {{\n  group "g" {{\n    service {{\n      name = {1}\n    }}\n  }}\n}}\n'


def name(folder: Path, body: str, expression: str = '"x-${var.n}"', **more: Any) -> str:
    (service,) = declared(folder, NAMED.format(body, expression), **more).services
    return service.service


def configured(**variables: Any) -> dict[str, Any]:
    return {"variables": variables, "places": dict.fromkeys(variables, PLACE)}


def test_the_configuration_wins_over_var_files_over_the_environment_over_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = 'type = string\n default = "default"'
    (folder / "one.hcl").write_text('n = "one"\n')
    (folder / "two.json").write_text('{"n": "two"}')
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, body) == "x-default"
    allowed = {"environment": ("NOMAD_VAR_n",)}
    assert name(folder, body, **allowed) == "x-environment"
    assert name(folder, body, **allowed, var_files=(folder / "one.hcl",)) == "x-one"
    both = {**allowed, "var_files": (folder / "one.hcl", folder / "two.json")}
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
    folder: Path, type_text: str, value: Any, expression: str, found: str
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
def test_a_variable_that_does_not_fit_is_refused_where_it_is_wrong(
    folder: Path, body: str, value: Any, where: str
) -> None:
    more = configured(n=value) if value is not None else {}
    assert place(refusal(folder, NAMED.format(body, "var.n"), **more)) == where


def test_a_variable_may_be_declared_in_one_file_of_several(folder: Path) -> None:
    (folder / "b.nomad.hcl").write_text('job "b" {}\n')
    assert name(folder, "type = string", **configured(n="a")) == "x-a"


def test_a_validation_that_fails_is_said_in_its_own_words(folder: Path) -> None:
    body = 'default = "b"\n validation {\n condition = var.n == "a"\n error_message = "Only a."\n }'
    error = refusal(folder, NAMED.format(body, "var.n"))
    assert "Only a." in error.message
    assert place(error) == "a.nomad.hcl:2:13"


def test_locals_refer_to_each_other_in_any_order_but_not_in_a_circle(folder: Path) -> None:
    text = 'locals {{\n a = "${{local.b}}-a"\n b = {0}\n}}\n'
    text += 'job "j" {{\n group "g" {{\n service {{\n name = local.a\n }}\n }}\n}}\n'
    (service,) = declared(folder, text.format('"b"')).services
    assert service.service == "b-a"
    error = refusal(folder, text.format("local.a"))
    assert "circle" in error.message
    assert place(error) == "a.nomad.hcl:2:2"


def test_no_other_variable_of_the_environment_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOMAD_VAR_n", "environment")
    assert name(folder, 'default = "d"') == "x-d"
