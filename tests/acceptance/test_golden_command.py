"""What the command says, word for word: each file of tests/golden/command is what one session on a terminal shows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from project import PARTNERS, STATIC, Project, Run, consul_config

GOLDEN = Path(__file__).parents[1] / "golden" / "command"

Session = Callable[..., None]


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def session(project: Project, request: pytest.FixtureRequest) -> Iterator[Session]:
    """`session(*arguments)` runs the command and notes it. At the end the notes are those of the golden file, which
    has the test's name; with FROSTLINE_WRITE_GOLDEN set it is written.
    """
    notes: list[str] = []

    def run(*arguments: str) -> None:
        done = project.run(*arguments)
        stderr = "".join(f"2> {line}\n" for line in done.stderr.splitlines())
        notes.append(f"$ frostline {' '.join(arguments)}\n{done.stdout}{stderr}exit {done.returncode}\n")

    yield run
    golden = GOLDEN / f"{request.node.originalname.removeprefix('test_').replace('_', '-')}.txt"
    said = "\n".join(notes)
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


def changed(project: Project, **keys: Any) -> None:
    """The configuration with these keys in place of its own."""
    project.configure({**json.loads(project.read("frostline.yaml")), **keys})


def test_compile(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    session("compile")
    session("compile")
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)
    shop.catalog_deregister("n1", "search")
    changed(project, checks={"policies": {"required": {"value": ["search"], "severity": "warning"}}})
    session("compile", "-v")
    changed(project, outputs=[{"type": "yaml", "path": "services.yaml"}])
    session("compile")
    session("compile", "--allow", "orphans=registry.py*")


def test_compile_refused(project: Project, session: Session, shop: ConsulAgent) -> None:
    config = consul_config(
        shop.address, checks={"policies": {"meta": {"required": ["owner"]}, "ports": {"allow": ["9000-9999"]}}}
    )
    project.configure(config)
    session("compile")
    changed(project, checks={})
    project.write("services.yaml", "mine\n")
    session("compile")
    session("compile", "--allow", "adopt")
    project.write("registry.py", "mine\n")
    session("compile")
    for node in ("n1", "n2"):
        shop.catalog_deregister(node)
    session("compile", "--allow", "edited")
    session("compile", "--allow", "everything")


def test_compile_unreadable(project: Project, session: Session) -> None:
    config = consul_config("http://127.0.0.1:9")
    config["sources"]["other"] = {"type": "consul", "address": "http://127.0.0.1:9", "token": {"env": "NO_SUCH_TOKEN"}}
    project.configure(config)
    session("compile")
    session("compile", "--offline")


def test_plan(project: Project, session: Session, shop: ConsulAgent) -> None:
    config = consul_config(shop.address)
    config["sources"]["partners"] = PARTNERS
    project.configure(config)
    session("plan")
    project.done("compile")
    shop.catalog_deregister("n2", "payments-v1")
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)
    shop.catalog_register("n3", "payments-v2", address="10.0.0.8", port=8090)
    shop.catalog_register("n1", "search", address="10.0.0.1", port=9200, tags=["api", "slow"])
    session("plan")
    shop.catalog_deregister("n1", "search")
    changed(project, outputs=[{"type": "yaml", "path": "registry/services.yaml"}])
    session("plan")
    session("plan", "--offline")
    project.done("freeze")
    session("plan", "--allow", "orphans")
    project.done("compile", "--allow", "orphans")
    shop.catalog_deregister("n1", "payments-v1")
    shop.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8081)
    session("plan")
    session("plan", "-v")
    project.done("compile")
    shop.catalog_deregister("n1", "payments-v1")
    shop.catalog_register("n1", "payments-v1", id="other", address="10.0.0.1", port=8081)
    session("plan")
    session("plan", "--registry-only")


def test_plan_refused(project: Project, session: Session, empty_consul: ConsulAgent) -> None:
    for number in range(5):
        empty_consul.catalog_register("n1", f"s{number}", address="10.0.0.1", port=8000 + number)
    project.configure(consul_config(empty_consul.address)).done("compile")
    for number in range(4):
        empty_consul.catalog_deregister("n1", f"s{number}")
    project.write("services.yaml", "mine\n")
    session("plan", "--today", "2026-01-01")
    session("plan", "--allow", "deletes,edited")


def test_check(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(STATIC)
    session("check")
    project.done("compile")
    session("check")
    (project.folder / "registry.pyi").unlink()
    project.write("registry.py", "mine\n")
    changed(project, sources={"partners": {"type": "static", "services": {"billing": "https://b.example"}}})
    session("check")
    project.done("compile", "--allow", "edited")
    changed(project, outputs=STATIC["outputs"][:1])
    session("check")
    changed(project, checks={"policies": {"required": ["mail"]}})
    session("check")


def test_check_live(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    session("check", "--live")
    shop.catalog_register("n3", "payments-v2", address="10.0.0.8", port=8090)
    shop.catalog_deregister("n1", "search")
    session("check", "--live")
    project.done("compile")
    shop.catalog_deregister("n3")
    shop.catalog_register("n4", "payments-v2", address="10.0.0.8", port=8090)
    session("check", "--live")
    session("check", "--live", "--exact")
    session("compile", "--locked")
    session("compile", "--locked", "--exact")
    shop.catalog_deregister("n4")
    session("compile", "--locked")


def test_freeze(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    session("freeze")
    session("freeze")
    session("freeze", "--source", "mesh", "--datacenter", "dc1", "--out", "dc1.lock")
    session("freeze", "--datacenter", "dc2")
    session("freeze", "--source", "mash")
    for node in ("n1", "n2"):
        shop.catalog_deregister(node)
    session("freeze")


def test_list(project: Project, session: Session, shop: ConsulAgent) -> None:
    config = consul_config(shop.address)
    config["sources"]["partners"] = PARTNERS
    project.configure(config)
    session("list")
    project.done("freeze")
    session("list")


def test_explain(project: Project, session: Session, shop: ConsulAgent) -> None:
    shop.catalog_register("n3", "payments-v1", id="side", address="10.0.0.3", port=8080, kind="connect-proxy")
    shop.catalog_register("n4", "payments-v1", id="sick", address="10.0.0.4", port=8080, status="critical")
    shop.catalog_register("n4", "payments-v2", address="10.0.0.4", port=8090)
    shop.catalog_register("n4", "mail-v3", address="10.0.0.4", port=25)
    config = consul_config(shop.address, precedence=["partners", "mesh"])
    config["sources"]["partners"] = PARTNERS
    project.configure(config)
    session("explain", "payments")
    session("explain", "payments", "v2")
    session("explain", "mail")
    session("explain", "ledger")
    session("explain", "consul")
    session("explain", "payment")
    session("explain", "payments", "v3")
    project.done("freeze")
    session("explain", "payments", "v1", "--offline")


def test_diff(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address)).done("compile")
    git(project, "init", "--quiet", "--initial-branch=main")
    commit(project)
    shop.catalog_deregister("n1", "search")
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)
    shop.catalog_register("n3", "mail-v3", address="10.0.0.8", port=25)
    project.done("compile")
    session("diff", "HEAD", "frostline.lock")
    commit(project)
    session("diff", "HEAD", "frostline.lock")
    session("diff", "main", "HEAD~1", "--format", "markdown")
    changed(project, sources={"mesh": {**consul_config(shop.address)["sources"]["mesh"], "select": {"tags": ["api"]}}})
    session("diff", "HEAD~1", "HEAD")
    session("diff", "HEAD~2", "HEAD")
    session("diff", "old.lock", "HEAD")
    session("diff", "HEAD:frostline.lock", "HEAD")
    session("diff", "HEAD")


def git(project: Project, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(project.folder), *arguments], check=True)


def commit(project: Project) -> None:
    git(project, "add", ".")
    git(project, "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--quiet", "-m", "x")


def test_sources(project: Project, session: Session, shop: ConsulAgent) -> None:
    config = consul_config(shop.address)
    config["sources"]["partners"] = PARTNERS
    config["sources"]["edge"] = {
        "type": "router",
        "url": "http://router/{service}-{version}/{version}",
        "services": {"from": ["mesh"]},
    }
    project.configure(config)
    session("sources")
    config["sources"]["broken"] = {"type": "consul", "address": "http://127.0.0.1:9", "retries": 0}
    project.configure(config)
    session("sources")


def test_rule(project: Project, session: Session) -> None:
    session("rule", "port-zero", "--today", "2026-01-01")
    session("rule", "port-zero", "--today", "2026-01-01", "--format", "json")
    session("rule", "port-zeros")


def test_schema(project: Project, session: Session) -> None:
    session("schema")
    session("schema", "registri")


def test_completion(session: Session) -> None:
    session("completion", "zhs")
    session("completion", "$(id)")


def test_every_golden_file_has_a_test() -> None:
    tests = {name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in GOLDEN.iterdir()} == tests - {"every-golden-file-has-a-test"}


def test_graph(project: Project, session: Session, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    project.run("compile")
    session("graph")
    session("graph", "-q")
    session("graph", "--format", "json")
    session("graph", "--as", "dot")
    session("graph", "--as", "mermaid")
