"""Commands beside a run that publishes, and commands that are told to end, or killed, at any time.

Each ends well, or says that another run is at work; no file, no process and no hidden cursor is left behind.
"""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from children import Done, Warm
from consul_agent import ConsulAgent
from project import PARTNERS
from published import Tree, differing, restore, tree_of, without_empty_folders

OUTPUTS = [{"type": "python", "path": "root/registry.py"}, {"type": "yaml", "path": "root/all", "split": "service"}]
SERVICES = 12
OUT = ("out.lock", "out.plan")
HIDE_CURSOR = b"\x1b[?25l"
ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


class Command(NamedTuple):
    """statuses: that it may end with beside a run that publishes."""

    words: tuple[str, ...]
    statuses: frozenset[int]


COMPILE = Command(("compile",), frozenset({0, 5}))
FREEZE = Command(("freeze",), frozenset({0, 5}))
COMMANDS = (
    COMPILE,
    FREEZE,
    Command(("freeze", "--out", "out.lock"), frozenset({0})),
    Command(("plan",), frozenset({0, 1})),
    Command(("plan", "--out", "out.plan"), frozenset({0, 1, 4})),
    Command(("check",), frozenset({0})),
)


class Fleet:
    """folder: a project with a live source. old, new: what is in it published of the catalog before and after it moved;
    frozen: with the new lock alone. takes: how many seconds a compile takes."""

    def __init__(self, folder: Path, warm: Warm, agent: ConsulAgent) -> None:
        self.folder, self.warm = folder, warm
        mesh = {"type": "consul", "address": agent.address, "retries": 0}
        config = {"version": 1, "root": "root", "sources": {"mesh": mesh}, "outputs": OUTPUTS}
        (folder / "frostline.yaml").write_text(json.dumps(config, indent=1))
        self.none = tree_of(folder)
        self._register(agent, 80)
        for words in (("compile",), ("plan", "--out", "out.plan"), ("freeze", "--out", "out.lock"), ("check",)):
            warm.learn(*words, cwd=folder)
        for name in OUT:
            (folder / name).unlink()
        self.old = tree_of(folder)
        self._register(agent, 81)
        self.freeze = self._published(("freeze",))
        self.frozen = tree_of(folder)
        began = time.monotonic()
        self._published(("compile",))
        self.takes = time.monotonic() - began
        self.new = tree_of(folder)
        assert len({str(tree) for tree in (self.none, self.old, self.frozen, self.new)}) == 4

    def _register(self, agent: ConsulAgent, port: int) -> None:
        for number in range(SERVICES):
            agent.catalog_register("n", f"shop{number:02}-v1", port=port + number % 2, address="10.0.0.1")

    def _published(self, words: tuple[str, ...]) -> Done:
        done = self.warm.run(*words, cwd=self.folder)
        assert done.status == 0, done.stderr
        return done

    def check_left(self, *states: Tree, but: Callable[[Tree], Tree] = lambda tree: tree) -> None:
        """There is one of these states, and what `--out` wrote is whole. but: what is left of a tree to compare."""
        now = tree_of(self.folder)
        for name in OUT:
            _, data = now.pop(name, (0, None))
            if name.endswith(".lock"):
                assert data in (None, self.new[self._lock][1])
            else:
                assert data is None or json.loads(data)["saved"]
        assert but(now) in [but(state) for state in states], [differing(now, state) for state in states]

    @property
    def _lock(self) -> str:
        return next(path for path in self.new if path.endswith("frostline.lock"))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, warm: Warm, consul: ConsulAgent) -> Fleet:
    consul.reset()
    return Fleet(tmp_path_factory.mktemp("fleet"), warm, consul)


@pytest.fixture(scope="module")
def other(folder_of_static: Path) -> Iterator[Warm]:
    """A second command at the same time."""
    started = Warm()
    started.learn("compile", cwd=folder_of_static)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def folder_of_static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    config = {"version": 1, "root": "made/root", "sources": {"partners": PARTNERS}, "outputs": []}
    outputs = [{"type": "yaml", "path": "made/root/all.yaml"}, {"type": "python", "path": "made/root/registry.py"}]
    (folder / "frostline.yaml").write_text(json.dumps({**config, "outputs": outputs}))
    return folder


def ended(done: Done) -> Done:
    assert "Traceback" not in done.stderr, done.stderr
    return done


