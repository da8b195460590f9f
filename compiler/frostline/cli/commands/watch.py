"""`frostline watch`: wait for changes, and publish each as compile does."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Sequence
from datetime import date
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from frostline import errors
from frostline.cli.console import Invocation, info, print_err
from frostline.cli.invoking import invoked, load_invocation_config, note_compilation
from frostline.cli.locks import read_locks
from frostline.cli.options import DURATION, common_options, metrics_option
from frostline.cli.usage import WrongValue
from frostline.cli.watch_log import WatchLog
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.freeze.locks import LockPair
from frostline.pipeline.publish.after_publishing import check_program, run_after
from frostline.pipeline.publish.saved_plans import basis_of
from frostline.pipeline.publish.session import publish_compilation, publish_session
from frostline.pipeline.publish.verifying import verify_changes
from frostline.pipeline.watch import CONFIRM, Watching
from frostline.plan.changes import summary
from frostline.plan.saved import Basis, digest_of
from frostline.publish.publishing import is_interrupted
from frostline.settings import Allow, Config
from frostline.text import escape_for_log, pluralize, quote


def _words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split the command of `--exec` into words; () without it."""
    if value is None:
        return ()
    try:
        words = tuple(shlex.split(value))
    except ValueError as error:
        message = f"{quote(value)} cannot be split into words: {str(error).lower()}"
        raise WrongValue(message, "quote it as a shell would have it") from None
    if not words or not words[0] or "\0" in value:
        raise WrongValue(f"{quote(value)} names no program", "write its name or path first")
    return words


