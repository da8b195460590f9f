"""Interrupted runs are undone or finished by their journal, and a journal that lies is not followed."""

import errno
import json
import os
import shutil
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import PublishError
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import run_lock


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
