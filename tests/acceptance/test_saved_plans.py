"""Plans that are saved, reviewed, and published exactly so, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from jsonschema import Draft202012Validator
from project import STATIC, Project, consul_config

from frostline.resources import schema_text


@pytest.fixture
def shop(project: Project, consul: ConsulAgent) -> Project:
    consul.catalog_register("saved-1", "saved-v1", address="10.0.0.1", port=80)
    project.configure(consul_config(consul.address, source={"select": {"services": ["saved-*"]}}))
    return project


def test_a_plan_is_published_as_it_was_reviewed_though_the_world_has_moved(shop: Project, consul: ConsulAgent) -> None:
    assert shop.run("plan", "--out", "plan.json").returncode == 1
    consul.catalog_register("saved-2", "saved-v2", address="10.0.0.2", port=80)
    done = shop.done("compile", "--plan", "plan.json")
    assert "Published 1 service" in done.stderr
    assert b"10.0.0.2" not in shop.read("services.yaml") + shop.read("frostline.lock")
    shop.done("check")


def test_a_saved_plan_is_the_same_bytes_anywhere_and_fits_its_schema(shop: Project, tmp_path: Path) -> None:
    shop.run("plan", "--out", "a.json")
    shop.run("plan", "--out", "deep/er/b.json")
    assert shop.read("a.json") == shop.read("deep/er/b.json")
    value = json.loads(shop.read("a.json"))
    Draft202012Validator(json.loads(schema_text("plan"))).validate(value)
    assert str(shop.folder).encode() not in shop.read("a.json")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(shop.folder, elsewhere)
    other = Project(elsewhere, shop._run)
    other.done("compile", "--plan", "a.json")
    assert (elsewhere / "services.yaml").exists()


def test_a_plan_that_would_be_refused_is_not_saved(project: Project) -> None:
    project.configure({**STATIC, "checks": {"policies": {"required": ["nope"]}}})
    refused = project.run("plan", "--out", "plan.json")
    assert refused.returncode == 4
    assert "no plan was saved" in refused.stderr
    assert not (project.folder / "plan.json").exists()


def test_a_plan_is_published_once(project: Project) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json")
    project.done("compile", "--plan", "plan.json")
    assert "the manifest changed" in project.refused(4, "compile", "--plan", "plan.json").stderr


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("frostline.yaml", "\n# a word\n", "`frostline.yaml` changed"),
        ("t.j2", "{# a word #}", "`t.j2` changed"),
        ("jobs/a.hcl", "# a word\n", "`jobs/a.hcl` changed"),
        ("registry.py", "x = 1\n", "the manifest"),
        ("services.yaml", "- 1\n", "`services.yaml` would not become what the plan says"),
    ],
)
def test_a_plan_is_refused_where_anything_it_was_made_from_has_moved(
    project: Project, name: str, text: str, named: str
) -> None:
    project.write("t.j2", "{{ services | length }}")
    project.write("jobs/a.hcl", 'job "a" {\n group "g" {\n  service {}\n }\n}\n')
    sources = {**STATIC["sources"], "jobs": {"type": "jobspec", "files": ["jobs/*.hcl"]}}
    outputs = [*STATIC["outputs"], {"type": "template", "template": "t.j2", "path": "t.txt"}]
    project.configure({**STATIC, "sources": sources, "outputs": outputs})
    project.run("plan", "--out", "plan.json")
    if name == "registry.py":
        project.done("compile")
        text = (project.folder / name).read_text()
        (project.folder / name).write_text(text)
    else:
        path = project.folder / name
        path.write_text((path.read_text() if path.exists() else "") + text)
    assert named in project.refused(4, "compile", "--plan", "plan.json").stderr


@pytest.mark.parametrize(
    "option", [["--offline"], ["--locked"], ["--lock", "x"], ["--only", "x"], ["--allow", "empty"]]
)
def test_what_a_plan_holds_is_not_said_again(project: Project, option: list[str]) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json")
    assert "exclude each other" in project.refused(2, "compile", "--plan", "plan.json", *option).stderr


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[: len(text) // 2], "not a saved plan"),
        (lambda text: text.replace("frostline.plan/1", "frostline.plan/2"), "its format is not frostline.plan/1"),
        (lambda text: text.replace('"new_lock":"', '"new_lock":"x'), "not a lock"),
        (lambda text: text.replace("sha256:", "md5:"), "not a saved plan"),
        (lambda text: text.replace('"today":"2', '"today":"9999-99-99","x":"2'), "not a saved plan"),
        (lambda text: "null", "not a saved plan"),
        (lambda text: "[" * 100_000, "not a saved plan"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(project: Project, change: Callable[[str], str], reason: str) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json")
    project.write("plan.json", change(project.read("plan.json").decode()))
    assert reason in project.refused(2, "compile", "--plan", "plan.json").stderr


def test_a_hostile_plan_writes_no_path_of_its_own(project: Project) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json")
    value = json.loads(project.read("plan.json"))
    value["saved"]["changes"][0]["path"] = "../outside"
    project.write("plan.json", json.dumps(value))
    assert "../outside" in project.refused(4, "compile", "--plan", "plan.json").stderr
    assert not (project.folder.parent / "outside").exists()


def test_a_plan_holds_what_it_may_and_for_which_outputs(project: Project) -> None:
    project.configure(STATIC)
    project.write("services.yaml", "mine\n")
    project.run("plan", "--out", "plan.json", "--only", "services.yaml", "--allow", "adopt")
    project.done("compile", "--plan", "plan.json")
    assert b"frostline.registry/1" in project.read("services.yaml")
    assert not (project.folder / "registry.py").exists()
