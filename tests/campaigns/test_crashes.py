"""Whole or nothing: a run that is killed, or refused a system call, at each call that publishing makes."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from children import Tracer, Warm
from published import World, tree_of, without_empty_folders


def named(names: str) -> frozenset[str]:
    return frozenset(names.split())


# All that a run does from its first write on is one of these, or the test fails: nothing is forgotten.
WRITING = named(
    "rename renameat renameat2 fsync fdatasync write pwrite64 openat unlink unlinkat rmdir mkdir mkdirat chmod fchmod "
    "fchmodat flock ftruncate copy_file_range sendfile link linkat symlinkat close utimensat sync_file_range fsetxattr"
)
READING = named(
    "read pread64 lseek fstat newfstatat stat lstat statx dup fcntl ioctl getdents64 readlink readlinkat fgetxattr"
)
OTHER = named(
    "brk mmap munmap mremap mprotect madvise futex rt_sigaction rt_sigprocmask getpid gettid getrandom umask "
    "exit_group clock_gettime setitimer getcwd prlimit64 restart_syscall access faccessat2"
)
CALL = re.compile(r"^\d+ +([a-z0-9_]+)\((.*)")
ERRORS = ("ENOSPC", "EACCES", "EIO")


class Point(NamedTuple):
    """The number-th call of this name since the run began."""

    name: str
    number: int


@pytest.fixture
def world(folder: Path, warm: Warm) -> World:
    return World(folder, warm)


def points_of(world: World, strace: str) -> list[Point]:
    """Each system call of a run from its first write below the root on."""
    tracer = Tracer(strace, world.warm.start(*world.command, cwd=world.folder))
    world.warm.go()
    assert world.warm.wait().status == 0
    counts: dict[str, int] = {}
    points: list[Point] = []
    writing = False
    for line in tracer.lines():
        match = CALL.match(line)
        if match is None:
            continue
        name, rest = match.groups()
        counts[name] = counts.get(name, 0) + 1
        writing = writing or ("O_CREAT" in rest and ".frostline.journal.tmp" in rest)
        if writing:
            points.append(Point(name, counts[name]))
    unknown = {point.name for point in points} - WRITING - READING - OTHER
    assert not unknown, f"which of the three kinds are {unknown}?"
    world.restore(world.old)
    return points


def chosen(points: list[Point], names: frozenset[str], full: bool, some: int) -> list[Point]:
    """All of them, or a few from the first to the last."""
    fit = [point for point in points if point.name in names]
    return fit if full else fit[:: max(1, len(fit) // some)]


def injected(world: World, strace: str, point: Point, fault: str) -> int | None:
    """The status of a run that meets this fault at this call; None: it made fewer such calls this time."""
    pid = world.warm.start(*world.command, cwd=world.folder)
    tracer = Tracer(strace, pid, trace=point.name, inject=[f"{point.name}:{fault}:when={point.number}"])
    world.warm.go()
    done = world.warm.wait()
    assert "Traceback" not in done.stderr
    met = any("INJECTED" in line or "killed by SIGKILL" in line for line in tracer.lines())
    return done.status if met else None


def test_a_run_that_is_killed_at_any_system_call_leaves_old_or_new_files(world, strace, full, figures) -> None:
    points = chosen(points_of(world, strace), WRITING, full, 8)
    kills = pending = 0
    for point in points:
        world.restore(world.old)
        status = injected(world, strace, point, "signal=KILL")
        assert status in (-9, None), point
        kills += status == -9
        pending += world.assert_mends()
    assert pending
    assert kills > 0.95 * len(points)
    figures("crash", kills=kills, journals_pending=pending, torn=0, stray=0)


def test_a_recovery_that_is_killed_at_any_system_call_is_recovered(world, strace, full, figures) -> None:
    points = points_of(world, strace)
    renames = [point for point in points if point.name.startswith("rename")]
    cuts = [renames[1], renames[len(renames) // 2], renames[-1]] if full else [renames[len(renames) // 2]]
    kills = 0
    for cut in cuts:
        world.restore(world.old)
        injected(world, strace, cut, "signal=KILL")
        state = tree_of(world.folder)
        for name in ("unlink", "rename", "fsync", "rmdir"):
            for number in range(1, 40 if full else 2):
                world.restore(state)
                pid = world.warm.start("compile", "--lock", "new.lock", cwd=world.folder)
                tracer = Tracer(strace, pid, trace=name, inject=[f"{name}:signal=KILL:when={number}"])
                world.warm.go()
                status = world.warm.wait().status
                tracer.lines()
                if status != -9:
                    break
                world.assert_mends()
                kills += 1
    assert kills
    figures("crash", kills_of_recoveries=kills, torn=0, stray=0)


@pytest.mark.parametrize("error", ERRORS)
def test_a_system_call_that_fails_anywhere_leaves_old_or_new_files(world, strace, full, figures, error) -> None:
    names = WRITING - {"close"} if error != "EIO" else WRITING | READING - {"ioctl", "lseek", "dup", "fcntl"}
    points = chosen(points_of(world, strace), names, full, 3)
    met = refused = 0
    wrong: list[tuple[Point, int]] = []
    for point in points:
        world.restore(world.old)
        status = injected(world, strace, point, f"error={error}")
        if status is None:
            continue
        met += 1
        refused += status == 5
        world.assert_whole(tree_of(world.folder))
        # A folder that is empty now and that the system did not let go stays: publishing must not hang on that.
        now = without_empty_folders(tree_of(world.folder))
        if status not in (0, 5) or (status == 0 and now != without_empty_folders(world.new)):
            wrong.append((point, status))
        try:
            world.assert_mends(without_empty_folders)
        except AssertionError as failed:
            raise AssertionError(f"after {point}: {failed}") from None
    assert not wrong
    assert refused
    assert met > 0.95 * len(points)
    figures("crash", errors_injected=met, runs_refused=refused, torn=0, stray=0)


def test_a_run_that_is_killed_at_any_time_leaves_old_or_new_files(world, full, figures) -> None:
    began = time.monotonic()
    world.publish("new")
    takes = time.monotonic() - began
    draw = random.Random(7)
    kills = pending = 0
    for _ in range(200 if full else 5):
        world.restore(world.old)
        pid = world.warm.start(*world.command, cwd=world.folder)
        world.warm.go()
        time.sleep(draw.uniform(takes / 4, takes))
        kills += killed(pid)
        world.warm.wait()
        pending += world.assert_mends()
    figures("crash", kills_at_random=kills, journals_pending=pending, torn=0, stray=0)


def killed(pid: int) -> bool:
    """Whether the child was still there to be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def others() -> Iterator[list[Warm]]:
    started = [Warm() for _ in range(3)]
    yield started
    for each in started:
        each.stop()


def test_of_runs_at_once_each_ends_well_or_says_that_another_is_at_work(world, others, full, figures) -> None:
    won = lost = 0
    for _ in range(50 if full else 3):
        world.restore(world.old)
        for each in others:
            each.start(*world.command, cwd=world.folder)
        for each in others:
            each.go()
        ends = [other.wait() for other in others]
        for end in ends:
            assert end.status in (0, 5), end.stderr
            assert end.status == 0 or "another run is at work" in end.stderr
        assert any(end.status == 0 for end in ends)
        assert tree_of(world.folder) == world.new
        won += sum(end.status == 0 for end in ends)
        lost += sum(end.status == 5 for end in ends)
    figures("crash", runs_at_once=won + lost, runs_that_found_another_at_work=lost)
