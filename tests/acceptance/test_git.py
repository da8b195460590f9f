"""A project in a real git repository: merges with and without a conflict, rebases, worktrees, submodules, line ends."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from project import Project, Run, consul_config

pytestmark = pytest.mark.oldest_consul("git sees only what is committed")

GENERATED = ("frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml")
ATTRIBUTES = """\
frostline.lock -text -merge
frostline.manifest -text
registry.py -text -merge linguist-generated
registry.pyi -text -merge linguist-generated
services.yaml -text -merge linguist-generated
"""


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


def git(folder: Path, *arguments: str, status: int = 0) -> str:
    """git in this folder, with no configuration but this."""
    settings = {
        "user.name": "x",
        "user.email": "x@example",
        "commit.gpgsign": "false",
        "core.hooksPath": os.devnull,
        "merge.conflictStyle": "merge",
        "protocol.file.allow": "always",
        "init.defaultBranch": "main",
    }
    with_settings = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        [shutil.which("git") or "git", *with_settings, *arguments],
        cwd=folder,
        env={**environment, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(project: Project, message: str) -> None:
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message", message)


def register(consul: ConsulAgent, *names: str) -> None:
    for name in names:
        consul.catalog_register("n1", name, address="10.0.0.1", port=8000)


@pytest.fixture
def town(project: Project, empty_consul: ConsulAgent) -> Project:
    """svc00 to svc19, published and committed on `main`."""
    register(empty_consul, *(f"svc{number:02}" for number in range(20)))
    project.configure(consul_config(empty_consul.address)).done("compile")
    git(project.folder, "init", "--quiet")
    commit(project, "all")
    return project


def branch(project: Project, consul: ConsulAgent, name: str, *, adds: str = "", removes: str = "") -> None:
    """A branch from `main`'s first commit, published while Consul differs by this; Consul is as it was afterwards."""
    git(
        project.folder,
        "checkout",
        "--quiet",
        "-b",
        name,
        git(project.folder, "rev-list", "--max-parents=0", "main").strip(),
    )
    if adds:
        register(consul, adds)
    if removes:
        consul.catalog_deregister("n1", removes)
    project.done("compile")
    commit(project, f"with {adds}, without {removes}")
    if adds:
        consul.catalog_deregister("n1", adds)
    if removes:
        register(consul, removes)


def start_anew(project: Project) -> None:
    """What is there now is `main`'s first commit."""
    git(project.folder, "checkout", "--quiet", "--orphan", "start")
    commit(project, "start")
    git(project.folder, "branch", "--quiet", "--force", "main")


def is_settled(project: Project) -> None:
    """Nothing is left of a merge."""
    project.done("check")
    for name in GENERATED:
        assert b"<<<<<<<" not in project.read(name)


@pytest.mark.parametrize(
    ("style", "attributes", "names"),
    [
        ("merge", "", ("svc05a", "svc05b")),
        ("diff3", "", ("svc05a", "svc05b")),
        ("merge", "", ("svc03a", "svc15a")),
        ("merge", ATTRIBUTES, ("svc03a", "svc15a")),
    ],
)
def test_one_command_settles_a_merge_of_two_branches_that_both_froze(
    town: Project, empty_consul: ConsulAgent, style: str, attributes: str, names: tuple[str, str]
) -> None:
    if attributes:
        town.write(".gitattributes", attributes)
        commit(town, "attributes")
        start_anew(town)
    branch(town, empty_consul, "ours", adds=names[0])
    branch(town, empty_consul, "theirs", adds=names[1])
    git(town.folder, "checkout", "--quiet", "ours")
    git(town.folder, "-c", f"merge.conflictStyle={style}", "merge", "theirs", status=1)
    register(empty_consul, *names)
    assert "`frostline compile`" in town.refused(2, "check").stderr
    if names[0] == "svc05a":
        said = town.refused(2, "compile", "--offline").stderr
        assert "the lock has merge conflicts\n  help: run `frostline compile`" in said
    warnings = town.done("compile").stderr
    assert "warning[manifest-broken]: the manifest has merge conflicts; it is written anew" in warnings
    is_settled(town)
    assert all(f'"service":"{name}"'.encode() in town.read("frostline.lock") for name in names)
    commit(town, "merged")


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_without_a_network_one_side_of_the_lock_settles_it(town: Project, empty_consul: ConsulAgent, side: str) -> None:
    branch(town, empty_consul, "theirs", adds="svc05b")
    branch(town, empty_consul, "ours", adds="svc05a")
    git(town.folder, "merge", "theirs", status=1)
    git(town.folder, "checkout", f"--{side}", "frostline.lock")
    town.done("compile", "--offline")
    is_settled(town)
    assert (b"svc05a" in town.read("services.yaml")) == (side == "ours")


