"""Interrupted runs are undone or finished: after a kill at each system call, and with journals that lie."""

import errno
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import PublishError
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import run_lock

# One process that forks a child for each point of death: a kill before the N-th system call that changes anything.
CAMPAIGN = r"""
import json, os, shutil, signal, sys
from pathlib import Path
from frostline.publish.manifest import read_manifest
from frostline.publish.ownership import DesiredFile, file_changes, next_manifest
from frostline.publish.publishing import Publication, is_interrupted, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow

BASE = Path(sys.argv[1])
ROOT = BASE / "root"
OLD = {"app/registry.py": b"old", "data/a.yaml": b"old a", "data/b.yaml": b"same", "gone/x/y": b"old y"}
NEW = {"app/registry.py": b"new", "data/b.yaml": b"same", "more/deep/c.yaml": b"new c", "more/d": b"new d"}
OUTSIDE = (BASE / "locks",)

def run(wanted, lock):
    with run_lock(ROOT, outside=OUTSIDE) as top:
        files = [DesiredFile(path=path, chunks=[content], output="o") for path, content in wanted.items()]
        manifest = read_manifest(ROOT / "frostline.manifest")
        changes = file_changes(ROOT, files, manifest, allow=Allow())
        publish(
            top,
            Publication(
                files=files, changes=changes,
                lock_files=((BASE / "locks" / "a.lock", [lock]), (ROOT / "frostline.lock", [lock])),
                manifest_path=ROOT / "frostline.manifest", manifest=next_manifest(manifest, changes, ()),
            ),
        )

def tree():
    # Folders count as well, so that none is left behind.
    found = {}
    for folder, folders, names in os.walk(BASE):
        for name in names:
            path = Path(folder, name)
            found[path.relative_to(BASE).as_posix()] = path.read_bytes()
        for name in folders:
            found[Path(folder, name).relative_to(BASE).as_posix() + "/"] = None
    return found

def restore(state):
    shutil.rmtree(BASE)
    BASE.mkdir()
    for key, content in sorted(state.items()):
        if content is None:
            (BASE / key).mkdir(parents=True, exist_ok=True)
        else:
            (BASE / key).parent.mkdir(parents=True, exist_ok=True)
            (BASE / key).write_bytes(content)
    for journal in BASE.rglob(".frostline.journal"):  # as if its run had been killed here
        written = json.loads(journal.read_bytes())
        written["root"] = identity(journal.parent)
        for step in written["steps"]:
            if step["identity"]:
                step["identity"] = next(map(identity, BASE.rglob(step["staged"])), step["identity"])
        journal.write_text(json.dumps(written))

def identity(path):
    return [path.lstat().st_dev, path.lstat().st_ino]

def killed_before(number, work):
    # Runs `work` in a child that dies before its call of this number. True: it did, there were as many.
    child = os.fork()
    if child == 0:
        calls = 0
        def counted(really):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return really(*args, **kwargs)
            return call
        for name in ("open", "rename", "unlink", "mkdir", "rmdir", "fchmod", "fsync"):
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status != 0

def recover():
    with run_lock(ROOT, outside=OUTSIDE):
        pass

os.fsync = lambda fd: None  # a killed process loses nothing that it wrote
ROOT.mkdir(parents=True)
run(OLD, b"1")
old = tree()
run(NEW, b"2")
new = tree()
assert all(key.startswith((".frostline.", "root/.frostline.")) is False for key in {**old, **new})

def whole(cut):
    # Every file old or new, but for what is staged; then, after a recovery, all of them.
    for key, content in cut.items():
        if ".frostline." not in key and content is not None:
            assert content in (old.get(key), new.get(key)), key
    after = tree()
    assert after in (old, new), sorted(set(after) ^ set(new))
    assert not is_interrupted(ROOT)
    return after == new

def check(number, deaths_of_recovery):
    restore(old)
    if not killed_before(number, lambda: run(NEW, b"2")):
        assert tree() == new
        return None
    cut = tree()
    for death in deaths_of_recovery:
        restore(cut)
        was_killed = killed_before(death, recover)
        recover()
        whole(cut)
        if not was_killed:  # nor would it be later: it makes no more calls
            break
    restore(cut)
    recover()
    finished = whole(cut)
    run(NEW, b"2")
    assert tree() == new
    return finished

results = []
number = 1
while (result := check(number, range(1 + number % 7, 1000, 7) if number % 12 == 0 else ())) is not None:
    results.append(result)
    number += 1
# First undone, then finished, and never back again.
assert results == sorted(results) and set(results) == {False, True}, results
print(len(results), results.index(True))
"""


def test_a_run_that_is_killed_at_any_call_is_undone_or_finished_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CAMPAIGN, str(tmp_path / "base")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    deaths, undone = map(int, ran.stdout.split())
    assert deaths > 50
    assert undone > 20


