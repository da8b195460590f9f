"""Publishing: all or none, nothing left behind, nothing touched that stays the same."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import ErrorGroup, FrostlineError, PublishError, RefusedError
from frostline.publish.manifest import Manifest, manifest_chunks, read_manifest
from frostline.publish.ownership import DesiredFile, file_changes, next_manifest
from frostline.publish.publishing import Publication, is_interrupted, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow

MANIFEST = "frostline.manifest"
OLD = {"app/registry.py": b"old", "data/a.yaml": b"old a", "data/b.yaml": b"same"}
NEW = {"app/registry.py": b"new", "data/b.yaml": b"same", "more/deep/c.yaml": b"new c"}


def files_of(wanted: dict[str, bytes]) -> list[DesiredFile]:
    return [DesiredFile(path=path, chunks=[content], output="o") for path, content in wanted.items()]


def run(
    root: Path,
    wanted: dict[str, bytes] | list[DesiredFile],
    extra: Iterable[tuple[Path, Iterable[bytes] | None]] = (),
    outside: tuple[Path, ...] = (),
    allow: Allow | None = None,
) -> None:
    """Do a whole run: recover, compare, publish."""
    with run_lock(root, outside=outside) as top:
        files = files_of(wanted) if isinstance(wanted, dict) else wanted
        manifest = read_manifest(root / MANIFEST)
        changes = file_changes(root, files, manifest, allow=allow or Allow())
        new = next_manifest(manifest, changes, ())
        publish(
            top,
            Publication(
                files=files, changes=changes, lock_files=tuple(extra), manifest_path=root / MANIFEST, manifest=new
            ),
        )


def tree(root: Path) -> dict[str, bytes]:
    """Return all files below the root except the manifest, and each empty folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        at = Path(folder)
        for name in names:
            found[(at / name).relative_to(root).as_posix()] = (at / name).read_bytes()
        if not folders and not names and at != root:
            found[at.relative_to(root).as_posix() + "/"] = b""
    found.pop(MANIFEST, None)
    return found


def manifest_fits(root: Path) -> bool:
    manifest = read_manifest(root / MANIFEST)
    return manifest is not None and {line.path for line in manifest.files} == set(tree(root))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    run(path, OLD)
    return path


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


def test_asking_for_an_interrupted_run_repairs_nothing(root: Path) -> None:
    (root / ".frostline.journal").write_bytes(b"{}")
    assert is_interrupted(root)
    assert (root / ".frostline.journal").read_bytes() == b"{}"


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
