"""Starts `frostline` as anybody would, and keeps what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from frostline.ci.hosts import TOKEN
from frostline.files.reading import INSIDE
from frostline.resources import resource_folder


class Run(Struct, frozen=True, kw_only=True):
    """status: of `frostline`; text: what it wrote to stdout."""

    status: int
    text: str


def run_frostline(
    command: str, *arguments: str, config: Path | None, quietly: bool = False, inside: Path | None = None
) -> Run:
    """`frostline COMMAND` without the host's token. What it says besides its report goes into the log, or, quietly,
    nowhere. inside: the folder out of which it reads nothing but the templates that come with it."""
    named = [] if config is None else ["--config", str(config)]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN}
    if inside:
        environment[INSIDE] = f"{inside}\n{resource_folder('templates')}"
    return start([command, *named, *arguments], {**environment, "PYTHONIOENCODING": "utf-8"}, quietly)


def start(arguments: Sequence[str], environment: Mapping[str, str], quietly: bool) -> Run:
    """Run `frostline` with these arguments in a process of its own."""
    with subprocess.Popen(  # noqa: S603 - no shell
        # -P: no module comes from the checkout, which may be anybody's pull request.
        [sys.executable, "-P", "-m", "frostline", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quietly else None,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            text, _ = process.communicate()
        except BaseException:
            process.terminate()  # it undoes what it has staged
            process.wait()
            raise
    return Run(status=process.returncode, text=text)