def hexed(content: bytes) -> str:
    return sha256(content).hexdigest()


RUN = "0123456789abcdef"
STAGED = f".frostline.{RUN}.0.tmp"


def written(**changes: Any) -> str:
    return json.dumps(
        {"format": "frostline.journal/2", "root": [0, 0], "committed": True, "folders": [], "steps": []} | changes
    )


def journal(root: Path, *steps: dict[str, Any], committed: bool = True, folders: tuple[str, ...] = ()) -> None:
    named = [{**step, "identity": staged_identity(root, step)} for step in steps]
    text = written(committed=committed, root=identity(root), folders=folders, steps=named)
    (root / ".frostline.journal").write_text(text)


def identity(path: Path) -> list[int]:
    return [path.lstat().st_dev, path.lstat().st_ino]


def staged_identity(root: Path, step: dict[str, Any]) -> list[int] | None:
    with suppress(OSError, ValueError, TypeError):
        return identity((root / step["target"]).parent / step["staged"])
    return None


def replacing(target: str, new: bytes = b"new", old: bytes | None = b"old", staged: str = STAGED) -> dict[str, Any]:
    return {"target": target, "staged": staged, "sha256": hexed(new), "old": None if old is None else hexed(old)}


def deleting(target: str, old: bytes = b"old") -> dict[str, Any]:
    return {"target": target, "staged": None, "sha256": None, "old": hexed(old)}


def recover(root: Path) -> None:
    with run_lock(root):
        pass


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    (path / "f").write_bytes(b"old")
    (path / STAGED).write_bytes(b"new")
    return path


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_a_committed_journal_is_finished(root: Path) -> None:
    (root / "gone").write_bytes(b"old")
    journal(root, deleting("gone"), replacing("f"))
    recover(root)
    assert (root / "f").read_bytes() == b"new"
    assert names(root) == ["f"]


def test_a_journal_without_its_commit_is_undone(root: Path) -> None:
    (root / "made" / "deep").mkdir(parents=True)
    journal(root, replacing("f"), deleting("gone"), committed=False, folders=("made", "made/deep"))
    recover(root)
    assert (root / "f").read_bytes() == b"old"
    assert names(root) == ["f"]


