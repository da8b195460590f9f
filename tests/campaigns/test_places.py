"""Places that cannot be published to, and journals, locks and manifests that lie: nothing outside of them moves."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from children import Done, Tracer, Warm
from published import ALLOWED, World, restore, tree_of


@pytest.fixture
def world(folder: Path, warm: Warm) -> World:
    return World(folder, warm)


# --- folders and files that are not as they seem ----------------------------------------------------------------------


@pytest.fixture(scope="session")
def mounting() -> str:
    """The path of an `unshare` that may make mounts of its own."""
    found = shutil.which("unshare")
    if not found or subprocess.run([found, "-m", "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode:
        pytest.skip("private mounts are not permitted here")
    return found


def mounted(world: World, unshare: str, mount: str, arguments: tuple[str, ...] = ()) -> Done:
    """The command (what publishes the new state, or these arguments) in a mount namespace, after this shell command."""
    command = [sys.executable, "-m", "frostline", *(arguments or world.command)]
    ran = subprocess.run(
        [unshare, "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", *command],
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    return Done(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ("mount --bind root root && mount -o remount,ro,bind root", "Read-only file system"),
        ("mount --bind root/app root/app && mount -o remount,ro,bind root/app", "Read-only file system"),
        ("mount --bind hosts.j2 root/app/registry.py", "`app/registry.py` is a mounted file"),
        ("mount --bind root/app/registry.py root/app/registry.py", "`app/registry.py` is a mounted file"),
        ("mount --bind root/services/gone.yaml root/services/gone.yaml", "`services/gone.yaml` is a mounted file"),
        ("mount --bind root/frostline.manifest root/frostline.manifest", "is a mounted file"),
        ("mount -t tmpfs -o size=4k none root/services", ""),
    ],
)
def test_a_mount_in_the_way_is_an_error_that_leaves_all_as_it_was(
    world: World, mounting: str, figures: Callable[..., None], mount: str, said: str
) -> None:
    done = mounted(world, mounting, mount)
    assert done.status in (4, 5), done
    assert said in done.stderr
    assert tree_of(world.folder) == world.old
    assert not world.assert_mends()
    figures("places", mounts_in_the_way=1)


def test_a_folder_that_is_mounted_is_published_to(world: World, mounting: str) -> None:
    done = mounted(world, mounting, "mount --bind root/app root/app && mount --bind root/services root/services")
    assert done.status == 0, done.stderr
    assert tree_of(world.folder) == world.new


def test_a_full_disk_is_an_error_that_leaves_all_as_it_was(world: World, mounting: str) -> None:
    small = "mount -t tmpfs -o size=1m none /mnt && cp -a root/. /mnt && mount --bind /mnt root"
    done = mounted(world, mounting, f"{small} && {{ dd if=/dev/zero of=root/full bs=4k 2>/dev/null; true; }}")
    assert done.status == 5, done
    assert "No space left on device" in done.stderr
    assert "free some space" in done.stderr
    assert not world.assert_mends()


@pytest.mark.parametrize("name", ["app", "services", "puppet", "puppet/data", "frostline.manifest", "app/registry.py"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_symbolic_link_in_the_way_is_not_followed(
    world: World, tmp_path: Path, figures: Callable[..., None], name: str, inside: bool
) -> None:
    real = world.folder / "root" / name
    elsewhere = world.folder / "root" / "elsewhere" if inside else tmp_path / "elsewhere"
    real.rename(elsewhere)
    real.symlink_to(elsewhere)
    before, outside = tree_of(world.folder), tree_of(tmp_path)
    done = world.warm.run(*world.command, cwd=world.folder)
    assert done.status == 5, done
    assert "symbolic link" in done.stderr
    assert (tree_of(world.folder), tree_of(tmp_path)) == (before, outside)
    figures("places", links_in_the_way=1)


# --- files that lie ---------------------------------------------------------------------------------------------------

JOURNAL = "root/.frostline.journal"
VICTIMS = [
    "/etc/passwd",
    "../victim",
    "app/../../victim",
    "a\0b",
    "link/victim",
    "~",
    ".git/config",
    "",
    "frostline.py",
]


def hexed(content: bytes) -> str:
    return sha256(content).hexdigest()


PLAN = ("plan", "--offline", "--allow", "orphans")
ROOT_TO_COME = "the root's device and inode"


def hostile_journals() -> list[str]:
    """Journals that name what is not theirs to replace or delete, or that are none."""
    staged = ".frostline.0123456789abcdef.0.tmp"
    journals = ["", "{", "null", "[" * 50_000, "<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"]
    for victim in VICTIMS[:-1]:
        steps: list[dict[str, Any]] = [
            {"target": victim, "staged": None, "sha256": None, "old": hexed(b"precious")},
            {"target": victim, "staged": staged, "sha256": hexed(b"evil"), "old": hexed(b"precious")},
            {"target": "app/registry.py", "staged": victim, "sha256": hexed(b"evil"), "old": None},
            {"target": "app/registry.py", "staged": staged, "sha256": hexed(b"evil"), "old": "0" * 64},
        ]
        # `~` is a name like others, and not there: to delete it is done already, which is no lie.
        for step in steps[1:] if victim == "~" else steps:
            for folders in ([], [victim]):
                document = {
                    "format": "frostline.journal/2",
                    "committed": True,
                    "root": ROOT_TO_COME,
                    "folders": folders,
                    "steps": [step],
                }
                journals.append(json.dumps(document))
    return journals


def around(world: World, tmp_path: Path) -> None:
    """What lies are after: a file beside the root, one behind a link, one that a run could have staged."""
    (world.folder / "victim").write_bytes(b"precious")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "victim").write_bytes(b"precious")
    (world.folder / "root" / "link").symlink_to(tmp_path / "far")
    for folder in (world.folder, tmp_path / "far"):
        (folder / ".frostline.0123456789abcdef.0.tmp").write_bytes(b"evil")


def test_a_journal_that_lies_is_refused_and_touches_nothing(
    world: World, tmp_path: Path, full: bool, figures: Callable[..., None]
) -> None:
    around(world, tmp_path)
    journals = hostile_journals()
    for text in journals if full else journals[::6]:
        root = (world.folder / "root").stat()
        for_here = text.replace(json.dumps(ROOT_TO_COME), f"[{root.st_dev}, {root.st_ino}]")
        (world.folder / JOURNAL).write_text(for_here)
        before = tree_of(tmp_path)
        for command, statuses in ((world.command, (5,)), (PLAN, (0, 1)), (("check",), (0, 1))):
            done = world.warm.run(*command, cwd=world.folder)
            assert done.status in statuses, (text, done)
            assert "Traceback" not in done.stderr
            told = "cannot be trusted" if 5 in statuses else "was interrupted while publishing"
            assert told in done.stderr or "cannot be finished" in done.stderr or "symbolic link" in done.stderr, done
            assert tree_of(tmp_path) == before, (text, command)
    figures("places", hostile_journals=len(journals) if full else len(journals[::6]), touched=0)


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_manifest_that_lies_deletes_nothing(
    world: World, tmp_path: Path, figures: Callable[..., None], victim: str
) -> None:
    around(world, tmp_path)
    path = world.folder / "root/frostline.manifest"
    lines = path.read_bytes().split(b"\n")
    owned = {"path": victim, "sha256": hexed(b"precious"), "mode": "0644", "output": "python"}
    lines.insert(1, json.dumps(owned, separators=(",", ":")).encode())
    path.write_bytes(b"\n".join(lines))
    before = tree_of(tmp_path)
    done = world.warm.run(*world.command, cwd=world.folder)
    if victim in ("~", "frostline.py"):  # names like others; there are no such files
        assert done.status == 0, done
    else:
        assert done.status in (2, 5), done
        assert tree_of(tmp_path) == before
    assert "Traceback" not in done.stderr
    assert (tmp_path / "far/victim").read_bytes() == (world.folder / "victim").read_bytes() == b"precious"
    figures("places", hostile_manifests=1, touched=0)


def spoilt(data: bytes, draw: random.Random) -> bytes:
    """The bytes as a careless merge, a bad disk, or somebody with ill will leaves them."""
    lines = data.split(b"\n")
    at = draw.randrange(len(lines))
    way = draw.randrange(7)
    if way == 0:
        return data[: draw.randrange(len(data))]
    if way == 1:
        del lines[at]
    elif way == 2:
        lines.insert(at, lines[draw.randrange(len(lines))])
    elif way == 3:
        lines.insert(at, draw.choice([b"<<<<<<< HEAD", b"=======", b">>>>>>> theirs", b"||||||| base"]))
    elif way == 4:
        place = draw.randrange(len(data))
        return data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :]
    elif way == 5:
        names = [b"kept", b"moved", b"gone", b"app/registry.py", b"services", b"mesh", b"dc1", b"10.0.0.1"]
        evil = json.dumps(draw.choice(["../../evil", "/etc/evil", "a\0", "\ud800", "x" * 5000, "${x}", ""]))[1:-1]
        return data.replace(draw.choice(names), evil.encode())
    else:
        return data.replace(b"\n", b"\r\n")
    return b"\n".join(lines)


@pytest.mark.parametrize("name", ["frostline.lock", "root/frostline.manifest", "new.lock"])
def test_a_file_that_is_spoilt_is_an_error_or_harmless(
    world: World, tmp_path: Path, full: bool, figures: Callable[..., None], name: str
) -> None:
    draw = random.Random(name)
    refused = 0
    inside = {each for each in os.listdir(tmp_path) if each == world.folder.name}  # noqa: PTH208
    for _ in range(300 if full else 8):
        restore(world.folder, world.old)
        data = spoilt((world.folder / name).read_bytes(), draw)
        (world.folder / name).write_bytes(data)
        before = tree_of(world.folder)
        command = world.command if name != "frostline.lock" else ("compile", "--offline", *ALLOWED)
        done = world.warm.run(*command, cwd=world.folder)
        # 3: a merged lock that lacks a segment which the committed one has.
        assert done.status in ((0, 2, 3, 4, 5) if name == "new.lock" else (0, 2, 4, 5)), (data, done)
        assert "Traceback" not in done.stderr
        if done.status:
            assert done.stderr.count("help: "), done
            assert tree_of(world.folder) == before, data
            refused += 1
        assert {each.name for each in tmp_path.iterdir()} == inside
        assert not [path for path in tree_of(world.folder) if ".frostline." in path]
    assert refused
    figures("places", spoilt_files=300 if full else 8, refused=refused, touched=0)


# --- file systems that cannot do all ----------------------------------------------------------------------------------


def traced(world: World, strace: str, command: tuple[str, ...], *inject: str) -> tuple[Done, list[str]]:
    """The command with these faults of system calls, and the calls that met one."""
    names = ",".join({each.partition(":")[0] for each in inject})
    pid = world.warm.start(*command, cwd=world.folder)
    tracer = Tracer(strace, pid, trace=names, inject=inject)
    world.warm.go()
    done = world.warm.wait()
    assert "Traceback" not in done.stderr
    return done, [line for line in tracer.lines() if "INJECTED" in line]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        *(("flock", error) for error in ("EBADF", "ENOLCK", "EINVAL", "EOPNOTSUPP", "ENOSYS")),
        *(("fsync", error) for error in ("EBADF", "EINVAL", "EOPNOTSUPP", "ENOSYS")),
    ],
)
def test_what_a_file_system_cannot_do_of_a_folder_is_done_without(
    world: World, strace: str, figures: Callable[..., None], call: str, error: str
) -> None:
    done, met = traced(world, strace, world.command, f"{call}:error={error}")
    assert met
    assert done.status == 0, done
    assert tree_of(world.folder) == world.new
    figures("places", calls_that_are_not_supported=len(met))


def test_a_file_system_without_modes_is_published_to(world: World, strace: str) -> None:
    for error in ("EPERM", "EOPNOTSUPP"):
        world.restore(world.old)
        done, met = traced(world, strace, world.command, f"fchmod:error={error}")
        assert met
        assert done.status == 0, done
        assert {path: content for path, (_, content) in tree_of(world.folder).items()} == {
            path: content for path, (_, content) in world.new.items()
        }


def test_a_fault_of_the_disk_is_never_taken_for_what_it_cannot_do(world: World, strace: str) -> None:
    for call in ("flock", "fsync"):
        done, met = traced(world, strace, world.command, f"{call}:error=EIO")
        assert met
        assert done.status == 5, done
        world.assert_mends()
        world.restore(world.old)


@pytest.mark.parametrize(
    ("error", "said", "way"),
    [
        ("ENOSPC", "No space left on device", "free some space"),
        ("EDQUOT", "Disk quota exceeded", "free some space"),
        ("EROFS", "Read-only file system", "publish to one that can be written"),
        ("EACCES", "Permission denied", "give this user the right to read and write there"),
    ],
)
def test_a_disk_that_takes_nothing_more_is_said_and_leaves_all_as_it_was(
    world: World, strace: str, error: str, said: str, way: str
) -> None:
    done, met = traced(world, strace, world.command, f"mkdir,rename,renameat:error={error}")
    assert met
    assert done.status == 5, done
    assert said in done.stderr
    assert way in done.stderr
    assert not world.assert_mends()


def test_a_checkout_that_cannot_be_written_serves_what_writes_nothing(
    world: World, mounting: str, tmp_path: Path
) -> None:
    world.publish("new")
    new = tree_of(world.folder)
    read_only = "mount --bind . . && mount -o remount,ro,bind . && cd ."
    for command in (
        ("check",),
        ("plan", "--offline"),
        ("list",),
        ("explain", "kept", "--offline"),
        ("graph",),
        ("compile", "--offline"),
        ("compile", "--lock", "new.lock"),
    ):
        done = mounted(world, mounting, f'{read_only} && cd "{world.folder}"', command)
        assert done.status == 0, (command, done)
        assert "cannot be removed" not in done.stderr
    done = mounted(world, mounting, f'{read_only} && cd "{world.folder}"', ("compile", "--lock", "old.lock", *ALLOWED))
    assert done.status == 5, done
    assert "cannot be written: Read-only file system" in done.stderr
    assert tree_of(world.folder) == new
