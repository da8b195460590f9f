"""Starts `frostline` as anybody would, and keeps what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from frostline.ci.hosts import TOKEN


class Run(Struct, frozen=True, kw_only=True):
    """status: of `frostline`; text: what it wrote to stdout."""

    status: int
    text: str


def run_frostline(command: str, *arguments: str, config: Path | None, quietly: bool = False) -> Run:
    """`frostline COMMAND` without the host's token. What it says besides its report goes into the log, or, quietly,
    nowhere."""
    named = [] if config is None else ["--config", str(config)]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN}
    done = subprocess.run(  # noqa: S603 - no shell
        # -P: no module comes from the checkout, which may be anybody's pull request.
        [sys.executable, "-P", "-m", "frostline", command, *named, *arguments],
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quietly else None,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Run(status=done.returncode, text=done.stdout)
