"""A run that fails or is interrupted, or beside which somebody writes: all or none, and nothing of theirs is lost."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from publish_runs import MANIFEST, NEW, OLD, files_of, manifest_fits, run, tree

from frostline.errors import FrostlineError, PublishError
from frostline.publish.manifest import Manifest, read_manifest
from frostline.publish.ownership import DesiredFile, file_changes
from frostline.publish.publishing import Publication, is_interrupted, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException, when: Callable[..., bool]) -> None:
    """Make os.NAME raise `error` once, when `when` is true of its arguments."""
    really = getattr(os, name)
    raised = []

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not raised and when(*args):
            raised.append(True)
            raise error
        return really(*args, **kwargs)

    monkeypatch.setattr(os, name, wrapped)


def is_commit(counter: list[int]) -> Callable[..., bool]:
    """Whether this os.rename is the one that puts the committed journal in place: the second of a journal."""

    def check(source: str, target: str) -> bool:
        counter[0] += target == ".frostline.journal"
        return target == ".frostline.journal" and counter[0] == 2

    return check


@pytest.mark.parametrize(
    ("call", "where"),
    [
        ("fsync", lambda *_: True),
        ("mkdir", lambda name, *_: name == "deep"),
        ("fsync", lambda fd, *_: stat.S_ISDIR(os.fstat(fd).st_mode)),
        ("rename", lambda source, target: target == ".frostline.journal"),
        ("rename", is_commit([0])),
    ],
)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EROFS])
def test_a_failure_before_the_commit_leaves_everything_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch, call: str, where: Callable[..., bool], number: int
) -> None:
    if call == "rename" and where.__name__ == "check":
        where = is_commit([0])
    manifest = (root / MANIFEST).read_bytes()
    failing(monkeypatch, call, OSError(number, "?"), where)
    with pytest.raises(PublishError, match=f"` cannot be (written|created): {os.strerror(number)}"):
        run(root, NEW)
    assert tree(root) == OLD
    assert (root / MANIFEST).read_bytes() == manifest
    run(root, NEW)
    assert tree(root) == NEW


def test_a_disk_that_fills_up_during_a_write_leaves_everything_as_it_was(root: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"new"
        if is_interrupted(root):
            raise OSError(errno.ENOSPC, "?")

    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            return chunks()

    files = [*files_of(NEW)[1:], DesiredFile(path="app/registry.py", chunks=Chunks(), output="o")]
    with pytest.raises(PublishError, match=r"`app/registry.py` cannot be written: No space left") as caught:
        run(root, files)
    assert caught.value.help == "free some space, then rerun"
    assert tree(root) == OLD


def test_bytes_that_differ_the_second_time_are_a_bug_and_change_nothing(root: Path) -> None:
    class Chunks:
        times = 0

        def __iter__(self) -> Iterator[bytes]:
            self.times += 1
            return iter([b"%d" % self.times])

    with pytest.raises(FrostlineError, match="rendered twice") as caught:
        run(root, [DesiredFile(path="f", chunks=Chunks(), output="o")])
    assert caught.value.status == 70
    assert tree(root) == OLD


@pytest.mark.parametrize("change", ["edit", "link", "folder"])
def test_a_file_that_somebody_changes_during_the_run_stops_it(root: Path, change: str) -> None:
    target = root / "app/registry.py"
    files = files_of(NEW)
    changes = file_changes(root, files, read_manifest(root / MANIFEST), allow=Allow())
    target.unlink()
    if change == "edit":
        target.write_bytes(b"edited")
    elif change == "link":
        target.symlink_to("elsewhere")
    else:
        target.mkdir()
    with run_lock(root) as top, pytest.raises(PublishError, match=r"`app/registry.py` (was changed|is a)"):
        publish(
            top,
            Publication(files=files, changes=changes, manifest_path=root / MANIFEST, manifest=Manifest()),
        )
    assert not (root / "more").exists()
    assert not is_interrupted(root)


def test_a_folder_that_turns_into_a_link_is_not_followed(root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    files = files_of(NEW)
    changes = file_changes(root, files, read_manifest(root / MANIFEST), allow=Allow())
    (root / "app").rename(elsewhere)
    (root / "app").symlink_to(elsewhere)
    with run_lock(root) as top, pytest.raises(PublishError, match="the folder `app` is a symbolic link"):
        publish(
            top,
            Publication(files=files, changes=changes, manifest_path=root / MANIFEST, manifest=Manifest()),
        )
    assert tree(elsewhere) == {"registry.py": b"old"}


def test_an_interrupt_before_the_commit_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "rename", KeyboardInterrupt(), is_commit([0]))
    with pytest.raises(KeyboardInterrupt):
        run(root, NEW)
    assert tree(root) == OLD


@pytest.mark.parametrize("target", ["registry.py", "c.yaml", MANIFEST])
def test_an_interrupt_after_the_commit_is_raised_when_all_is_done(
    root: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    failing(monkeypatch, "rename", KeyboardInterrupt(), lambda _, name: name == target)
    with pytest.raises(KeyboardInterrupt):
        run(root, NEW)
    assert tree(root) == NEW
    assert manifest_fits(root)


def test_a_failure_after_the_commit_is_finished_by_the_next_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.rename

    def broken(source: str, target: str, **folders: int) -> None:
        if target == "c.yaml":
            raise OSError(errno.EIO, "?")
        really(source, target, **folders)

    monkeypatch.setattr(os, "rename", broken)
    with pytest.raises(PublishError, match=r"`more/deep/c.yaml` cannot be replaced: Input/output error") as caught:
        run(root, NEW)
    assert "which finishes the run" in str(caught.value.help)
    assert is_interrupted(root)
    monkeypatch.undo()
    with run_lock(root):
        assert tree(root) == NEW
    assert manifest_fits(root)


def test_a_root_that_is_replaced_during_a_run_is_not_published_to(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    current = tmp_path / "current"
    current.symlink_to("one")
    files = files_of({"f": b"new"})
    with run_lock(current) as top:
        changes = file_changes(current, files, None, allow=Allow())
        current.unlink()
        current.symlink_to("two")
        with pytest.raises(PublishError, match="was replaced by another one"):
            publish(top, Publication(files=files, changes=changes))
    assert not [*(tmp_path / "one").iterdir(), *(tmp_path / "two").iterdir()]


def test_a_file_that_is_edited_after_the_confirmation_is_not_overwritten(root: Path) -> None:
    lock = root / "frostline.lock"
    lock.write_bytes(b"old")
    publication = Publication(lock_files=((lock, [b"new"]),))

    def edit() -> None:
        lock.write_bytes(b"mine")

    with run_lock(root) as top, pytest.raises(PublishError, match="`frostline.lock` was changed by somebody else"):
        publish(top, publication, edit)
    assert lock.read_bytes() == b"mine"
    with run_lock(root) as top:
        publish(top, publication)
    assert lock.read_bytes() == b"new"
