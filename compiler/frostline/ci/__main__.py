"""The command `frostline-ci`, for jobs of GitHub Actions and GitLab CI. Each option can come from a variable."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from frostline import errors
from frostline.__main__ import end_on_signals
from frostline.ci import checking, drifting, freezing
from frostline.ci.clone import Clone, open_clone
from frostline.ci.hosts import Host, find_host, find_token, without_token
from frostline.cli.console import prepare_streams
from frostline.cli.main import bug
from frostline.errors import FrostlineError, PublishError
from frostline.text import escape_for_log

_config = click.option(
    "-c", "--config", type=click.Path(path_type=Path), envvar="FROSTLINE_CI_CONFIG", help="The configuration file."
)
_wait = click.option(
    "--wait", envvar="FROSTLINE_CI_WAIT", metavar="DURATION", help="Wait this long for servers that are down."
)


def _say(text: str) -> None:
    click.echo(escape_for_log(without_token(text)), err=True)


def _exits(function: Callable[..., int]) -> Callable[..., None]:
    """Turn a function -> exit status into the callback of a click command. Errors become a message and a status."""

    @wraps(function)
    def callback(**options: Any) -> None:
        end_on_signals()
        prepare_streams()
        try:
            status = function(**options)
        except FrostlineError as error:
            status = _fail(error)
        except OSError as error:  # a full disk, or a folder that cannot be written
            status = _fail(PublishError(str(error)))
        except KeyboardInterrupt:
            status = errors.INTERRUPTED
        except Exception as error:  # noqa: BLE001 - a traceback may quote the token, and Python's status 1 is ours
            status = _fail(bug(error))
        sys.exit(status)

    return callback


def _fail(error: FrostlineError) -> int:
    """Print an error, and return its exit status."""
    _say(f"error: {error.message}")
    if error.help:
        _say(f"  help: {error.help}")
    return error.status


def _clone(host: Host) -> Clone:
    return open_clone(Path.cwd(), host.remote, host.user, find_token())


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Keep a comment, a pull request or an issue up to date with frostline's results, in jobs of GitHub and GitLab."""


@main.command("check")
@_config
@click.option(
    "--verify", is_flag=True, envvar="FROSTLINE_CI_VERIFY", help="Start verifiers, for trusted branches only."
)
@_exits
def check(config: Path | None, verify: bool) -> int:
    """Check a pull request, and keep one comment on it.

    Reads no live source.
    """
    host = find_host()
    return checking.check(host, _clone(host), config, verify=verify, warn=lambda text: _say(f"warning: {text}"))


@main.command("freeze")
@_config
@click.option(
    "--branch",
    envvar="FROSTLINE_CI_BRANCH",
    default="frostline/freeze",
    metavar="NAME",
    show_default=True,
    help="The branch of the pull request.",
)
@_wait
@click.option("--allow", envvar="FROSTLINE_CI_ALLOW", metavar="WHAT", help="As for `frostline compile`.")
@click.option(
    "--lock", "locks", envvar="FROSTLINE_CI_LOCK", metavar="GLOB", help="Merge these locks instead of reading sources."
)
@click.option(
    "--lock-only", is_flag=True, envvar="FROSTLINE_CI_LOCK_ONLY", help="Also propose a change of the lock alone."
)
@_exits
def freeze(
    config: Path | None, branch: str, wait: str | None, allow: str | None, locks: str | None, lock_only: bool
) -> int:
    """Keep one pull request with the changes that the sources report.

    Reads the sources as compile does. If a change is refused, the pull request says so.
    """
    host = find_host()
    reading = _options(("--wait", wait), ("--allow", allow), ("--lock", locks))
    options = freezing.Options(config=config, branch=branch, reading=reading, lock_only=lock_only)
    return freezing.freeze(host, _clone(host), options, _say)


@main.command("drift")
@_config
@_wait
@_exits
def drift(config: Path | None, wait: str | None) -> int:
    """Keep one issue open while the sources differ from the lock."""
    return drifting.drift(find_host(), config, _options(("--wait", wait)), _say)


def _options(*pairs: tuple[str, str | None]) -> tuple[str, ...]:
    return tuple(word for name, value in pairs if value for word in (name, value))


if __name__ == "__main__":
    main(prog_name="frostline-ci")