def session_members(pid: int) -> list[str]:
    """The processes in the session that this child began."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[3]) == pid and words[0] != "Z":
            found.append(path.parent.name)
    return found


def test_of_first_runs_at_once_one_publishes_and_no_other_takes_its_folder_away(
    folder_of_static: Path, warm: Warm, other: Warm, full, figures
) -> None:
    draw, config = random.Random(3), (folder_of_static / "frostline.yaml").read_bytes()
    for path in (
        "made/root/all.yaml",
        "made/root/registry.py",
        "made/root/registry.pyi",
        "made/root/frostline.manifest",
    ):
        (folder_of_static / path).unlink(missing_ok=True)
    ends = []
    for _ in range(100 if full else 4):
        restore(folder_of_static, {"frostline.yaml": (0o644, config)})
        for racer in (warm, other):
            racer.start("compile", cwd=folder_of_static)
        early, late = draw.sample((warm, other), 2)
        if draw.random() < 0.5:
            early.go(late)
        else:
            early.go()
            time.sleep(draw.uniform(0, 0.02))
            late.go()
        pair = [ended(racer.wait()) for racer in (warm, other)]
        assert 0 in [done.status for done in pair], pair
        for done in pair:
            assert done.status == 0 or (done.status == 5 and "another run is at work" in done.stderr), done
        names = {"made", "made/root", *(f"made/root/{name}" for name in ("all.yaml", "registry.py", "registry.pyi"))}
        assert set(tree_of(folder_of_static)) == {"frostline.yaml", "made/root/frostline.manifest", *names}
        ends += [done.status for done in pair]
    figures("at_once", first_runs=len(ends), first_runs_that_found_another_at_work=ends.count(5), lost_roots=0)


def test_beside_a_run_that_publishes_each_command_ends_well(fleet, other, full, figures) -> None:
    draw = random.Random(5)
    found = 0
    commands = COMMANDS * 12 if full else COMMANDS[::2]
    for beside in commands:
        restore(fleet.folder, fleet.old)
        fleet.warm.start("compile", cwd=fleet.folder)
        other.start(*beside.words, cwd=fleet.folder)
        fleet.warm.go()
        time.sleep(draw.uniform(0, fleet.takes))
        other.go()
        publishing, looking = ended(fleet.warm.wait()), ended(other.wait())
        assert looking.status in beside.statuses, looking
        assert publishing.status == 0 or (publishing.status == 5 and beside in (COMPILE, FREEZE)), publishing
        for done in (publishing, looking):
            assert (done.status == 5) == ("another run is at work" in done.stderr), done
            assert "interrupted" not in done.stderr
        assert 0 in (publishing.status, looking.status)
        fleet.check_left(fleet.new if publishing.status == 0 or beside is COMPILE else fleet.frozen)
        found += 5 in (publishing.status, looking.status)
    figures("at_once", pairs=len(commands), pairs_of_which_one_found_another_at_work=found, torn=0, stray=0)


@pytest.mark.parametrize("first", [False, True], ids=["again", "first"])
def test_a_command_that_is_ended_at_any_time_leaves_nothing_behind(fleet, first, full, figures) -> None:
    draw = random.Random(100 + first)
    before = fleet.none if first else fleet.old
    commands = [command for command in COMMANDS if not first or command.words != ("check",)]
    cases = list(product(commands * 6, ENDS)) if full else list(zip(draw.sample(commands, 3), ENDS, strict=True))
    ends = pending = 0
    for command, number in cases:
        restore(fleet.folder, before)
        pid = fleet.warm.start(*command.words, cwd=fleet.folder)
        fleet.warm.go()
        time.sleep(draw.uniform(0.0, fleet.takes))
        ends += sent(pid, number)
        done = ended(fleet.warm.wait())
        assert done.status in (-number, 130, 0, 1), (number, done.stderr)
        assert not session_members(pid)
        locked = {**before, **{path: entry for path, entry in fleet.new.items() if path.endswith("frostline.lock")}}
        if number == signal.SIGKILL:
            pending += any(".frostline." in path for path in tree_of(fleet.folder))
            mend(fleet, command)
        # A root that was made for nothing may be left empty by what was killed.
        fleet.check_left(before, locked, fleet.new, but=without_empty_folders)
    figures("at_once", ended=ends, journals_or_staged_files_of_killed=pending, torn=0, stray=0, processes=0)


def mend(fleet: Fleet, command: Command) -> None:
    """The next run of each kind: one that goes no further than to undo or finish the last one, and one with `--out`."""
    stopped = ended(fleet.warm.run("compile", "--lock", "missing.lock", cwd=fleet.folder))
    assert stopped.status in (2, 3), stopped
    if "--out" in command.words:
        done = ended(fleet.warm.run(*command.words, cwd=fleet.folder))
        assert done.status in (0, 1), done


def sent(pid: int, number: int) -> bool:
    """Whether the child was still there to get the signal."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def test_on_a_terminal_the_cursor_is_there_whenever_a_run_ends(fleet, full, figures) -> None:
    draw = random.Random(9)
    bars = 0
    cases = ENDS * (10 if full else 1)
    for number in cases:
        restore(fleet.folder, fleet.old)
        ours, theirs = pty.openpty()
        path = os.ttyname(theirs)
        pid = fleet.warm.start("compile", cwd=fleet.folder, terminal=path, env={"TERM": "xterm"})
        fleet.warm.go()
        time.sleep(draw.uniform(fleet.takes / 4, fleet.takes))
        sent(pid, number)
        fleet.warm.wait()
        os.set_blocking(ours, False)
        said = b""
        while piece := read_some(ours):
            said += piece
        os.close(theirs)
        os.close(ours)
        assert HIDE_CURSOR not in said
        assert not session_members(pid)
        bars += b"reading" in said
    figures("at_once", ended_on_a_terminal=len(cases), with_bars=bars, hidden_cursors=0)


def read_some(ours: int) -> bytes:
    try:
        return os.read(ours, 65536)
    except OSError:  # nothing more is there, or the other end is closed
        return b""
