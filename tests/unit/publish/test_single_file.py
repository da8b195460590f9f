"""One file is written whole or not at all, and a run that fails or is killed leaves nothing behind."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from frostline.errors import PublishError, UsageError
from frostline.publish import single_file
from frostline.publish.single_file import OUT, edit_file, replace_file


@pytest.fixture(autouse=True, params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether the file system has files without a name."""
    if request.param == "named":
        monkeypatch.setattr(single_file, "_NAMELESS", 0)
    return str(request.param)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed(path: Path, chunks: Iterable[bytes] = (b"new",), call: str = "") -> None:
    """Run a process that is killed while it writes this file: after the chunks, or instead of this call of `os`."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def until_then() -> Iterator[bytes]:
        yield from chunks
        if not call:
            die()

    pid = os.fork()
    if not pid:
        if call:
            setattr(os, call, die)
        replace_file(path, until_then())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_single_file_is_replaced_whole_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    replace_file(path, [b"a", b"b"])
    assert path.read_bytes() == b"ab"
    path.chmod(0o600)

    def broken() -> Iterator[bytes]:
        yield b"c"
        raise OSError(errno.ENOSPC, "?")

    with pytest.raises(PublishError, match="No space left"):
        replace_file(path, broken())
    assert tree(tmp_path) == {"plan.json": b"ab"}
    replace_file(path, [b"d"])
    assert tree(tmp_path) == {"plan.json": b"d"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"version: 1\n", b'{"format":"frostline.manifest/1"}\n', b"[core]\n", b"x" * 100])
def test_only_a_plan_or_a_lock_is_replaced_by_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="neither a saved plan nor a lock"):
        replace_file(path, [b"new"], kind=OUT)
    assert tree(tmp_path) == {"f": content}


@pytest.mark.parametrize(
    "content", [b"", b'{"format":"frostline.plan/1","services":[]}', b'{"format":"frostline.lock/1"}\n']
)
def test_a_plan_a_lock_and_an_empty_file_are_replaced_by_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("f" * 250)
    path.write_bytes(content)
    replace_file(path, [b"new"], kind=OUT)
    assert tree(tmp_path) == {path.name: b"new"}


def test_the_folders_above_a_single_file_are_created(tmp_path: Path) -> None:
    replace_file(tmp_path / "a" / "b" / "dc1.lock", [b"a"])
    assert tree(tmp_path) == {"a/b/dc1.lock": b"a"}
    with pytest.raises(PublishError, match="cannot be created: File exists"):
        replace_file(tmp_path / "a" / "b" / "dc1.lock" / "dc2.lock", [b"b"])
    broken = tmp_path / "c" / "d" / "dc1.lock"
    with pytest.raises(PublishError, match="Input/output error"):
        replace_file(broken, _failing())
    assert not (tmp_path / "c").exists()


def _failing() -> Iterator[bytes]:
    yield b"a"
    raise OSError(errno.EIO, "?")


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_run_that_is_killed_while_it_writes_leaves_nothing_that_the_next_run_keeps(
    tmp_path: Path, way: str, old: bytes | None
) -> None:
    path = tmp_path / "plan.json"
    if old:
        path.write_bytes(old)
    killed(path)
    left = {name for name in tree(tmp_path) if name != path.name}
    assert len(left) == (way == "named")
    assert tree(tmp_path).get(path.name) == old
    replace_file(tmp_path / "other", [b"next"])
    assert tree(tmp_path) == {"other": b"next", **({path.name: old} if old else {})}


def test_a_run_that_is_killed_before_it_replaces_an_old_file_leaves_nothing_that_the_next_run_keeps(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"old")
    killed(path, call="rename")
    assert len(tree(tmp_path)) == 2
    assert tree(tmp_path)[path.name] == b"old"
    replace_file(path, [b"next"])
    assert tree(tmp_path) == {path.name: b"next"}


def test_a_file_that_a_run_at_work_has_staged_is_not_removed_by_another_run(tmp_path: Path) -> None:
    def meanwhile() -> Iterator[bytes]:
        yield b"a"
        replace_file(tmp_path / "two", [b"2"])
        yield b"b"

    (tmp_path / "one").write_bytes(b"old")
    replace_file(tmp_path / "one", meanwhile())
    assert tree(tmp_path) == {"one": b"ab", "two": b"2"}


def test_a_file_that_only_looks_staged_stays(tmp_path: Path) -> None:
    names = [".frostline.0123456789abcdef.0.tmp", ".frostline.0123456789abcdeg.out.tmp", "a.out.tmp"]
    for name in names:
        (tmp_path / name).write_bytes(b"theirs")
    (tmp_path / ".frostline.0123456789abcdef.out.tmp").mkdir()
    os.mkfifo(tmp_path / ".frostline.0123456789abcde0.out.tmp")
    (tmp_path / ".frostline.0123456789abcde1.out.tmp").symlink_to("a.out.tmp")
    before = [*tmp_path.iterdir()]
    replace_file(tmp_path / "plan.json", [b"new"])
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "plan.json"])


def test_a_file_that_somebody_else_writes_meanwhile_is_not_replaced_unless_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"

    def meanwhile(content: bytes) -> Iterator[bytes]:
        path.write_bytes(content)
        yield b"new"

    with pytest.raises(UsageError, match="neither a saved plan nor a lock"):
        replace_file(path, meanwhile(b"version: 1"), kind=OUT)
    assert tree(tmp_path) == {"plan.json": b"version: 1"}
    path.unlink()
    replace_file(path, meanwhile(OUT.starts[0]), kind=OUT)
    assert tree(tmp_path) == {"plan.json": b"new"}


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL])
def test_a_file_system_without_nameless_files_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    plain = os.open

    def refusing(path: str, flags: int, *rest: int, **more: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return plain(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    replace_file(tmp_path / "plan.json", [b"new"])
    assert tree(tmp_path) == {"plan.json": b"new"}


def test_without_proc_a_file_is_written_under_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_file, "_path_of", lambda fd: "/no/such/place")
    replace_file(tmp_path / "plan.json", [b"new"])
    assert tree(tmp_path) == {"plan.json": b"new"}


@pytest.mark.parametrize(
    ("path", "message", "help"),
    [
        (".", "`.` is a folder", "name a file in it"),
        ("folder", "`folder` is a folder", "move it away"),
        ("file/a", "`file` cannot be created: File exists", "`file` is not a folder"),
        ("file/a/b", "`file/a` cannot be created: Not a directory", "`file` is not a folder"),
    ],
)
def test_a_path_that_is_not_a_file_says_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str, help: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PublishError) as caught:
        replace_file(Path(path), [b"a"])
    assert caught.value.message == message
    assert (caught.value.help or "").startswith(help)


def test_edits_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "overrides.yaml"
    path.write_bytes(b"")
    with ThreadPoolExecutor(8) as pool:
        for line in [b"%d\n" % number for number in range(24)]:
            pool.submit(edit_file, path, lambda content, line=line: content + line)  # type: ignore[misc]
    assert len(path.read_bytes().splitlines()) == 24


def test_an_edit_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_file, "_PATIENCE", 0.1)
    path = tmp_path / "overrides.yaml"
    path.write_bytes(b"old")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(PublishError, match="is locked by another process"):
            edit_file(path, lambda content: b"new")
    assert path.read_bytes() == b"old"
