"""A project in a real git repository: earlier revisions, worktrees, submodules, line ends, Git LFS, permissions."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from git_projects import ATTRIBUTES, GENERATED, commit, git, register
from project import Project, Run

pytestmark = pytest.mark.oldest_consul("git sees only what is committed")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.mark.parametrize("way", ["revert", "the lock of a revision"])
def test_an_earlier_registry_comes_back_without_a_server(town: Project, empty_consul: ConsulAgent, way: str) -> None:
    earlier = {name: town.read(name) for name in GENERATED}
    register(empty_consul, "new")
    town.done("compile")
    commit(town, "new")
    if way == "revert":
        git(town.folder, "revert", "HEAD")
    else:
        git(town.folder, "checkout", "HEAD~1", "--", "frostline.lock")
        assert town.refused(1, "check").stdout
        town.done("compile", "--offline")
    town.done("check")
    assert {name: town.read(name) for name in GENERATED} == earlier


def test_a_worktree_is_a_project_of_its_own(town: Project, empty_consul: ConsulAgent, tmp_path: Path) -> None:
    git(town.folder, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    tree = Project(tmp_path / "tree", town._run)
    tree.done("check")
    register(empty_consul, "more")
    tree.done("compile")
    commit(tree, "one more")
    assert "more" in tree.refused(1, "diff", "main", "other").stdout
    town.done("check")


def test_a_submodule_is_a_project_of_its_own(town: Project, empty_consul: ConsulAgent, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    git(above, "init", "--quiet")
    git(above, "submodule", "--quiet", "add", str(town.folder), "registry")
    inner = Project(above / "registry", town._run)
    inner.done("check")
    register(empty_consul, "more")
    inner.done("compile")
    commit(inner, "one more")
    assert "more" in inner.refused(1, "diff", "HEAD~1", "HEAD").stdout


def test_a_clone_whose_line_ends_git_converted_names_the_attributes_that_keep_it_from_that(
    town: Project, empty_consul: ConsulAgent, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", str(town.folder), "clone")
    clone = Project(tmp_path / "clone", town._run)
    whole = {name: town.read(name) for name in GENERATED}
    for name in GENERATED[:2]:
        said = clone.refused(2, "check").stderr
        assert said.startswith(f"{name}:1:1: error: the lines end in CRLF")
        assert f"the line `{name} -text` in .gitattributes" in said
        (clone.folder / name).write_bytes(whole[name])
    done = clone.refused(1, "check")
    for name in GENERATED[2:]:
        assert f"{name} has CRLF line ends: git has converted them" in done.stdout
        assert f"`{name} -text` in .gitattributes" in done.stderr
    for name in GENERATED[:2]:
        (clone.folder / name).write_bytes(whole[name].replace(b"\n", b"\r\n"))
    clone.done("compile")
    assert {name: clone.read(name) for name in GENERATED} == whole
    clone.done("check")

    clone.write(".gitattributes", ATTRIBUTES)
    for name in GENERATED:
        (clone.folder / name).unlink()
    git(clone.folder, "checkout", "--", *GENERATED)
    clone.done("check")
    assert git(clone.folder, "status", "--short") == "?? .gitattributes\n"


def test_what_git_lfs_has_not_fetched_is_named_and_is_no_edit(town: Project) -> None:
    whole = {name: town.read(name) for name in GENERATED}

    def pointer(name: str) -> bytes:
        digest = sha256(whole[name]).hexdigest()
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(whole[name])}\n".encode()

    for names in (["frostline.lock"], ["frostline.manifest"], ["services.yaml"], [*GENERATED[:1], *GENERATED[2:]]):
        for name in names:
            (town.folder / name).write_bytes(pointer(name))
        said = town.run("check")
        assert "is a pointer of Git LFS" in said.stdout + said.stderr
        assert "run `git lfs pull` to get" in said.stderr
        town.done("compile")
        assert {name: town.read(name) for name in GENERATED} == whole


def test_other_permissions_of_a_checkout_are_no_drift(town: Project) -> None:
    for mode in (0o600, 0o640, 0o664, 0o755, 0o777):
        for name in GENERATED:
            (town.folder / name).chmod(mode)
        town.done("check")
        assert town.refused(0, "plan").stderr == ""
