"""A project in a real git repository: merges and rebases, with and without a conflict, and what they leave."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from consul_agent import ConsulAgent
from git_projects import ATTRIBUTES, GENERATED, commit, git, register
from project import Project, Run, consul_config

pytestmark = pytest.mark.oldest_consul("git sees only what is committed")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


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
