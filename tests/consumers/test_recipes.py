"""The recipes of docs/recipes on a hostile catalog: the compilers of Go, Java, TypeScript, and Backstage's policies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from catalog import PLAIN, names_of, odd_instances
from loopback import LoopbackServer
from msgspec.structs import replace
from programs import path_of
from project import Project

from frostline.model import Instance

pytestmark = pytest.mark.more_readers

DOCS = Path(__file__).parents[2] / "docs" / "recipes"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TAG = "a\U000e0001\x00\u2028\x85\\u0041\ufeff"
"""Characters that one language or another takes in an escape of its own only."""

Recipe = Callable[[str], Project]


def blocks(name: str) -> dict[str, str]:
    """The last block of each language in this recipe's page."""
    return dict(BLOCK.findall((DOCS / f"{name}.md").read_text(encoding="utf-8")))


@pytest.fixture
def recipe(project: Project, compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...]) -> Recipe:
    """`recipe("go")`: what the recipe makes of a catalog with every name that its place takes."""

    def make(name: str) -> Project:
        shown = blocks(name)
        (output,) = yaml.safe_load(shown["yaml"])["outputs"]
        del output["path"]
        output.pop("select", None)
        if "template" in output:
            project.write(output["template"], shown["jinja"])
        place = {"backstage": "dns", "go": "go", "java": "env", "octodns": "dns"}.get(name, "")
        names = names_of(place) if place else ("{{ 7*7 }}", "日本語")
        odd = Instance(service=TAG, node="n", id=TAG, address="10.0.0.9", port=80)
        instances = [
            replace(instance, address="mail.example") if instance.service == "mail" else instance
            for instance in odd_instances(servers, names)
        ]
        return compiled({**output, "path": PATHS[name]}, instances=(*instances, odd))

    return make


PATHS = {
    "backstage": "catalog-info.yaml",
    "go": "registry/registry.go",
    "java": "src/example/Service.java",
    "octodns": "zones/services.example.yaml",
    "typescript": "src/registry.json",
}


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout.decode()


