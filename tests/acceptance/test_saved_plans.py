"""Plans that are saved, reviewed, and published exactly so, or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

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
    one, other = (
        re.sub(rb'"(made|at)":"[^"]*"|,"digest":"[^"]*"', b"", shop.read(name)) for name in ("a.json", "deep/er/b.json")
    )
    assert one == other
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


def sealed(text: str) -> str:
    """A plan that was changed, with the digest that it then has."""
    head = re.sub(r',"digest":"[^"]*"}\n$', "}", text)
    return f'{head[:-1]},"digest":"sha256:{sha256(head.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize("key", ["services", "files", "summary", "changes", "lock", "held"])
def test_a_plan_that_shows_less_than_it_publishes_is_refused(project: Project, key: str) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json")
    value = json.loads(project.read("plan.json"))
    empty: dict[str, Any] = {"services": [], "files": [], "changes": False, "held": ["billing"], "lock": True}
    value[key] = dict.fromkeys(value["summary"], 0) if key == "summary" else empty[key]
    text = json.dumps(value, separators=(",", ":")) + "\n"
    project.write("plan.json", text)
    assert "was changed since it was made" in project.refused(4, "compile", "--plan", "plan.json").stderr
    project.write("plan.json", sealed(text))
    assert (
        "what the plan shows is not what it would publish"
        in project.refused(4, "compile", "--plan", "plan.json").stderr
    )
    assert not (project.folder / "services.yaml").exists()


def test_the_digest_of_a_plan_binds_what_is_published_to_it(project: Project) -> None:
    made = project.configure(STATIC).run("plan", "--out", "plan.json", "--digest")
    assert made.returncode == 1
    digest = made.stdout.strip()
    assert f"compile --plan plan.json --expect {digest}" in made.stderr
    assert json.loads(project.run("plan", "--out", "other.json", "--format", "json").stdout)["digest"] != ""
    expect = ["--expect", f"sha256:{'0' * 64}"]
    assert digest in project.refused(4, "compile", "--plan", "plan.json", *expect).stderr
    assert "is not a digest" in project.refused(2, "compile", "--plan", "plan.json", "--expect", "abc").stderr
    assert "needs --plan" in project.refused(2, "compile", *expect).stderr
    assert "needs --out" in project.refused(2, "plan", "--digest").stderr
    done = project.done("compile", "--plan", "plan.json", "--expect", digest, "--max-age", "24h")
    assert "The plan was made" not in done.stderr


def test_an_old_plan_is_refused_where_its_age_counts(project: Project) -> None:
    project.configure(STATIC).run("plan", "--out", "plan.json", "--today", "2020-01-01")
    old = project.refused(4, "compile", "--plan", "plan.json", "--max-age", "24h").stderr
    assert "waivers and overrides count as of 2020-01-01" in old
    assert "The plan was made" in project.done("compile", "--plan", "plan.json").stderr


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
        (
            lambda text: text.replace("frostline.plan/1", "frostline.plan/2"),
            "saved plans of the format `frostline.plan/1`, not of `frostline.plan/2`",
        ),
        (lambda text: "", "the file is empty"),
        (lambda text: sealed(text.replace('"new_lock":"', '"new_lock":"x')), "not a lock"),
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
    project.write("plan.json", sealed(json.dumps(value, separators=(",", ":")) + "\n"))
    assert "../outside" in project.refused(4, "compile", "--plan", "plan.json").stderr
    assert not (project.folder.parent / "outside").exists()


def test_a_plan_holds_what_it_may_and_for_which_outputs(project: Project) -> None:
    project.configure(STATIC)
    project.write("services.yaml", "mine\n")
    project.run("plan", "--out", "plan.json", "--only", "services.yaml", "--allow", "adopt")
    project.done("compile", "--plan", "plan.json")
    assert b"frostline.registry/1" in project.read("services.yaml")
    assert not (project.folder / "registry.py").exists()