def test_a_merge_without_a_word_of_git_is_caught_and_mended(town: Project, empty_consul: ConsulAgent) -> None:
    git(town.folder, "rm", "--quiet", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml")
    commit(town, "the lock alone")
    town.write(".gitignore", "frostline.manifest\nregistry.py\nregistry.pyi\nservices.yaml\n")
    commit(town, "outputs are made elsewhere")
    start_anew(town)
    branch(town, empty_consul, "ours", adds="svc03a")
    branch(town, empty_consul, "theirs", adds="svc15a")
    git(town.folder, "checkout", "--quiet", "ours")
    git(town.folder, "merge", "--no-edit", "theirs")
    register(empty_consul, "svc03a", "svc15a")
    said = town.refused(2, "list").stderr
    assert "frostline.lock:2:1: error: the segment announces 21 lines, 22 follow: did git merge two branches?" in said
    town.done("freeze")
    assert "svc15a" in town.refused(0, "list").stdout


def test_the_attributes_keep_git_from_merging_the_lock_without_a_word(town: Project, empty_consul: ConsulAgent) -> None:
    town.write(".gitattributes", ATTRIBUTES)
    commit(town, "attributes")
    start_anew(town)
    branch(town, empty_consul, "ours", adds="svc03a")
    branch(town, empty_consul, "theirs", adds="svc15a")
    git(town.folder, "checkout", "--quiet", "ours")
    ours = {name: town.read(name) for name in GENERATED}
    said = git(town.folder, "merge", "theirs", status=1)
    for name in GENERATED:
        assert f"CONFLICT (content): Merge conflict in {name}" in said
        assert (town.read(name) == ours[name]) == (name != "frostline.manifest")


def test_a_rebase_is_settled_as_a_merge_is(town: Project, empty_consul: ConsulAgent) -> None:
    branch(town, empty_consul, "ours", adds="svc05a")
    branch(town, empty_consul, "theirs", adds="svc05b")
    register(empty_consul, "svc05a", "svc05b")
    git(town.folder, "rebase", "ours", status=1)
    town.done("compile")
    is_settled(town)
    git(town.folder, "add", "--all")
    git(town.folder, "rebase", "--continue")
    is_settled(town)


def test_the_guards_hold_for_what_either_side_of_a_merge_published(town: Project, empty_consul: ConsulAgent) -> None:
    config = town.read("frostline.yaml").decode()
    branch(town, empty_consul, "ours", adds="svc05a")
    git(town.folder, "checkout", "--quiet", "main")
    register(empty_consul, *(f"new{number:02}" for number in range(20)))
    git(town.folder, "checkout", "--quiet", "-b", "theirs")
    town.done("compile")
    commit(town, "twenty more")
    for number in range(20):
        empty_consul.catalog_deregister("n1", f"new{number:02}")
    git(town.folder, "checkout", "--quiet", "ours")
    git(town.folder, "merge", "theirs", status=1)
    assert town.read("frostline.yaml").decode() == config
    for command in ("compile", "freeze"):
        assert "error[guard-delete]: 21 of 41 services are not registered any more" in town.refused(4, command).stderr
    town.done("compile", "--allow", "deletes")
    is_settled(town)


def test_confirmations_are_settled_with_the_rest(town: Project, empty_consul: ConsulAgent) -> None:
    town.configure({**consul_config(empty_consul.address), "confirmed": "frostline.confirmed"}).done("compile")
    commit(town, "confirmed")
    start_anew(town)
    for name, at in (("theirs", "2026-01-01T00:00:00Z"), ("ours", "2026-02-02T00:00:00Z")):
        branch(town, empty_consul, name, adds=f"svc05{name}")
        path = town.folder / "frostline.confirmed"
        path.write_text(re.sub('"at":"[^"]*"', f'"at":"{at}"', path.read_text()))
        commit(town, "some time passed")
    assert "Merge conflict in frostline.confirmed" in git(town.folder, "merge", "theirs", status=1)
    town.done("compile")
    town.done("check", "--max-age", "1h")


def test_a_merge_of_a_lock_folder_is_settled_file_by_file(town: Project, empty_consul: ConsulAgent) -> None:
    (town.folder / "frostline.lock").unlink()
    town.configure({**consul_config(empty_consul.address), "lock": "locks/"}).done("compile")
    commit(town, "a file a segment")
    start_anew(town)
    branch(town, empty_consul, "theirs", adds="svc05b")
    branch(town, empty_consul, "ours", adds="svc05a")
    git(town.folder, "merge", "theirs", status=1)
    assert "locks/mesh.dc1.default.lock:" in town.refused(2, "check").stderr
    lock = town.read("locks/mesh.dc1.default.lock")
    town.done("freeze", "--datacenter", "dc1")
    (town.folder / "locks/mesh.dc1.default.lock").write_bytes(lock)
    town.done("compile")
    town.done("check")


def test_where_neither_lock_nor_manifest_can_be_read_nothing_is_published_unasked(
    town: Project, empty_consul: ConsulAgent
) -> None:
    (town.folder / "frostline.lock").write_bytes(b"")
    (town.folder / "frostline.manifest").write_bytes(b"garbage\n")
    for command in ("compile", "freeze"):
        said = town.refused(4, command).stderr
        assert "error[guard-unknown]: nothing says what was published: frostline.manifest:1:1: not a manifest" in said
        town.refused(4, command, "--allow", "deletes=svc00")
    town.done("compile", "--allow", "deletes")
    is_settled(town)


def test_a_manifest_that_is_cut_is_mended_and_the_lock_says_what_was_published(
    town: Project, empty_consul: ConsulAgent
) -> None:
    manifest = town.folder / "frostline.manifest"
    whole = manifest.read_bytes()
    for broken in (
        whole[:-300],
        b"",
        whole.replace(b"\n", b"\r\n"),
        whole.replace(b'{"service":"svc07"', b'{"service"'),
    ):
        manifest.write_bytes(broken)
        assert "`frostline compile`, which writes it anew" in town.refused(2, "check").stderr
        for arguments in (["--offline"], []):
            manifest.write_bytes(broken)
            town.done("compile", *arguments)
            assert manifest.read_bytes() == whole
    manifest.write_bytes(b"")
    for number in range(10):
        empty_consul.catalog_deregister("n1", f"svc{number:02}")
    assert "error[guard-delete]: 10 of 20" in town.refused(4, "compile").stderr


def test_an_edit_beside_a_merge_is_an_edit_still(town: Project, empty_consul: ConsulAgent) -> None:
    services = town.folder / "services.yaml"
    services.write_bytes(services.read_bytes() + b"# mine\n")
    register(empty_consul, "more")
    assert "error[edited]" in town.refused(4, "compile").stderr


def test_one_output_alone_cannot_settle_a_merge(town: Project, empty_consul: ConsulAgent) -> None:
    branch(town, empty_consul, "ours", adds="svc05a")
    branch(town, empty_consul, "theirs", adds="svc05b")
    git(town.folder, "merge", "ours", status=1)
    assert "run `frostline compile` without `--only`" in town.refused(2, "compile", "--only", "services.yaml").stderr


def test_files_that_one_side_of_a_merge_no_longer_writes_are_deleted(town: Project, empty_consul: ConsulAgent) -> None:
    both = town.read("frostline.yaml").decode()
    git(town.folder, "checkout", "--quiet", "-b", "ours")
    register(empty_consul, "svc05a")
    town.done("compile")
    commit(town, "one more")
    git(town.folder, "checkout", "--quiet", "-b", "theirs", "main")
    config = consul_config(empty_consul.address)
    town.configure({**config, "outputs": config["outputs"][:1]}).done("compile", "--allow", "orphans")
    commit(town, "no YAML")
    git(town.folder, "merge", "ours", status=1)
    assert (town.folder / "services.yaml").exists()
    assert town.read("frostline.yaml").decode() != both
    assert "error[orphans]" in town.refused(4, "compile").stderr
    town.done("compile", "--allow", "orphans=services.yaml")
    assert not (town.folder / "services.yaml").exists()
    town.done("check")


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