def failed(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def urls_by_name(project: Project) -> dict[str, list[str]]:
    """What the registry says: name -> URLs, in order. Compiles again, with the output of which it is certain."""
    config = json.loads(project.read("frostline.yaml"))
    output = {"type": "yaml", "format": "json", "path": "truth.json"}
    project.configure({**config, "outputs": [*config["outputs"], output]}).done("compile", "--offline")
    services = json.loads(project.read("truth.json"))["services"]
    return {
        service if version == "unversioned" else f"{service}-{version}": [e["url"] for e in entry["endpoints"]]
        for service, versions in services.items()
        for version, entry in versions.items()
    }


def test_go_has_every_endpoint_and_finds_a_misspelt_name(recipe: Recipe) -> None:
    project = recipe("go")
    folder = project.folder
    go, gofmt = path_of("go"), path_of("gofmt")
    project.write("go.mod", "module shop\n\ngo 1.21\n")
    main = """package main

import (
	"encoding/json"
	"os"

	"shop/registry"
)

func main() {
	json.NewEncoder(os.Stdout).Encode([]any{registry.NAME, registry.Endpoints})
}
"""
    project.write("main.go", main.replace("NAME", "PaymentsV2"))
    assert ran(gofmt, "-l", ".", cwd=folder) == ""
    ran(go, "vet", "./...", cwd=folder)
    url, endpoints = json.loads(ran(go, "run", ".", cwd=folder))
    expected = urls_by_name(project)
    assert [url] == expected["payments-v2"]
    assert {name: [e["URL"] for e in found] for name, found in endpoints.items()} == {
        name: urls for name, urls in expected.items() if urls
    }
    assert [e["Weight"] for e in sorted(endpoints["weights-v1"], key=lambda e: e["Weight"])] == [0, 1, 65535]
    project.write("main.go", main.replace("NAME", "PaymentsV3"))
    assert "undefined: registry.PaymentsV3" in failed(go, "vet", "./...", cwd=folder)


def test_java_has_every_endpoint_and_finds_a_misspelt_name(recipe: Recipe) -> None:
    project = recipe("java")
    folder = project.folder
    javac, java = path_of("javac"), path_of("java")
    main = """package example;

class Main {
    public static void main(String[] arguments) throws Exception {
        var out = new java.io.PrintStream(System.out, false, "UTF-8");
        out.print(Service.NAME.registered);
        for (Service service : Service.values()) {
            out.print("\\1" + service.registered + "\\2" + String.join("\\2", service.urls));
        }
        out.flush();
    }
}
"""
    project.write("src/example/Main.java", main.replace("NAME", "PAYMENTS_V2"))
    ran(javac, "-Xlint:all", "-Werror", "-encoding", "UTF-8", "-d", "out", "-sourcepath", "src", "src/example/Main.java", cwd=folder)  # fmt: skip  # noqa: E501
    first, *found = ran(java, "-cp", "out", "example.Main", cwd=folder).split("\1")
    assert first == "payments-v2"
    pairs = (line.split("\2") for line in found)
    assert {name: [url for url in urls if url] for name, *urls in pairs} == urls_by_name(project)
    project.write("src/example/Main.java", main.replace("NAME", "PAYMENTS_V3"))
    assert "PAYMENTS_V3" in failed(javac, "-d", "out", "-sourcepath", "src", "src/example/Main.java", cwd=folder)


def test_typescript_finds_a_misspelt_name(recipe: Recipe, npm: Path) -> None:
    project = recipe("typescript")
    folder = project.folder
    project.write("package.json", '{"type": "module"}')
    project.write("src/registry.ts", blocks("typescript")["ts"])
    program = """import { url } from "./registry.js";
console.log(JSON.stringify([url("SERVICE", "VERSION"), url("mail", "unversioned")]));
"""
    command = (npm / ".bin" / "tsc", "--strict", "--module", "nodenext", "--target", "es2022", "--resolveJsonModule")

    def compiling(service: str, version: str) -> subprocess.CompletedProcess[str]:
        project.write("src/main.ts", program.replace("SERVICE", service).replace("VERSION", version))
        return subprocess.run(
            [*command, "--outDir", "out", "src/main.ts"], cwd=folder, capture_output=True, text=True, check=False
        )

    done = compiling("payments", "v2")
    assert done.returncode == 0, done.stdout
    shutil.copy(folder / "package.json", folder / "out")
    expected = urls_by_name(project)
    printed = ran(path_of("node"), "out/main.js", cwd=folder)
    assert json.loads(printed) == [expected["payments-v2"][0], expected["mail"][0]]
    for service, version in (("paymens", "v2"), ("payments", "v3")):
        done = compiling(service, version)
        assert done.returncode != 0
        assert "TS2345" in done.stdout


def test_backstage_takes_every_component(recipe: Recipe, npm: Path) -> None:
    project = recipe("backstage")
    components = read_catalog(project.folder / "catalog-info.yaml", npm)
    by_name = {component["registered"]: component for component in components}
    assert len(by_name) == len({component["name"] for component in components}) == len(components)
    assert {*names_of("dns"), *PLAIN, TAG} <= set(by_name)
    assert by_name["mail"]["owner"] == "group:default/platform"
    assert by_name["a b"]["owner"] == "group:default/a-b"


def test_backstage_sees_who_calls_whom(npm: Path, tmp_path: Path) -> None:
    path = tmp_path / "catalog-info.yaml"
    path.write_text(blocks("backstage")["yml"], encoding="utf-8")
    calls = {component["name"]: component["dependsOn"] for component in read_catalog(path, npm)}
    assert calls["basket-web"] == ["component:default/payments-v1", "component:default/search"]
    assert calls["payments-v1"] == []


def test_octodns_takes_every_record(recipe: Recipe, readers: str, servers: tuple[LoopbackServer, ...]) -> None:
    project = recipe("octodns")
    (providers,) = re.findall(r"^```yml\n(providers:.*?)^```$", (DOCS / "octodns.md").read_text("utf-8"), re.M | re.S)
    config = yaml.safe_load(providers)
    config["providers"]["out"] = {"class": "octodns.provider.yaml.YamlProvider", "directory": "./out"}
    config["zones"] = {"services.example.": {"sources": ["zones"], "targets": ["out"]}}
    project.write("config.yaml", json.dumps(config))
    (project.folder / "out").mkdir()
    programs = Path(readers).parent
    ran(programs / "octodns-validate", "--config-file", "config.yaml", cwd=project.folder)
    ran(programs / "octodns-sync", "--config-file", "config.yaml", "--doit", "--force", cwd=project.folder)
    zone = yaml.safe_load(project.read("out/services.example.yaml"))
    assert zone["ledger"] == {"type": "AAAA", "ttl": 60, "value": servers[-1].address}
    assert zone["payments-v1"] == {"type": "A", "ttl": 60, "value": "127.0.0.1"}
    assert zone["mail"] == {"type": "CNAME", "ttl": 60, "value": "mail.example."}
    assert len(zone["many"]["values"]) == 1000
    assert "empty-v1" not in zone


def read_catalog(path: Path, npm: Path) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("read_catalog.cjs")
    done = subprocess.run(
        [path_of("node"), script, path],
        env={**os.environ, "NODE_PATH": str(npm)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    components: list[dict[str, Any]] = json.loads(done.stdout)
    return components
