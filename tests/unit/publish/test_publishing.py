"""Publishing: all or none, nothing left behind, nothing touched that stays the same."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from publish_runs import MANIFEST, NEW, OLD, manifest_fits, run, tree

from frostline.errors import ErrorGroup, PublishError, RefusedError
from frostline.publish.manifest import Manifest, manifest_chunks
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow


def test_a_run_leaves_exactly_the_wanted_files(root: Path) -> None:
    assert tree(root) == OLD
    run(root, NEW)
    assert tree(root) == NEW
    assert manifest_fits(root)
    assert not is_interrupted(root)


def test_a_folder_that_becomes_empty_is_removed_but_never_the_root(root: Path) -> None:
    run(root, NEW)
    run(root, {})
    assert tree(root) == {}
    assert sorted(path.name for path in root.iterdir()) == [MANIFEST]


def test_a_file_that_stays_the_same_is_not_touched(root: Path) -> None:
    before = {path: written(path) for path in (root / "data/b.yaml", root / MANIFEST)}
    run(root, OLD)
    assert {path: written(path) for path in before} == before
    run(root, NEW)
    assert written(root / "data/b.yaml") == before[root / "data/b.yaml"]


def written(path: Path) -> tuple[int, ...]:
    """Return what changes if a file is written or replaced. Reading it changes only its access time."""
    status = path.stat()
    return (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def test_a_new_file_has_the_mode_of_the_umask_and_an_updated_one_keeps_its_own(root: Path) -> None:
    (root / "app/registry.py").chmod(0o604)
    umask = os.umask(0o027)
    try:
        run(root, NEW)
    finally:
        os.umask(umask)
    assert stat.S_IMODE((root / "app/registry.py").stat().st_mode) == 0o604
    assert stat.S_IMODE((root / "more/deep/c.yaml").stat().st_mode) == 0o640
    assert stat.S_IMODE((root / "more").stat().st_mode) == 0o750


def test_the_manifest_is_the_same_under_another_umask(tmp_path: Path) -> None:
    texts = []
    for umask in (0o022, 0o077):
        folder = tmp_path / str(umask)
        folder.mkdir()
        before = os.umask(umask)
        try:
            run(folder, NEW)
        finally:
            os.umask(before)
        texts.append((folder / MANIFEST).read_bytes())
    assert texts[0] == texts[1]


def test_a_refused_change_stops_the_whole_publication(root: Path) -> None:
    (root / "app/registry.py").write_bytes(b"edited")
    with pytest.raises(RefusedError, match="was edited"):
        run(root, NEW)
    (root / "more/deep").mkdir(parents=True)
    (root / "more/deep/c.yaml").write_bytes(b"theirs")
    with pytest.raises(ErrorGroup) as caught:
        run(root, NEW)
    assert caught.value.status == 4
    assert tree(root) == OLD | {"app/registry.py": b"edited", "more/deep/c.yaml": b"theirs"}
    run(root, NEW, allow=Allow(edited=("*",), adopt=("*",)))
    assert tree(root) == NEW


def test_lock_files_inside_and_outside_the_root_are_written_and_deleted_with_the_rest(root: Path) -> None:
    inside, outside = root / "locks", root.parent / "elsewhere" / "locks"
    run(root, OLD, extra=[(inside / "a.lock", [b"1"]), (outside / "a.lock", [b"2"])], outside=(outside,))
    assert (inside / "a.lock").read_bytes() == b"1"
    assert (outside / "a.lock").read_bytes() == b"2"
    kept = (inside / "a.lock").stat()
    changed = [(inside / "a.lock", [b"1"]), (outside / "a.lock", None), (outside / "b.lock", [b"3"])]
    run(root, OLD, extra=changed, outside=(outside,))
    assert (inside / "a.lock").stat() == kept
    assert tree(outside) == {"b.lock": b"3"}


def test_a_lock_outside_the_root_that_nobody_announced_is_an_error(root: Path) -> None:
    with pytest.raises(PublishError, match=r"`../x.lock` cannot be written: it is outside the root folder"):
        run(root, NEW, extra=[(root.parent / "x.lock", [b"1"])])
    assert tree(root) == OLD


def test_a_lock_in_the_place_of_an_output_is_an_error(root: Path) -> None:
    with pytest.raises(PublishError, match="an output would write it too"):
        run(root, NEW, extra=[(root / "app/registry.py", [b"1"])])
    assert tree(root) == OLD


def test_a_lock_or_manifest_that_is_a_link_is_refused(root: Path) -> None:
    (root.parent / "secret").write_bytes(b"x")
    (root / "frostline.lock").symlink_to(root.parent / "secret")
    with pytest.raises(PublishError, match=r"`frostline.lock` is a symbolic link"):
        run(root, NEW, extra=[(root / "frostline.lock", [b"1"])])
    (root / "frostline.lock").unlink()
    (root / MANIFEST).rename(root.parent / "manifest")
    (root / MANIFEST).symlink_to(root.parent / "manifest")
    with pytest.raises(PublishError, match=r"`frostline.manifest` is a symbolic link"):
        run(root, NEW)
    assert (root.parent / "secret").read_bytes() == b"x"


def test_a_lock_below_the_root_reaches_no_folder_through_a_link(root: Path) -> None:
    elsewhere, link = root.parent / "elsewhere", root.parent / "link"
    elsewhere.mkdir()
    link.symlink_to(root)
    (root / "locks").symlink_to(elsewhere)
    for top, base in ((root, root), (link, link), (link, root)):
        lock = base / "locks" / "a.lock"
        with pytest.raises(PublishError, match="the folder `locks` is a symbolic link"):
            run(top, NEW, extra=[(lock, [b"1"])], outside=(lock,))
    assert tree(elsewhere) == {}


def test_the_root_may_be_reached_through_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    run(link, NEW, extra=[(root / "frostline.lock", [b"1"])])
    assert tree(root) == NEW | {"frostline.lock": b"1"}


def test_a_run_whose_lock_cannot_be_released_still_succeeds(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = fcntl.flock

    def flock(fd: int, how: int) -> None:
        if how == fcntl.LOCK_UN:
            raise OSError(errno.EIO, "no")
        really(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):  # the first one's ended with its descriptor
        with run_lock(root):
            pass


def test_a_second_run_at_the_same_time_is_refused_and_leaves_nothing(root: Path) -> None:
    with run_lock(root):
        with pytest.raises(PublishError, match="another run is at work"), run_lock(root):
            pass
        code = "import sys; from pathlib import Path; from frostline.publish.run_lock import run_lock\n"
        code += "with run_lock(Path(sys.argv[1])): pass"
        other = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=False)
        assert "PublishError: another run is at work" in other.stderr
    with run_lock(root):
        pass
    assert tree(root) == OLD


def test_asking_for_an_interrupted_run_repairs_nothing(root: Path) -> None:
    (root / ".frostline.journal").write_bytes(b"{}")
    assert is_interrupted(root)
    assert (root / ".frostline.journal").read_bytes() == b"{}"


def test_an_empty_manifest_is_published_too(tmp_path: Path) -> None:
    run(tmp_path, {})
    assert (tmp_path / MANIFEST).read_bytes() == b"".join(manifest_chunks(Manifest()))


def test_new_bytes_and_names_are_synced_before_the_run_commits(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_sync, really_rename = os.fsync, os.rename
    synced: list[str] = []
    synced_before_commit: list[list[str]] = []

    def sync(fd: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        really_sync(fd)

    def rename(source: str, target: str, **folders: int) -> None:
        if target.endswith(".journal"):
            synced_before_commit.append(list(synced))
        really_rename(source, target, **folders)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    run(root, NEW)
    _, committed = synced_before_commit
    top = root.resolve()
    for folder in ("app", "more/deep"):
        staged = [path for path in committed if path.startswith(f"{top}/{folder}/.frostline.")]
        assert staged, f"the new file in {folder} is not synced"
        assert f"{top}/{folder}" in committed[committed.index(staged[-1]) :], f"the new name in {folder} is not synced"
    assert f"{top}/more" in committed  # the folder that holds the new folder's name


def test_replaced_names_are_synced_before_the_manifest_and_the_journal_s_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_sync, really_rename, really_unlink = os.fsync, os.rename, os.unlink
    events: list[str] = []

    def sync(fd: int) -> None:
        events.append("sync " + os.path.relpath(Path(f"/proc/self/fd/{fd}").readlink(), root.resolve()))
        really_sync(fd)

    def rename(source: str, target: str, **folders: int) -> None:
        events.append(f"rename {target}")
        really_rename(source, target, **folders)

    def unlink(path: str, **folders: int) -> None:
        events.append(f"unlink {path}")
        really_unlink(path, **folders)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "unlink", unlink)
    run(root, NEW)
    manifest = events.index("rename frostline.manifest")
    assert "sync app" in events[events.index("rename registry.py") : manifest]
    assert "sync data" in events[events.index("unlink a.yaml") : manifest]
    assert "sync ." in events[manifest : events.index("unlink .frostline.journal")]