def test_a_run_that_staged_nothing_is_undone_without_writing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / STAGED).unlink()
    (root / "frozen").mkdir()
    journal(root, replacing("frozen/f", old=None), committed=False)
    really = os.unlink

    def unlink(name: str, *, dir_fd: int) -> None:
        if name == STAGED:
            raise OSError(errno.EROFS, "read-only, though there is no such file")
        really(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    recover(root)
    assert names(root) == ["f", "frozen"]


def test_a_new_folder_that_somebody_uses_meanwhile_is_not_removed(root: Path) -> None:
    (root / "made").mkdir()
    (root / "made" / "theirs").write_bytes(b"x")
    journal(root, replacing("f"), committed=False, folders=("made",))
    recover(root)
    assert (root / "made" / "theirs").read_bytes() == b"x"


def test_an_unfinished_journal_is_removed(root: Path) -> None:
    (root / STAGED).unlink()
    (root / ".frostline.journal.tmp").write_bytes(b'{"format":')
    assert not is_interrupted(root)
    recover(root)
    assert names(root) == ["f"]


def test_an_edit_after_the_crash_is_not_overwritten_or_deleted(root: Path) -> None:
    (root / "f").write_bytes(b"edited")
    for step in (replacing("f"), replacing("f", old=None), deleting("f")):
        journal(root, step)
        with pytest.raises(PublishError, match="`f` was edited after an interrupted run") as caught:
            recover(root)
        assert "move your edit away" in str(caught.value.help)
        assert (root / "f").read_bytes() == b"edited"
        assert is_interrupted(root)
    (root / "f").unlink()
    journal(root, replacing("f"))
    recover(root)
    assert (root / "f").read_bytes() == b"new"


@pytest.mark.parametrize("staged", [b"tampered", None])
def test_a_staged_file_that_is_gone_or_changed_is_not_published(root: Path, staged: bytes | None) -> None:
    (root / STAGED).unlink()
    if staged is not None:
        (root / STAGED).write_bytes(staged)
    (root / "g").write_bytes(b"old")
    (root / f".frostline.{RUN}.1.tmp").write_bytes(b"new")
    journal(root, replacing("g", staged=f".frostline.{RUN}.1.tmp"), replacing("f"))
    with pytest.raises(PublishError, match="new file for `f` is gone or has changed") as caught:
        recover(root)
    assert "remove `.frostline.journal`" in str(caught.value.help)
    assert (root / "g").read_bytes() == b"old"
    assert (root / "f").read_bytes() == b"old"


@pytest.mark.parametrize(
    "target",
    ["../victim", "/etc/victim", "a/../../victim", ".git/hooks/pre-commit", "", ".", ".frostline.journal", "a//b"],
)
@pytest.mark.parametrize("committed", [True, False])
def test_a_journal_that_names_a_file_outside_the_root_is_not_followed(root: Path, target: str, committed: bool) -> None:
    (root.parent / STAGED).write_bytes(b"new")
    (root.parent / "victim").write_bytes(b"old")
    for step in (replacing(target), deleting(target)):
        journal(root, step, committed=committed)
        with pytest.raises(PublishError, match="cannot be trusted: it names") as caught:
            recover(root)
        assert ".frostline.journal" in caught.value.message
        assert "restore" in str(caught.value.help)
    assert (root.parent / "victim").read_bytes() == b"old"
    assert (root.parent / STAGED).exists()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\0b"])
def test_a_journal_may_name_only_files_directly_in_a_folder_outside_the_root(root: Path, name: str) -> None:
    locks = root.parent / "locks"
    locks.mkdir()
    journal(root, deleting(f"../locks/{name}"))
    with pytest.raises(PublishError, match="cannot be trusted: it names"), run_lock(root, outside=(locks,)):
        pass


def test_a_journal_follows_no_link(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / STAGED).write_bytes(b"new")
    (outside / "f").write_bytes(b"old")
    (root / "link").symlink_to(outside)
    for committed in (True, False):
        journal(root, replacing("link/f"), committed=committed)
        with pytest.raises(PublishError, match="the folder `link` is a symbolic link"):
            recover(root)
    assert names(outside) == [STAGED, "f"]


@pytest.mark.parametrize("staged", ["f", "../f", ".frostline.x.0.tmp", f"{STAGED}\n", ".frostline.journal"])
def test_a_journal_cannot_name_another_file_as_a_staged_one(root: Path, staged: str) -> None:
    (root / "g").write_bytes(b"new")
    for committed in (True, False):
        journal(root, replacing("f", staged=staged), committed=committed)
        with pytest.raises(PublishError, match="cannot be trusted"):
            recover(root)
    assert (root / "f").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "\0" * 100,
        "[" * 100_000,
        '{"format":' + "[" * 100_000,
        written(format="frostline.journal/1"),
        written(more=1),
        written(folders=[".."]),
        written(steps=[replacing("f"), replacing("f")]),
        written(steps=[deleting("f") | {"old": None}]),
        written(steps=[deleting("f") | {"old": "x"}]),
        written(steps=[replacing("f") | {"sha256": None}]),
    ],
)
def test_garbage_is_an_error_that_says_what_to_do(root: Path, text: str) -> None:
    (root / ".frostline.journal").write_text(text.replace("[0, 0]", json.dumps(identity(root))))
    with pytest.raises(PublishError, match=r"cannot be trusted: (?!it was written for)") as caught:
        recover(root)
    assert "remove `.frostline.journal`" in str(caught.value.help)
    assert (root / "f").read_bytes() == b"old"


@pytest.mark.parametrize("committed", [True, False])
def test_a_journal_that_git_or_a_copy_brought_is_not_followed(root: Path, committed: bool) -> None:
    (root / "gone").write_bytes(b"old")
    journal(root, deleting("gone"), replacing("f"), committed=committed)
    copy = root.parent / "copy"
    shutil.copytree(root, copy)
    with pytest.raises(PublishError, match="was written for another folder") as caught:
        recover(copy)
    assert "remove `.frostline.journal`" in str(caught.value.help)
    assert names(copy) == names(root)
    assert (copy / "f").read_bytes() == b"old"


def test_a_staged_file_that_somebody_put_there_is_not_published(root: Path) -> None:
    journal(root, replacing("f"))
    (root / "other").write_bytes(b"new")
    (root / "other").rename(root / STAGED)
    with pytest.raises(PublishError, match="is not the file that the run staged"):
        recover(root)
    assert (root / "f").read_bytes() == b"old"
    assert is_interrupted(root)


def test_a_journal_that_is_a_link_is_not_read(root: Path) -> None:
    (root / ".frostline.journal").symlink_to("/dev/zero")
    assert is_interrupted(root)
    with pytest.raises(PublishError, match="symbolic link"):
        recover(root)


def test_a_journal_without_steps_is_removed(root: Path) -> None:
    journal(root)
    recover(root)
    assert not is_interrupted(root)


def test_a_checkout_that_was_moved_is_still_recovered(root: Path) -> None:
    checkout, moved = root.parent / "checkout", root.parent / "moved"
    checkout.mkdir()
    root.rename(checkout / "root")
    (checkout / STAGED).write_bytes(b"new")
    journal(checkout / "root", replacing("../frostline.lock", old=None))
    with pytest.raises(PublishError, match="cannot be trusted"):
        recover(checkout / "root")
    checkout.rename(moved)
    with run_lock(moved / "root", outside=(moved / "frostline.lock",)):
        assert (moved / "frostline.lock").read_bytes() == b"new"
