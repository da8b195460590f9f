"""Run `frostline` as a program, and keep what it prints."""

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
    """A finished run of frostline. status: its exit status; text: what it wrote to stdout."""

    status: int
    text: str


def run_frostline(
    command: str, *arguments: str, config: Path | None, quietly: bool = False, inside: Path | None = None
) -> Run:
    """Run `frostline COMMAND`, without the host's token in its environment.

    quietly: discard its stderr instead of letting it go to the job's log.
    inside: a folder; frostline then reads only files in it, and its own templates.
    """
    config_option = [] if config is None else ["--config", str(config)]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN}
    if inside:
        environment[INSIDE] = f"{inside}\n{resource_folder('templates')}"
    return start([command, *config_option, *arguments], {**environment, "PYTHONIOENCODING": "utf-8"}, quietly)


def start(arguments: Sequence[str], environment: Mapping[str, str], quietly: bool) -> Run:
    """Run `frostline` with these arguments in its own process."""
    with subprocess.Popen(  # noqa: S603 - no shell
        # -P: import no module from the checkout, which may be anybody's pull request.
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
            process.communicate()  # it could not end while it waits for a reader of its output
            raise
    return Run(status=process.returncode, text=text)
