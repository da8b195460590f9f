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
from frostline.cli.invoking import invoked, load_invocation_config, note_compilation, print_warnings
from frostline.cli.locks import read_locks
from frostline.cli.options import DURATION, common_options, metrics_option
from frostline.cli.usage import WrongValue
from frostline.durations import without_durations
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import Finding
from frostline.pipeline.compile.compiling import Compilation, CompileOptions, compile_registry
from frostline.pipeline.freeze.locks import LockPair
from frostline.pipeline.publish.after_publishing import check_program, run_after
from frostline.pipeline.publish.saved_plans import basis_of
from frostline.pipeline.publish.session import publish_compilation, publish_session
from frostline.pipeline.publish.verifying import verify_changes
from frostline.pipeline.watch import CONFIRM, Watching
from frostline.plan.changes import Plan, published_line, summary
from frostline.plan.saved import Basis, digest_of
from frostline.publish.publishing import is_interrupted
from frostline.reporters.text import line_of
from frostline.settings import Allow, Config
from frostline.text import escape_for_log, pluralize, quote, shorten

_STAYS = "what is published stays as it is"


def _words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The command of `--exec` as words; () without it."""
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
        raise WrongValue("it must be longer than 0", "write one such as 30s, 5m or 24h")
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
    """What the last turn that found all in order was made from, and when it was."""

    basis: Basis
    at: float


class _Watcher:
    """One `frostline watch`: its turns, and what it has said of them."""

    def __init__(self, invocation: Invocation, program: Sequence[str], given_day: Any) -> None:
        self._invocation, self._program = invocation, tuple(program)
        self._day: date | None = given_day.date() if given_day else None
        self._settled: _Settled | None = None
        self._has_published = False
        self._trouble: str | None = None
        self._warnings: tuple[str, ...] = ()
        self._warned: dict[_Warned, str] = {}
        """The warnings that the latest compilation found, each with its line."""
        self._served: str | None = None
        """The digest of the manifest after whose publication the program last ended well."""
        self._failed: str | None = None
        """The same, while it fails."""
        self._metrics = invocation.metrics
        self._unwritten: str | None = None

    def run(self, quiet_for: float, poll: float) -> None:
        """Take turns for ever. UsageError: the configuration is wrong from the start."""
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
                self._metrics.begin()
            try:
                loaded = self._load()
                status = self._turn(loaded, watching.now())
            except FrostlineError as error:
                if is_first and any(isinstance(each, UsageError) for each in _all_of(error)):
                    raise
                failed, status = True, error.status
                self._say_trouble(f"Not published: {_one_line(error)}; {_STAYS}.")
            is_first = False
            ran = loaded is None or self._run_program(loaded)
            self._write_metrics(status)
            watching.end_turn(loaded, failed=failed, mendable=status == errors.REFUSED or not ran)
            gc.collect()  # the threshold that `main` sets is for a single run: here cycles would add up for hours

    def _load(self) -> Config:
        config = load_invocation_config(self._invocation)
        if config.digest is not None:
            raise UsageError(
                "watch needs a configuration that can be read again: it comes from a pipe or a device",
                help="write it to a file, and name it with `-c FILE`",
            )
        return config

    def _write_metrics(self, status: int) -> None:
        if self._metrics is None:
            return
        unwritten = None
        try:
            self._metrics.write(status)
        except FrostlineError as error:
            unwritten = f"No metrics: {_one_line(error)}."
        if unwritten and unwritten != self._unwritten:
            print_err(escape_for_log(unwritten))
        self._unwritten = unwritten

    def _turn(self, config: Config, now: float) -> int:
        """Read, and publish where something is not as it was at the end of the last good turn; the exit status that a
        compile would have had."""
        self._recover(config)
        options = CompileOptions(today=self._day or date.today())
        basis = basis_of(config, options)
        locks, warnings = read_locks(config, Allow(), options.today)
        self._say_warnings(warnings)
        settled = self._settled
        if settled and not locks.changed and settled.basis == basis and now - settled.at < CONFIRM:
            self._say_recovered()
            if self._metrics:
                self._metrics.note(lock=locks.new, readings=locks.readings)
            return errors.DONE
        self._settled = None
        compilation = self._publish(config, locks, options)
        note_compilation(self._invocation, compilation)
        self._say_warned([finding for finding in compilation.findings if finding.severity == "warning"])
        if compilation.refused:
            refusals = [finding for finding in compilation.findings if finding.severity == "error"]
            self._say_trouble(f"Refused: {_first_of(refusals)}; {_STAYS}. `frostline plan` says what to do.")
            return errors.REFUSED
        after = basis_of(config, options)
        self._settled = _Settled(replace(basis, lock=after.lock, manifest=after.manifest), now)
        if self._has_published and not compilation.plan.has_changes:  # the hour is over
            self._say_recovered()
        else:
            self._say_published(compilation)
            self._has_published = True
        counts = summary(compilation.plan)
        if counts["write"] + counts["delete"]:
            self._served = None
        return errors.DONE

    def _recover(self, config: Config) -> None:
        """Finish or undo what a killed run left, before anything is read: the sources may stay away for days."""
        if is_interrupted(config.root):
            with publish_session(config):
                info(self._invocation, "A publication that was interrupted is finished, or undone.")

    def _run_program(self, config: Config) -> bool:
        """Run the program of `--exec` unless it has ended well since the last publication, whoever published; whether
        it need not run again."""
        try:
            published = digest_of(config.manifest)
        except FrostlineError:  # the turn has said so
            return True
        if not self._program or published == self._served:
            return True
        failure = run_after(config, self._program)
        if self._metrics:
            self._metrics.note_exec(failed=failure is not None)
        if failure and published != self._failed:
            print_err(escape_for_log(f"--exec: {failure}; it runs again in five minutes, or after the next change."))
        elif self._failed and not failure:
            info(self._invocation, f"--exec: {quote(self._program[0])} ended well again.")
        self._served, self._failed = (None, published) if failure else (published, None)
        return not failure

    def _publish(self, config: Config, locks: LockPair, options: CompileOptions) -> Compilation:
        """Check, render, verify and publish what was read, under the lock of the run."""
        with publish_session(config) as root:
            compilation = verify_changes(config, compile_registry(config, locks, options), options)
            if not compilation.refused:
                publish_compilation(config, root, compilation)
        return compilation

    def _say_published(self, compilation: Compilation) -> None:
        services = sum(1 for _ in compilation.registry.entries())
        self._trouble = None
        names = _changes(compilation.plan)
        line = published_line(compilation.plan, services)
        info(self._invocation, f"{line} {names}" if names else line)

    def _say_trouble(self, line: str) -> None:
        """Once, and not again while nothing but how old something is differs."""
        if self._trouble is None or without_durations(line) != without_durations(self._trouble):
            print_err(escape_for_log(line))
        self._trouble = line

    def _say_warnings(self, warnings: tuple[str, ...]) -> None:
        """As `_say_trouble`; and once when there are none any more."""
        if [*map(without_durations, warnings)] != [*map(without_durations, self._warnings)]:
            print_warnings(self._invocation, warnings)
        if self._warnings and not warnings:
            info(self._invocation, "The sources are read without a warning again.")
        self._warnings = warnings

    def _say_warned(self, warnings: Sequence[Finding]) -> None:
        """Each warning once for as long as it lasts, whatever becomes of its numbers, and once that it is over: nobody
        else tells of a service that is held."""
        found = {_warned_of(finding): line_of(finding) for finding in warnings}
        new = [line for key, line in found.items() if key not in self._warned]
        over = [f"Over: {line}" for key, line in self._warned.items() if key not in found]
        for lines in (new, over):
            for line in lines[:_MOST_NAMED]:
                info(self._invocation, line)
            if len(lines) > _MOST_NAMED:
                more = f"{pluralize(len(lines) - _MOST_NAMED, 'warning')} more"
                info(self._invocation, f"{more}; `frostline plan` shows all" if lines is new else f"Over: {more}")
        self._warned = found

    def _say_recovered(self) -> None:
        if self._trouble is not None:
            info(self._invocation, "Up to date again: nothing has changed.")
        self._trouble = None


def _all_of(error: FrostlineError) -> Sequence[FrostlineError]:
    return error.errors if isinstance(error, ErrorGroup) else (error,)


def _one_line(error: FrostlineError) -> str:
    first, *others = _all_of(error)
    more = f" (and {len(others)} more)" if others else ""
    return f"{f'{first.origin}: ' if first.origin else ''}{first.message}{more}"


def _first_of(findings: Sequence[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{line_of(findings[0])}{more}"


_Warned = tuple[str, str | None, str | None, str]
"""What makes a warning the same one: its rule, service, version and place."""


def _warned_of(finding: Finding) -> _Warned:
    return finding.rule, finding.service, finding.version, str(finding.origin)


_ACTIONS = {"add": "added", "change": "changed", "remove": "removed"}
_MOST_NAMED = 10


def _changes(plan: Plan) -> str:
    """`payments v1 changed, search added.`: the first of the services that changed; "" for none."""
    said = [
        f"{shorten(' '.join(filter(None, (change.service, change.version))))} {_ACTIONS[change.action]}"
        for change in plan.services
    ]
    more = f" and {len(said) - _MOST_NAMED} more" if len(said) > _MOST_NAMED else ""
    return f"{', '.join(said[:_MOST_NAMED])}{more}." if said else ""
