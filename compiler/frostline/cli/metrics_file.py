"""The file of `--metrics`: collects what the command learns during a run, and writes it when the run ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from frostline.config.paths import working_folder
from frostline.errors import UsageError
from frostline.model import Finding, Lock, Reading
from frostline.pipeline.load.config import NAME, find_config
from frostline.pipeline.run_metrics import RunFacts, check_place, check_unused, write_metrics
from frostline.settings import Config


class MetricsFile:
    """One file, and the facts of the run so far. It listens to the run's events to count the tries of each read.

    is_written: whether the file was written at least once.
    """

    def __init__(self, path: Path, command: str, config: Path | None) -> None:
        """config: the value of `-c`."""
        self._path = path
        self._facts = RunFacts(command=command, config_path=_config_path(config))
        self._may_write = False
        self.is_written = False

    def check(self) -> None:
        """Check the file's place, before the run does anything else. Raises UsageError if it cannot be there."""
        check_place(self._path)
        self._may_write = True

    def begin_turn(self) -> None:
        """Forget the results of the last turn of a watch. The program of `--exec` counts until it runs again."""
        self._facts = replace(self._facts, findings=(), lock=None, readings=(), tries={})

    def note_config(self, config: Config) -> None:
        """Note the configuration. Raises UsageError if it uses the file itself; then the file is not written."""
        self._may_write = False
        check_unused(self._path, config)
        self._facts, self._may_write = replace(self._facts, config=config), True

    def note_result(
        self, *, findings: Sequence[Finding] = (), lock: Lock | None = None, readings: Sequence[Reading] = ()
    ) -> None:
        """Note what the run found. lock: the lock after the run; None, without readings, if the run was refused."""
        self._facts = replace(self._facts, findings=findings, lock=lock, readings=readings)

    def note_exec(self, *, failed: bool) -> None:
        """Note how the program of `--exec` ended."""
        self._facts = replace(self._facts, exec_failed=failed)

    def write(self, status: int) -> None:
        """Write the file for a run, or a turn, that ends now with this status. Raises PublishError if it cannot."""
        if self._may_write:
            write_metrics(self._path, self._facts, status=status, ended=round(time.time(), 3))
            self.is_written = True

    def started(self, stage: str) -> None:
        """Ignored: only the tries count."""

    def progressed(self, what: str, done: int, expected: int) -> None:
        """Ignored."""

    def finished(self, stage: str) -> None:
        """Ignored."""

    def tried(self, source: str, datacenter: str) -> None:
        """Count a read of this datacenter."""
        tries = self._facts.tries
        key = source, datacenter
        self._facts = replace(self._facts, tries={**tries, key: tries.get(key, 0) + 1})


def _config_path(given: Path | None) -> str:
    """Return where the configuration is, or where the search for it starts; `-` for standard input."""
    here = working_folder()
    with suppress(UsageError):
        given = find_config(given, here)
    return "-" if str(given) == "-" else str(here / (given or NAME))
