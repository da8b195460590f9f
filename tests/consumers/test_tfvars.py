"""`builtin: tfvars`, read by Terraform's own libraries, and by Terraform where there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

import pytest
from catalog import HOSTILE, odd_instances
from loopback import LoopbackServer
from programs import path_of
from project import Project

from frostline.model import Instance

pytestmark = pytest.mark.more_readers

Compiled = Callable[..., Project]
Read = Callable[[Path], dict[str, dict[str, Any]]]

MODULE = Path(__file__).with_name("tfvars")
OUTPUT = {"type": "template", "builtin": "tfvars", "path": "services.auto.tfvars.json"}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """`library(path)`: the variable `services` in the type that variables.tf declares."""
    program = tmp_path_factory.mktemp("tfvars") / "tfvars"
    subprocess.run([path_of("go"), "build", "-o", program, "."], cwd=MODULE, check=True)

    def read(path: Path) -> dict[str, dict[str, Any]]:
        done = subprocess.run(
            [program, MODULE / "variables.tf", path], capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, dict[str, Any]] = json.loads(done.stdout)["services"]
        return found

    return read


def terraform(path: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """What a real Terraform says of the variable: an output of the root module that declares it."""
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("no terraform on PATH: no registry of packages has it")
    shutil.copy(MODULE / "variables.tf", folder)
    shutil.copy(path, folder)
    (folder / "outputs.tf").write_text('output "services" { value = var.services }\n')
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    for command in (["init"], ["apply", "-auto-approve"]):
        subprocess.run([found, *command, "-input=false"], cwd=folder, env=environment, check=True, capture_output=True)
    done = subprocess.run([found, "output", "-json", "services"], cwd=folder, env=environment, capture_output=True)
    services: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return services


def by_name(services: dict[str, dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [service for service in services.values() if service["name"] == name]


def test_a_hostile_catalog_arrives_as_it_is(
    compiled: Compiled, servers: tuple[LoopbackServer, ...], library: Read
) -> None:
    # Terraform normalizes text, so that two names may become one.
    names = [name for name in HOSTILE if is_normalized("NFC", name)]
    services = library(compiled(OUTPUT, instances=odd_instances(servers, names)).folder / OUTPUT["path"])
    for name in names:
        (service,) = by_name(services, name)
        assert (service["id"], set(service["tags"]), service["meta"]) == (name, {name, "web"}, {"owner": name})
    first, second, third, *_, six = servers
    places = [(s["id"], s["node"], s["address"], s["port"]) for s in by_name(services, "payments-v1")]
    assert sorted(places) == sorted(
        ("payments", node, server.address, server.port) for node, server in (("n1", first), ("n2", second))
    )
    assert [s["port"] for s in by_name(services, "payments-v2")] == [third.port]
    assert [s["address"] for s in by_name(services, "ledger")] == [six.address]
    assert [s["address"] for s in by_name(services, "mail")] == ["localhost"]
    assert len(by_name(services, "many")) == 1000
    assert by_name(services, "empty-v1") == []
    assert {service["node_datacenter"] for service in services.values()} == {"dc1"}


def test_terraform_reads_what_its_library_reads(compiled: Compiled, library: Read, tmp_path: Path) -> None:
    path = compiled(OUTPUT).folder / OUTPUT["path"]
    folder = tmp_path / "module"
    folder.mkdir()
    assert terraform(path, folder) == library(path)


def test_the_page_shows_the_module_that_the_tests_declare() -> None:
    declared = (MODULE / "variables.tf").read_text(encoding="utf-8").partition("\n")[2]
    page = Path(__file__).parents[2] / "docs" / "consumers" / "tfvars.md"
    assert f"```hcl\n{declared}```" in page.read_text(encoding="utf-8")


def test_nothing_frozen_is_an_empty_map(compiled: Compiled, library: Read) -> None:
    assert library(compiled(OUTPUT, instances=()).folder / OUTPUT["path"]) == {}


def test_vars_give_each_service_the_meta_of_the_task(compiled: Compiled, library: Read) -> None:
    instances = (Instance(service="web", node="n", id="w", address="10.0.0.1", port=8080),)
    output = {**OUTPUT, "vars": {"meta": {"pool": "${blue}"}}}
    services = library(compiled(output, instances=instances).folder / OUTPUT["path"])
    assert [service["cts_user_defined_meta"] for service in services.values()] == [{"pool": "${blue}"}]