def _positive(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if value <= 0:
        raise WrongValue("the duration must be longer than 0", "write one such as 30s, 5m or 24h")
    return value


@click.command("watch")
@click.option(
    "--quiet-for",
    type=DURATION,
    default=5.0,
    callback=_positive,
    metavar="DURATION",
    help="Read when nothing has changed for this long, at the latest after four times that (default: 5s).",
)
@click.option(
    "--poll",
    type=DURATION,
    default=60.0,
    callback=_positive,
    metavar="DURATION",
    help="Read all sources this often if one cannot report all changes (default: 60s).",
)
@click.option(
    "--exec",
    "program",
    callback=_words,
    metavar="COMMAND",
    help="Run this command after files were published. It is split into words as in a shell, but runs without one.",
)
@metrics_option
@common_options
@invoked
def command(invocation: Invocation, quiet_for: float, poll: float, program: Sequence[str]) -> int:
    """Wait for changes, and publish each one as compile does.

    If a change is refused, or a source cannot be read, the published files stay. Runs until a signal ends it.
    """
    watcher = _Watcher(invocation, program, given_day=click.get_current_context().params.get("today"))
    watcher.run(quiet_for, poll)
    raise AssertionError("a watch ends by a signal or an error")


class _Settled(Struct, frozen=True):
    """The inputs and the time of the last turn that published, or had nothing to publish."""

    basis: Basis
    at: float


class _Watcher:
    """One `frostline watch`: its turns."""

    def __init__(self, invocation: Invocation, program: Sequence[str], given_day: Any) -> None:
        self._invocation, self._program = invocation, tuple(program)
        self._day: date | None = given_day.date() if given_day else None
        self._settled: _Settled | None = None
        self._has_published = False
        self._program_succeeded_for: str | None = None
        """The digest of the published manifest for which the program of `--exec` last succeeded."""
        self._program_failed_for: str | None = None
        """The digest of the published manifest for which it failed; None if it last succeeded."""
        self._metrics = invocation.metrics
        self._log = WatchLog(invocation)

    def run(self, quiet_for: float, poll: float) -> None:
        """Take turns forever. Raises UsageError if the configuration is wrong from the start."""
        config = self._load()
        if self._program:
            check_program(config, self._program)
        watching = Watching(config, quiet_for=quiet_for, poll=poll)
        polled = f"; read every {poll:g} s: {', '.join(watching.polled)}" if watching.polled else ""
        info(self._invocation, f"Watching {pluralize(len(config.sources), 'source')}{polled}.")
        is_first = True
        while True:
            watching.wait()
            loaded: Config | None = None
            failed, status = False, errors.DONE
            if self._metrics:
                self._metrics.begin_turn()
            try:
                loaded = self._load()
                status = self._turn(loaded, watching.now())
            except FrostlineError as error:
                members = error.errors if isinstance(error, ErrorGroup) else (error,)
                if is_first and any(isinstance(member, UsageError) for member in members):
                    raise
                failed, status = True, error.status
                self._log.say_failed(error)
            is_first = False
            program_failed = loaded is not None and not self._run_program(loaded)
            self._write_metrics(status)
            watching.end_turn(loaded, failed=failed, mendable=status == errors.REFUSED or program_failed)
            gc.collect()  # `main` sets a high threshold for a single run, but here cycles would add up for hours

    def _load(self) -> Config:
        config = load_invocation_config(self._invocation)
        if config.digest is not None:
            raise UsageError(
                "watch reads the configuration again and again, which a pipe or a device does not allow",
                help="write it to a file, and name that with `-c FILE`",
            )
        return config

    def _write_metrics(self, status: int) -> None:
        if self._metrics is None:
            return
        try:
            self._metrics.write(status)
        except FrostlineError as error:
            self._log.say_metrics(error)
        else:
            self._log.say_metrics(None)

    def _turn(self, config: Config, now: float) -> int:
        """Read the sources, and publish if something has changed since the last settled turn.

        Return the exit status that a compile would have had.
        """
        self._recover(config)
        options = CompileOptions(today=self._day or date.today())
        basis = basis_of(config, options)
        locks, warnings = read_locks(config, Allow(), options.today)
        self._log.say_source_warnings(warnings)
        settled = self._settled
        if settled and not locks.changed and settled.basis == basis and now - settled.at < CONFIRM:
            self._log.say_recovered()
            if self._metrics:
                self._metrics.note_result(lock=locks.new, readings=locks.readings)
            return errors.DONE
        self._settled = None
        compilation = self._publish(config, locks, options)
        note_compilation(self._invocation, compilation)
        self._log.say_warnings([finding for finding in compilation.findings if finding.severity == "warning"])
        if compilation.refused:
            self._log.say_refused([finding for finding in compilation.findings if finding.severity == "error"])
            return errors.REFUSED
        after = basis_of(config, options)
        self._settled = _Settled(replace(basis, lock=after.lock, manifest=after.manifest), now)
        if self._has_published and not compilation.plan.has_changes:  # read only because CONFIRM has passed
            self._log.say_recovered()
        else:
            self._log.say_published(compilation)
            self._has_published = True
        counts = summary(compilation.plan)
        if counts["write"] + counts["delete"]:
            self._program_succeeded_for = None
        return errors.DONE

    def _recover(self, config: Config) -> None:
        """Finish or undo what a killed run left, before reading the sources: they may stay unreachable for days."""
        if is_interrupted(config.root):
            with publish_session(config):
                info(self._invocation, "An interrupted publication was finished or undone.")

    def _run_program(self, config: Config) -> bool:
        """Run the program of `--exec`, unless it has succeeded since the last publication, whoever published.

        Return False if it must run again soon.
        """
        try:
            published = digest_of(config.manifest)
        except FrostlineError:  # the turn has reported it
            return True
        if not self._program or published == self._program_succeeded_for:
            return True
        failure = run_after(config, self._program)
        if self._metrics:
            self._metrics.note_exec(failed=failure is not None)
        if failure and published != self._program_failed_for:
            print_err(escape_for_log(f"--exec: {failure}; it runs again in five minutes, or after the next change."))
        elif self._program_failed_for and not failure:
            info(self._invocation, f"--exec: {quote(self._program[0])} succeeded again.")
        self._program_succeeded_for = None if failure else published
        self._program_failed_for = published if failure else None
        return not failure

    def _publish(self, config: Config, locks: LockPair, options: CompileOptions) -> Compilation:
        """Check, render, verify and publish what was read, under the run lock."""
        with publish_session(config) as root:
            compilation = verify_changes(config, compile_registry(config, locks, options), options)
            if not compilation.refused:
                publish_compilation(config, root, compilation)
        return compilation
