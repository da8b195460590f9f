"""What commands share: how a click command runs its function, its configuration, its warnings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from frostline import errors
from frostline.cli.console import Invocation, info, log_as_asked, prepare_streams, show_error
from frostline.cli.options import take_invocation
from frostline.cli.progress import Timings, bars_for, print_timings
from frostline.config.paths import working_folder
from frostline.errors import FrostlineError
from frostline.events import listening
from frostline.pipeline.load import find_config, load_config
from frostline.publish.publishing import is_interrupted
from frostline.publish.run_lock import is_at_work
from frostline.settings import Config
from frostline.text import list_names


def invoked(function: Callable[..., int]) -> Callable[..., int]:
    """Make a function (invocation, own options…) -> exit status the callback of a click command.

    It prepares the streams and the log, shows progress and timings, and turns errors into a message and a status.
    """

    @wraps(function)
    def callback(**options: Any) -> int:
        invocation = take_invocation(options)
        prepare_streams()
        log_as_asked(invocation)
        timings = Timings() if invocation.timings else None
        try:
            with listening([*bars_for(invocation), *([timings] if timings else [])]):
                return function(invocation, **options)
        except FrostlineError as error:
            show_error(error, invocation)
            return error.status
        finally:
            if timings is not None:
                print_timings(timings)

    return callback


def load_invocation_config(invocation: Invocation) -> Config:
    """Find and read the configuration that the command is to use."""
    return load_config(find_config(invocation.config, working_folder()))


class DifferentError(FrostlineError):
    """Not a fault: something differs from what was expected."""

    status = errors.DIFFERENT


def unknown_service(service: str, version: str | None, close: Sequence[str]) -> DifferentError:
    """The error that no service has this name. close: what the user may have meant, best first."""
    asked = service if version is None else f"{service} {version}"
    hint = f"did you mean {list_names(close, 'or')}?" if close else "see `frostline list`"
    return DifferentError(f"unknown service `{asked}`", help=hint)


def print_warnings(invocation: Invocation, warnings: Sequence[str]) -> None:
    """The warnings of sources, to stderr unless `-q`."""
    for warning in warnings:
        info(invocation, f"warning: {warning}")


def warn_of_pending_run(invocation: Invocation, config: Config) -> None:
    """Warn if an earlier run was killed while it published; not where another run is publishing now."""
    root = config.root
    if is_interrupted(root) and not is_at_work(root) and is_interrupted(root):  # it may have ended in between
        info(invocation, "warning: an earlier run was interrupted while publishing; the next compile finishes it")
