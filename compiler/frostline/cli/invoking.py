"""What commands share: how a click command runs its function, loads its configuration and prints warnings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    configure_logging,
    info,
    prepare_streams,
    print_err,
    show_error,
    text_report,
)
from frostline.cli.options import take_invocation
from frostline.cli.progress import Timings, bars_for, print_timings
from frostline.config.paths import working_folder
from frostline.errors import FrostlineError
from frostline.events import listening
from frostline.pipeline.load.config import find_config, load_config
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import is_at_work
from frostline.settings import Config
from frostline.text import list_names

if TYPE_CHECKING:
    from frostline.cli.metrics_file import MetricsFile
    from frostline.pipeline.compile.compiling import Compilation


def invoked(function: Callable[..., int]) -> Callable[..., int]:
    """Turn a function (invocation, own options…) -> exit status into the callback of a click command.

    The callback prepares the streams and the log, shows progress and timings, writes metrics, and turns errors into a
    message and a status.
    """

    @wraps(function)
    def callback(**options: Any) -> int:
        invocation = take_invocation(options)
        prepare_streams()
        configure_logging(invocation)
        timings, metrics = Timings() if invocation.timings else None, invocation.metrics
        listeners = [*bars_for(invocation), *([timings] if timings else []), *([metrics] if metrics else [])]

        def run() -> int:
            return _run_showing_errors(invocation, lambda: function(invocation, **options))

        try:
            with listening(listeners):
                return _run_with_metrics(invocation, metrics, run) if metrics else run()
        finally:
            if timings is not None:
                print_timings(timings)

    return callback


def _run_showing_errors(invocation: Invocation, run: Callable[[], int]) -> int:
    """Run, and return the exit status. An error is shown."""
    try:
        return run()
    except FrostlineError as error:
        show_error(error, invocation)
        return error.status


def _run_with_metrics(invocation: Invocation, metrics: MetricsFile, run: Callable[[], int]) -> int:
    """Run, write the file of metrics however the run ends, and return the exit status."""

    def check() -> int:
        metrics.check()
        return errors.DONE

    if status := _run_showing_errors(invocation, check):
        return status
    try:
        status = run()
    except BaseException as error:
        if not (metrics.is_written and isinstance(error, KeyboardInterrupt)):  # a watch: its last turn counts
            _write_metrics(invocation, metrics, _status_of(error))
        raise
    return max(status, _write_metrics(invocation, metrics, status))


def _write_metrics(invocation: Invocation, metrics: MetricsFile, status: int) -> int:
    """Write the file of metrics, and return the exit status of that.

    An error is shown as text only: the command may have printed a complete report already.
    """
    try:
        metrics.write(status)
    except FrostlineError as error:
        for line in text_report(invocation, sys.stderr, (), error):
            print_err(line)
        return error.status
    return errors.DONE


def _status_of(error: BaseException) -> int:
    """Return the exit status with which the command ends by this exception."""
    if isinstance(error, click.ClickException):
        return errors.USAGE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return errors.INTERRUPTED
    return errors.UNREADABLE if isinstance(error, MemoryError) else errors.BUG


def load_invocation_config(invocation: Invocation) -> Config:
    """Find and read the configuration of the command."""
    config = load_config(find_config(invocation.config, working_folder()))
    if invocation.metrics:
        invocation.metrics.note_config(config)
    return config


def note_compilation(invocation: Invocation, compilation: Compilation) -> None:
    """Note the result of this run for its metrics."""
    if invocation.metrics:
        lock = None if compilation.refused else compilation.lock
        invocation.metrics.note_result(findings=compilation.findings, lock=lock, readings=compilation.readings)


class DifferentError(FrostlineError):
    """Something differs from what was expected: exit status 1."""

    status = errors.DIFFERENT


def unknown_service(service: str, version: str | None, close: Sequence[str]) -> DifferentError:
    """Return the error that no service has this name. close: what the user may have meant, best first."""
    name = service if version is None else f"{service} {version}"
    hint = f"did you mean {list_names(close, 'or')}?" if close else "see `frostline list`"
    return DifferentError(f"unknown service `{name}`", help=hint)


def print_warnings(invocation: Invocation, warnings: Sequence[str]) -> None:
    """Print the warnings of sources to stderr, unless `-q` is given."""
    for warning in warnings:
        info(invocation, f"warning: {warning}")


def warn_of_pending_run(invocation: Invocation, config: Config) -> None:
    """Warn if an earlier run was killed while it published, but not if another run is publishing now."""
    root = config.root
    # Ask twice: another run may have ended in between.
    if is_interrupted(root) and not is_at_work(root) and is_interrupted(root):
        info(invocation, "warning: an earlier run was interrupted while publishing; the next compile finishes it")
