"""What a child process took, and how figures of several rounds are shown."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

FROSTLINE = (sys.executable, "-m", "frostline")


class Took(NamedTuple):
    """Of one command: seconds of wall and of CPU, its child processes' too, and the most memory, in MiB, of any one
    process."""

    wall: float
    cpu: float
    memory: float


def run(command: Sequence[str], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Took:
    """Runs it to its end. RuntimeError: it failed, with what it said."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: {said[-2000:]}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def most_memory(command: Sequence[str], cwd: Path | None = None) -> float:
    """The most memory, in MiB, that all its processes together have at one time, what they share counted once.

    Looking often enough costs time: a run of its own. Linux alone tells (proc(5), smaps_rollup: Pss).
    """
    most = 0
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, _memory_of(process.pid))
            time.sleep(0.02)
    return most / 1024


def _memory_of(pid: int) -> int:
    """KiB of this process and those that it has begun; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return own + sum(_memory_of(int(child)) for child in children)


def mean(runs: Sequence[Took]) -> Took:
    """Of runs that count as one."""
    return Took(*(statistics.fmean(figures) for figures in zip(*runs, strict=True)))


def spread(values: Sequence[float], unit: str = "") -> str:
    """`minimum, median, maximum`."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"min {low:.2f}{unit}  median {middle:.2f}{unit}  max {high:.2f}{unit}"


def show(name: str, rounds: Sequence[Took]) -> None:
    """A line of what a process took."""
    memory = max(each.memory for each in rounds)
    cpu = statistics.median(each.cpu for each in rounds)
    print(f"{name:34} {spread([each.wall for each in rounds], ' s')}  CPU {cpu:.1f} s  {memory:.0f} MiB", flush=True)


def show_ratio(name: str, these: Sequence[Took], those: Sequence[Took]) -> None:
    """A line of ratios of wall time, round by round, and the one of memory."""
    ratios = [this.wall / that.wall for this, that in zip(these, those, strict=True)]
    memory = max(each.memory for each in these) / max(each.memory for each in those)
    print(f"{name:34} {spread(ratios)}  memory {memory:.2f}", flush=True)
