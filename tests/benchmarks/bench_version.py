"""How long `frostline --version` takes, in ratios to an interpreter that does nothing.

Run by hand: python tests/benchmarks/bench_version.py [ROUNDS]

Each round starts both, one after the other, so that a machine that slows down slows both. The promise is 3 at most.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

ROUNDS = 40


def seconds(*command: str) -> float:
    start = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def main(rounds: int) -> None:
    bare = (sys.executable, "-c", "pass")
    version = (str(Path(sys.executable).with_name("frostline")), "--version")
    seconds(*bare), seconds(*version)
    ratios = sorted(seconds(*version) / seconds(*bare) for _ in range(rounds))
    least, most = ratios[0], ratios[-1]
    print(f"frostline --version / python -c pass: min {least:.2f}, median {median(ratios):.2f}, max {most:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
