"""A second process, which large registries get, changes nothing but the time: the same words, status and files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from project import OUTPUTS, PARTNERS, Project, Run, consul_config

from frostline.pipeline import ahead, child, spool

pytestmark = pytest.mark.oldest_consul("what a source answered is the same whether one process renders it or two")

HIERA = {"type": "hiera", "path": "data", "layers": ["datacenter"]}
TEMPLATE = {"type": "template", "template": "hosts.j2", "path": "hosts.txt"}
MANY = [*OUTPUTS, HIERA, TEMPLATE, {"type": "yaml", "path": "split", "split": "service", "name": "split"}]
HOSTS = "{% for service in services %}{{ service.name }}\n{% endfor %}"


class Forks:
    """How many processes were begun beside the command's own, and how many of them gave something."""

    def __init__(self) -> None:
        self.begun = self.told = 0


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Forks:
    """From here on a second process is begun wherever one can be."""
    forks = Forks()
    monkeypatch.setattr(spool, "FEWEST_SHARED", 0)
    monkeypatch.setattr(ahead, "FEWEST_BYTES", 0)
    for module in (ahead, spool):
        monkeypatch.setattr(module, "cpus", lambda: 2)

    class Counted(child.Child):
        def __init__(self, *arguments, **options) -> None:
            forks.begun += 1
            super().__init__(*arguments, **options)

        def result(self) -> bytes | None:
            said = super().result()
            forks.told += bool(said)
            return said

    for module in (ahead, spool):
        monkeypatch.setattr(module, "Child", Counted)
    return forks


Prepare = Callable[[Project, ConsulAgent], object]


def nothing(project: Project, shop: ConsulAgent) -> None:
    """No change at all."""


def more_instances(project: Project, shop: ConsulAgent) -> None:
    shop.catalog_register("n3", "payments-v1", address="10.0.0.8", port=8080)


def fewer_instances(project: Project, shop: ConsulAgent) -> None:
    shop.request("PUT", "/v1/catalog/deregister", {"Node": "n1"})


def no_instances(project: Project, shop: ConsulAgent) -> None:
    for node in ("n1", "n2"):
        shop.request("PUT", "/v1/catalog/deregister", {"Node": node})


def edited_output(project: Project, shop: ConsulAgent) -> None:
    project.write("services.yaml", "mine")


def missing_output(project: Project, shop: ConsulAgent) -> None:
    (project.folder / "registry.pyi").unlink()


def missing_manifest(project: Project, shop: ConsulAgent) -> None:
    (project.folder / "frostline.manifest").unlink()


def missing_lock(project: Project, shop: ConsulAgent) -> None:
    (project.folder / "frostline.lock").unlink()


def broken_lock(project: Project, shop: ConsulAgent) -> None:
    project.write("frostline.lock", project.read("frostline.lock").decode()[:-40])


def lock_with_other_spaces(project: Project, shop: ConsulAgent) -> None:
    project.write("frostline.lock", project.read("frostline.lock").decode().replace('"port":', '"port": '))


def another_template(project: Project, shop: ConsulAgent) -> None:
    project.write("hosts.j2", HOSTS + "end\n")


def broken_template(project: Project, shop: ConsulAgent) -> None:
    project.write("hosts.j2", HOSTS + "{{ nothing.at.all }}")


def another_name(project: Project, shop: ConsulAgent) -> None:
    project.configure(config(shop, outputs=[{**MANY[0], "name": "renamed"}, *MANY[1:]]))


def other_settings(project: Project, shop: ConsulAgent) -> None:
    project.configure(config(shop, source={"select": {"services": ["payments-*", "search"]}}))


def a_warning(project: Project, shop: ConsulAgent) -> None:
    policies = {"tags": {"required": ["api"], "severity": "warning"}}
    project.configure(config(shop, checks={"policies": policies}))


def an_error(project: Project, shop: ConsulAgent) -> None:
    project.configure(config(shop, checks={"policies": {"required": ["nobody/v1"]}}))


def config(shop: ConsulAgent, **more: object) -> dict[str, object]:
    sources = consul_config(shop.address, source=more.pop("source", None))["sources"]
    return {
        "version": 1,
        "sources": {**sources, "partners": PARTNERS},
        "precedence": ["partners", "mesh"],
        "outputs": MANY,
        **more,
    }


@pytest.fixture
def published(project: Project, shop: ConsulAgent, run_here: Callable[..., Run]) -> Project:
    """Compiled by one process."""
    project = Project(project.folder, run_here)
    project.write("hosts.j2", HOSTS)
    project.configure(config(shop)).done("compile")
    return project


CHANGES = [
    nothing,
    more_instances,
    fewer_instances,
    no_instances,
    edited_output,
    missing_output,
    missing_manifest,
    missing_lock,
    broken_lock,
    lock_with_other_spaces,
    another_template,
    broken_template,
    another_name,
    other_settings,
    a_warning,
    an_error,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_two_processes_say_and_do_what_one_does(
    change: Prepare, published: Project, shop: ConsulAgent, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    change(published, shop)
    runs = []
    commands = (["compile"], ["compile", "--format", "json"], ["compile", "--offline"], ["plan"], ["check"])
    for arguments in commands:
        folder = tmp_path / f"copy-{len(runs)}"
        shutil.copytree(published.folder, folder)
        alone = Project(folder, published._run)
        runs.append((alone.run(*arguments), alone.contents()))
        shutil.rmtree(folder)
    forks: Forks = request.getfixturevalue("forks")
    for arguments, (said, contents) in zip(commands, runs, strict=True):
        folder = tmp_path / f"copy-{runs.index((said, contents))}"
        shutil.copytree(published.folder, folder)
        beside = Project(folder, published._run)
        again = beside.run(*arguments)
        assert (again.returncode, again.stdout, again.stderr) == (said.returncode, said.stdout, said.stderr)
        assert beside.contents() == contents
        shutil.rmtree(folder)
    assert forks.begun > 0


def test_where_nothing_moved_the_second_process_has_done_all_there_was_to_do(published: Project, forks: Forks) -> None:
    before = published.tree()
    assert "Up to date" in published.done("compile").stderr
    assert (forks.begun, forks.told) == (1, 1)
    assert published.tree() == before


def test_where_something_moved_what_the_second_process_found_is_not_asked_for(
    published: Project, shop: ConsulAgent, forks: Forks
) -> None:
    more_instances(published, shop)
    published.done("compile")
    assert (forks.begun, forks.told) == (2, 1)  # one looked, the other one rendered
