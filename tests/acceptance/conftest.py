"""What the acceptance tests share: a folder to run the command in, and a proxy that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import git_projects
import pytest
from ci_jobs import Jobs, git
from code_host import CodeHost
from consul_agent import ConsulAgent
from faulty_proxy import Fault, FaultyProxy
from project import Project, Run, consul_config
from warm_command import WarmCommand
from watching import Watch


@pytest.fixture
def runner(run_frostline: Callable[..., Run]) -> Callable[..., Run]:
    """How `project` runs the command: in a process of its own. A module may have `run_here` in its place."""
    return run_frostline


@pytest.fixture
def project(tmp_path: Path, runner: Callable[..., Run]) -> Project:
    """An empty folder; `project.configure(…)`, then `project.run(…)`."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, runner)


@pytest.fixture
def proxied() -> Iterator[Callable[..., FaultyProxy]]:
    """`proxied(agent, fault=None)`: a proxy before this agent, which ends with the test."""
    started: list[FaultyProxy] = []

    def start(agent: ConsulAgent, fault: Fault | None = None) -> FaultyProxy:
        started.append(FaultyProxy(agent.port, fault))
        return started[-1]

    yield start
    for proxy in started:
        proxy.stop()


@pytest.fixture
def shop(empty_consul: ConsulAgent) -> ConsulAgent:
    """A Consul with payments v1 on two nodes, search on the first, and ledger, which is critical, on the second."""
    empty_consul.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    empty_consul.catalog_register("n2", "payments-v1", address="10.0.0.2", port=8080)
    empty_consul.catalog_register("n1", "search", address="10.0.0.1", port=9200, tags=["api"])
    empty_consul.catalog_register("n2", "ledger", address="10.0.0.2", port=7000, status="critical")
    return empty_consul


@pytest.fixture
def town(project: Project, empty_consul: ConsulAgent) -> Project:
    """svc00 to svc19, published and committed on `main`."""
    git_projects.register(empty_consul, *(f"svc{number:02}" for number in range(20)))
    project.configure(consul_config(empty_consul.address)).done("compile")
    git_projects.git(project.folder, "init", "--quiet")
    git_projects.commit(project, "all")
    return project


@pytest.fixture(params=["github", pytest.param("gitlab", marks=pytest.mark.more_readers)])
def kind(request: pytest.FixtureRequest) -> str:
    """The host of a job of CI."""
    return str(request.param)


@pytest.fixture
def empty_jobs(tmp_path: Path, project: Project, kind: str, warm_command: WarmCommand) -> Iterator[Jobs]:
    """An empty repository on a host, and `project`, which is a work tree of it."""
    bare = tmp_path / "remote" / "shop.git"
    bare.mkdir(parents=True)
    git(bare, "init", "--quiet", "--bare")
    git(project.folder, "init", "--quiet")
    host = CodeHost(bare)
    yield Jobs(tmp_path, project, host, kind, warm_command)
    host.stop()


@pytest.fixture
def shop_jobs(empty_jobs: Jobs, shop: ConsulAgent) -> Jobs:
    """A repository whose `main` has the shop as it is now."""
    empty_jobs.project.configure(consul_config(shop.address)).done("compile")
    empty_jobs.push("all")
    return empty_jobs


@pytest.fixture
def watch(project: Project) -> Iterator[Callable[..., Watch]]:
    started: list[Watch] = []

    def start(*options: str, env: dict[str, str] | None = None, hour: float | None = None) -> Watch:
        started.append(Watch(project.folder, *options, env=env, hour=hour))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
