"""`--format json`: one document on stdout that fits its schema, whatever becomes of the command."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from consul_agent import ConsulAgent
from faulty_proxy import FaultyProxy
from project import STATIC, Project, Run, consul_config

from frostline.pipeline.compile.file_rules import DRIFT, EDITED

NOWHERE = "http://127.0.0.1:9"
COMMANDS = [["compile"], ["plan"], ["check"], ["freeze"], ["list"], ["explain", "payments"], ["sources"]]


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_that_succeeds_writes_one_document(project: Project, shop: ConsulAgent, command: list[str]) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    value = project.document(0, *command)
    assert value["format"] == ("frostline.plan/1" if command[0] in ("compile", "plan") else "frostline.report/1")
    again = project.run(*command, "--format", "json")
    assert again.stdout == project.run(*command, "--format=json", "-q", "--color", "always").stdout
    assert again.stdout.isascii()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_wrong_configuration_is_a_document_too(project: Project, command: list[str]) -> None:
    project.configure("version: 2\nsources: {}\n")
    value = project.document(2, *command)
    assert {error["status"] for error in value["errors"]} == {2}
    assert value["errors"][0]["origin"] == {"file": "frostline.yaml", "line": 1, "column": 10}
    assert all(error["help"] for error in value["errors"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_wrong_option_is_a_document_too(project: Project, command: list[str]) -> None:
    assert [error["status"] for error in project.document(2, *command, "--nonsense")["errors"]] == [2]


def test_a_source_that_cannot_be_read_is_a_document_too(project: Project) -> None:
    project.configure(consul_config(NOWHERE))
    for command in (["compile"], ["plan"], ["freeze"], ["explain", "x"], ["sources"]):
        (error,) = project.document(3, *command)["errors"]
        assert (error["status"], error["origin"]["file"]) == (3, "frostline.yaml")


def test_a_plan_names_services_endpoints_and_files(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)
    value = project.document(1, "plan")
    assert (value["changes"], value["lock"]) == (True, True)
    assert value["summary"] == {"add": 0, "change": 1, "remove": 0, "write": 2, "delete": 0}
    assert value["services"] == [
        {
            "service": "payments",
            "version": "v1",
            "action": "change",
            "before": 2,
            "after": 3,
            "added": ["http://10.0.0.8:8080/v1"],
            "removed": [],
            "changed": [],
            "dependents": [],
            "known": True,
            "moved": {},
            "overrides": [],
            "effect": "change",
        }
    ]
    assert [(file["path"], file["action"]) for file in value["files"]] == [
        ("registry.py", "update"),
        ("services.yaml", "update"),
    ]
    assert project.document(0, "compile") == value
    assert project.document(0, "plan")["changes"] is False


def test_a_refusal_is_in_the_document_of_compile_plan_and_freeze(project: Project, empty_consul: ConsulAgent) -> None:
    project.configure(consul_config(empty_consul.address))
    for command in ("compile", "plan", "freeze"):
        value = project.document(4, command)
        findings = value.get("report", value)["findings"]
        assert {finding["rule"] for finding in findings} == {"guard-empty", "guard-source"}
        assert all(finding["help"] for finding in findings)
        assert value.get("segments", []) == []


def test_a_refused_file_is_in_the_plan(project: Project) -> None:
    project.configure(STATIC).write("services.yaml", "mine")
    value = project.document(4, "plan")
    file = {"path": "services.yaml", "output": "services.yaml", "action": "update", "refusal": "adopt"}
    assert file in value["files"]
    assert [finding["rule"] for finding in value["report"]["findings"]] == ["adopt"]


def test_check_lists_what_differs(project: Project) -> None:
    project.configure(STATIC).done("compile")
    project.write("services.yaml", "mine")
    (project.folder / "registry.pyi").unlink()
    missing, edited = project.document(1, "check")["drift"]
    assert missing == {"what": "registry.pyi", "why": "is missing", "lines": [], "help": DRIFT.mend}
    assert edited["lines"][-1] == "1 + mine"
    assert (edited["what"], edited["why"]) == ("services.yaml", "was edited since frostline wrote it")
    assert edited["help"] == EDITED.mend


def test_freeze_lists_its_segments(project: Project, shop: ConsulAgent) -> None:
    value = project.configure(consul_config(shop.address)).document(0, "freeze")
    assert value["lock"] == "frostline.lock"
    segment = {
        "source": "mesh",
        "datacenter": "dc1",
        "namespace": "default",
        "instances": 3,
        "declared": 1,
        "upstreams": 0,
    }
    assert value["segments"] == [segment]


def test_a_lock_that_would_change_and_an_unknown_name_are_documents_too(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    assert [error["status"] for error in project.document(1, "compile", "--locked")["errors"]] == [1]
    assert [error["status"] for error in project.document(1, "explain", "serch")["errors"]] == [1]


def test_a_fault_of_publishing_is_a_document_too(project: Project) -> None:
    project.configure(STATIC).folder.joinpath("services.yaml").mkdir()
    for command in ("compile", "plan", "check"):
        assert [error["status"] for error in project.document(5, command)["errors"]] == [5]


def test_what_a_server_says_at_length_is_shortened(
    project: Project, shop: ConsulAgent, proxied: Callable[..., FaultyProxy]
) -> None:
    proxy = proxied(shop, lambda path, token: (500, "x" * 100_000) if "/catalog/" in path else None)
    done = project.configure(consul_config(proxy.address)).run("compile", "--format", "json")
    (error,) = json.loads(done.stdout)["errors"]
    assert len(error["message"]) < 1000
