"""The file of `--metrics` during a run: what the command learns is noted here, and written when it ends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from frostline.config.paths import working_folder
from frostline.errors import UsageError
from frostline.model import Finding, Lock, Reading
from frostline.pipeline.load.config import NAME, find_config
from frostline.pipeline.run_metrics import RunFacts, check_place, check_unused, write_metrics
from frostline.settings import Config


class MetricsFile:
    """One file, and what is known of the run so far. It listens to the stages for the tries of proofs.

    is_written: whether it was written at least once.
    """

    def __init__(self, path: Path, command: str, config: Path | None) -> None:
        """config: the value of `-c`."""
        self._path, self._command = path, command
        self._config_path = _config_path(config)
        self._config: Config | None = None
        self._may_write = False
        self._exec_failed: bool | None = None
        self.is_written = False
        self.begin()

    def check(self) -> None:
        """UsageError: the file cannot be there. To be called before anything else."""
        check_place(self._path)
        self._may_write = True

    def begin(self) -> None:
        """A turn begins, of which nothing is known yet."""
        self._findings: Sequence[Finding] = ()
        self._lock: Lock | None = None
        self._readings: Sequence[Reading] = ()
        self._tries: Counter[tuple[str, str]] = Counter()

    def note_config(self, config: Config) -> None:
        """The configuration. UsageError: it has another use for the file, which is then not written."""
        self._may_write = False
        check_unused(self._path, config)
        self._config, self._may_write = config, True

    def note(
        self, *, findings: Sequence[Finding] = (), lock: Lock | None = None, readings: Sequence[Reading] = ()
    ) -> None:
        """What the run found; lock None, and no readings, where it was refused."""
        self._findings, self._lock, self._readings = findings, lock, readings

    def note_exec(self, *, failed: bool) -> None:
        """How the program of `--exec` ended; that counts until it runs again."""
        self._exec_failed = failed

    def write(self, status: int) -> None:
        """Write the file for a run, or turn, that ends with this status now. PublishError: it cannot be written."""
        if not self._may_write:
            return
        facts = RunFacts(
            command=self._command,
            config_path=self._config_path,
            ended=round(time.time(), 3),
            status=status,
            config=self._config,
            findings=self._findings,
            lock=self._lock,
            readings=self._readings,
            tries=dict(self._tries),
            exec_failed=self._exec_failed,
        )
        write_metrics(self._path, facts)
        self.is_written = True

    def started(self, stage: str) -> None:
        """Ignored, as the next two are: only the tries count."""

    def progressed(self, what: str, done: int, expected: int) -> None: ...

    def finished(self, stage: str) -> None: ...

    def tried(self, source: str, datacenter: str) -> None:
        self._tries[source, datacenter] += 1


def _config_path(given: Path | None) -> str:
    """Where the configuration is, or is looked for first; `-` for standard input."""
    here = working_folder()
    with suppress(UsageError):
        given = find_config(given, here)
    return "-" if str(given) == "-" else str(here / (given or NAME))
