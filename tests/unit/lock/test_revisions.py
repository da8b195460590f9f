"""Reading the lock of a git revision, from real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from frostline.errors import UsageError
from frostline.lock.codec import lock_chunks, lock_of
from frostline.lock.revisions import read_lock_at
from frostline.lock.store import lock_files
from frostline.model import Instance, Lock, Snapshot

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")


def lock(*names: str, datacenters: tuple[str, ...] = ("dc1",)) -> Lock:
    instances = tuple(Instance(service=name, node="n", id=name, address="10.0.0.1", port=80) for name in names)
    return lock_of(
        Snapshot(source="mesh", datacenter=datacenter, namespace="", settings="sha256:0", instances=instances)
        for datacenter in datacenters
    )


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", str(self.folder), *arguments], check=True)

    def commit(self, files: dict[str, bytes]) -> None:
        """A commit in which these are all files."""
        self.git("rm", "-r", "--quiet", "--ignore-unmatch", ".")
        for name, data in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
        self.git("add", ".")
        self.git(*IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "x")

    def read(self, revision: str, name: str = "frostline.lock", *, is_folder: bool = False) -> Lock:
        return read_lock_at(revision, self.folder / name, is_folder=is_folder, shown=name)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def content(found: Lock) -> bytes:
    return b"".join(lock_chunks(found.snapshots))


def test_each_revision_gives_the_lock_that_was_committed_in_it(repository: Repository) -> None:
    repository.commit({"frostline.lock": content(lock("a"))})
    repository.git("tag", "night")
    repository.commit({"frostline.lock": content(lock("a", "b"))})
    (repository.folder / "frostline.lock").write_text("not committed")
    assert repository.read("HEAD") == repository.read("main") == lock("a", "b")
    assert repository.read("HEAD~1") == repository.read("night") == lock("a")


def test_a_lock_in_a_folder_is_all_its_files_in_that_revision(repository: Repository) -> None:
    both = lock("a", datacenters=("dc1", "dc2"))
    files = {f"conf/locks/{file.path.name}": b"".join(file) for file in lock_files(both, Path(), is_folder=True)}
    repository.commit({**files, "conf/locks/README": b"not a lock"})
    repository.commit({"conf/x": b""})
    assert repository.read("HEAD~1", "conf/locks", is_folder=True) == both
    with pytest.raises(UsageError, match="does not have the lock `conf/locks`"):
        repository.read("HEAD", "conf/locks", is_folder=True)


def test_a_lock_below_the_root_of_the_repository_is_found(repository: Repository) -> None:
    repository.commit({"a b/frostline.lock": content(lock("a")), "frostline.lock": content(lock("other"))})
    assert repository.read("HEAD", "a b/frostline.lock") == lock("a")


def test_the_lock_beside_the_configuration_is_read_even_if_variables_point_git_elsewhere(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"sub/frostline.lock": content(lock("a")), "frostline.lock": content(lock("other"))})
    monkeypatch.setenv("GIT_DIR", str(repository.folder / ".git"))  # as hooks have it
    monkeypatch.setenv("GIT_WORK_TREE", str(repository.folder.parent))
    assert repository.read("HEAD", "sub/frostline.lock") == lock("a")


def test_a_revision_without_the_lock_says_which_revision_and_which_lock(repository: Repository) -> None:
    repository.commit({"README": b""})
    with pytest.raises(UsageError) as raised:
        repository.read("main")
    assert raised.value.message.startswith("revision `main` (commit ")
    assert raised.value.message.endswith(") does not have the lock `frostline.lock`")


def test_a_lock_that_cannot_be_parsed_is_named_with_its_revision_and_line(repository: Repository) -> None:
    repository.commit({"frostline.lock": content(lock("a"))[:-3]})
    with pytest.raises(UsageError) as raised:
        repository.read("HEAD")
    assert str(raised.value.origin) == "HEAD:frostline.lock:3:1"


@pytest.mark.parametrize("revision", ["nobody", "HEAD~9", "HEAD..HEAD", "x" * 300, "$(touch pwned)", "; touch pwned"])
def test_a_name_that_git_does_not_know_is_refused(repository: Repository, revision: str) -> None:
    repository.commit({"frostline.lock": content(lock("a"))})
    with pytest.raises(UsageError, match="neither a lock file nor a git revision"):
        repository.read(revision)
    assert not list(repository.folder.rglob("pwned"))


@pytest.mark.parametrize(
    "revision",
    ["", "-h", "--output=pwned", "--git-dir=/", "HEAD:frostline.lock", ":/x", "HEAD\n", "a\0b", "a\x1b[1mb", "^HEAD"],
)
def test_a_name_that_git_could_take_for_an_option_or_a_path_never_reaches_git(
    repository: Repository, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("git was started"))
    with pytest.raises(UsageError, match="cannot name a git revision"):
        repository.read(revision)


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UsageError, match="not a git repository"):
        read_lock_at("HEAD", tmp_path / "frostline.lock", is_folder=False, shown="frostline.lock")


def test_a_missing_git_is_an_error(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"frostline.lock": content(lock("a"))})
    monkeypatch.setenv("PATH", str(repository.folder))
    with pytest.raises(UsageError, match="git cannot be run"):
        repository.read("HEAD")


def test_a_folder_that_looks_like_a_bare_repository_is_not_used_in_place_of_the_real_one(
    repository: Repository,
) -> None:
    repository.commit({"deploy/frostline.lock": content(lock("a"))})
    deploy = repository.folder / "deploy"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(deploy)], check=True)
    for name, value in (("core.bare", "false"), ("core.worktree", ".")):
        subprocess.run(["git", "config", "--file", str(deploy / "config"), name, value], check=True)
    commit = ("-c", "safe.bareRepository=all", *IDENTITY, "commit", "--quiet", "--all", "-m", "forged")
    for words in (("add", "frostline.lock"), commit):
        subprocess.run(["git", *words], cwd=deploy, check=True)
    with pytest.raises(UsageError, match="deploy` looks like a bare git repository"):
        repository.read("HEAD", "deploy/frostline.lock")


def test_missing_objects_of_a_partial_clone_are_not_fetched(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"frostline.lock": content(lock("a"))})
    repository.commit({"frostline.lock": content(lock("b"))})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--filter=blob:none", f"file://{repository.folder}", str(clone)], check=True
    )
    path = clone / "frostline.lock"
    assert read_lock_at("HEAD", path, is_folder=False, shown="frostline.lock") == lock("b")
    with pytest.raises(UsageError, match="does not have the lock"):
        read_lock_at("HEAD~1", path, is_folder=False, shown="frostline.lock")
