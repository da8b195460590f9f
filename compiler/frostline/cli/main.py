"""The program `frostline`: finds the command, runs it, and turns errors into exit statuses."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from frostline import __version__, errors
from frostline.cli.commands import COMMANDS
from frostline.cli.console import Invocation, show_error
from frostline.cli.options import help_option, version_option
from frostline.cli.usage import usage_error
from frostline.errors import FrostlineError, SourceError, UsageError
from frostline.text import allow_comparisons, did_you_mean, list_names, quote

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EXIT_STATUSES = (
    ("0", "Done, nothing to report. Warnings do not change it."),
    ("1", "plan, check, diff or --locked found differences, or explain does not know the name."),
    ("2", "The usage, the configuration or a committed file is wrong."),
    ("3", "A source could not be read."),
    ("4", "A check, a guard or a verifier refused."),
    ("5", "Publishing failed, or another run is at work."),
    ("70", "A bug in frostline."),
    ("130", "Interrupted, by SIGINT, SIGTERM or SIGHUP."),
)


def run(arguments: Sequence[str]) -> int:
    """Run one command, and return its exit status."""
    # Our values are immutable and acyclic, so cyclic GC only costs time: raise its threshold.
    gc.set_threshold(1_000_000, 10, 10)
    allow_comparisons()
    if instruction := os.environ.get("_FROSTLINE_COMPLETE"):  # a shell asks; see `frostline completion`
        completing = import_module("frostline.cli.completing")
        completing.answer(instruction, frostline)
        return errors.DONE
    if not arguments:
        context = frostline.make_context("frostline", [], resilient_parsing=True)
        click.echo(frostline.get_help(context), err=True)
        return errors.USAGE
    try:
        # click's own `main` exits with 1 on every broken pipe, even on that of a connection.
        with frostline.make_context("frostline", list(arguments)) as context:
            status = frostline.invoke(context)
        gc.freeze()  # Skip the final collection as well.
        return status if isinstance(status, int) else errors.DONE
    except click.exceptions.Exit as early:  # --help and --version
        return early.exit_code
    except click.ClickException as error:
        return _fail(usage_error(error, arguments), arguments)
    except FrostlineError as error:
        return _fail(error, arguments)
    except (click.Abort, KeyboardInterrupt):
        return _fail(_Interrupted("interrupted"), arguments)
    except MemoryError:
        return _fail(_out_of_memory(), arguments)
    except Exception as error:  # noqa: BLE001 - the last resort: a bug must not look like a result
        return _fail(bug(error), arguments)


class _Interrupted(FrostlineError):
    status = errors.INTERRUPTED


def _out_of_memory() -> FrostlineError:
    return SourceError(
        "the run needs more memory than there is",
        help="give the process more memory, or select fewer services; nothing was published in part",
    )


def bug(error: Exception) -> FrostlineError:
    """Return an error that names the place of the bug, never a value: an exception's text may quote a server."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    return FrostlineError(
        f"a bug in frostline {__version__}: {type(error).__name__} at {where}",
        help="please report it, with the command and the configuration; nothing was published in part",
    )


def _fail(error: FrostlineError, arguments: Sequence[str]) -> int:
    """Show an error that came before the options were parsed, and return its status.

    It is also shown as JSON if the words of the command line seem to ask for JSON.
    """
    wants_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    invocation = Invocation(
        config=None,
        quiet=False,
        verbose=0,
        today=date.min,
        color="auto",
        format="json" if wants_json else "text",
    )
    show_error(error, invocation)
    return error.status


class _Commands(click.Group):
    """A group that imports the module of a command only when the command is run, so that start-up stays fast."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"frostline.cli.commands.{name}").command
        return command

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands from the table, and options. click itself would import every command for its help."""
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, context, incomplete)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-"):
            known = did_you_mean(name, COMMANDS, f"the commands are {list_names(COMMANDS)}")
            if name in ("help", "version"):
                known = f"write `frostline --{name}`"
            raise UsageError(f"there is no command {quote(name)}", help=known)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit status, the highest that applies"):
            formatter.write_dl(EXIT_STATUSES)


@click.group(cls=_Commands, context_settings={"help_option_names": []})
@version_option
@help_option
def frostline() -> None:
    """Freezes service discovery into a static registry, which programs and Puppet read without a network.

    Start with `frostline init`. `frostline COMMAND --help` shows what a command does.
    """
