"""The command line: options to plain arguments, errors to messages and exit statuses. What it does is in `commands`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from frostline import __version__, errors
from frostline.errors import FrostlineError, UsageError
from frostline.settings import Allow

_Function = TypeVar("_Function", bound=Callable[..., Any])


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit status."""
    # Values here are frozen and hold no cycles: to look for some among a million takes longer than to make them.
    gc.set_threshold(1_000_000, 10, 10)
    if not arguments:
        context = frostline.make_context("frostline", [], resilient_parsing=True)
        click.echo(frostline.get_help(context), err=True)
        return errors.USAGE
    try:
        # `main` of click would take each broken pipe, of a connection too, for one of stdout, and exit with 1.
        with frostline.make_context("frostline", list(arguments)) as context:
            status = frostline.invoke(context)
        gc.freeze()  # nor to look for some at the end
        return status if isinstance(status, int) else errors.DONE
    except click.exceptions.Exit as shown:
        return shown.exit_code
    except click.ClickException as error:
        return _failed(_misused(error), arguments)
    except FrostlineError as error:
        return _failed(error, arguments)
    except (click.Abort, KeyboardInterrupt):
        return _failed(_Interrupted("interrupted"), arguments)
    except Exception as error:  # noqa: BLE001 - the last resort: a bug must not look like a result
        return _failed(_bug(error), arguments)


class _Interrupted(FrostlineError):
    status = errors.INTERRUPTED


def _misused(error: click.ClickException) -> FrostlineError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "frostline"
    return UsageError(error.format_message().rstrip("."), help=f"see `{command} --help`")


def _bug(error: Exception) -> FrostlineError:
    """Says where the bug is, never with values: an exception's text may quote what a server said."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    return FrostlineError(
        f"a bug in frostline {__version__} or in a plug-in of it: {type(error).__name__} at {where}",
        help="please report it, with the command and the configuration; nothing half was published",
    )


def _failed(error: FrostlineError, arguments: Sequence[str]) -> int:
    """Says so, as JSON too where the command line asks for it, which may be the part that was not understood."""
    from frostline.cli.console import Invocation, show_error

    asks_for_json = "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    show_error(
        error,
        Invocation(
            config=None,
            quiet=False,
            verbose=0,
            today=date.min,
            color="auto",
            format="json" if asks_for_json else "text",
        ),
    )
    return error.status


def _show(text: str, context: click.Context) -> NoReturn:
    from frostline.cli import console

    console.prepare_streams()
    console.emit(text.split("\n"))
    context.exit()


def _show_help(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        _show(context.get_help(), context)


def _show_version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        _show(f"frostline {__version__}", context)


def _shows(*names: str, callback: Callable[..., None], help: str) -> Callable[[_Function], _Function]:
    """An option that shows something in place of the command, through our own streams: see `console.emit`."""
    return click.option(*names, is_flag=True, is_eager=True, expose_value=False, callback=callback, help=help)


_helped = _shows("-h", "--help", callback=_show_help, help="Show this message and exit.")


def _common(function: _Function) -> _Function:
    """The options that every command takes."""
    options = [
        click.option(
            "-c",
            "--config",
            type=click.Path(path_type=Path),
            help="The configuration; default: frostline.yaml here or in a folder above.",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Only errors and data."),
        click.option("-v", "--verbose", count=True, help="Say what is done; twice: each request."),
        click.option("--today", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The day for waivers."),
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True),
        _helped,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _format(*names: str) -> Callable[[_Function], _Function]:
    return click.option("--format", "format_", type=click.Choice(names), default=names[0], show_default=True)


_timings = click.option("--timings", is_flag=True, help="Say how long each stage took, and the memory.")


def _allow(function: _Function) -> _Function:
    return click.option(
        "--allow",
        multiple=True,
        metavar="WHAT",
        callback=lambda context, parameter, value: parse_allow(value),
        help="Let pass, separated by commas: deletes[=GLOB], updates, empty, edited, adopt.",
    )(function)


def parse_allow(values: Sequence[str]) -> Allow:
    """`deletes=legacy-*,updates` as a value."""
    known: dict[str, Any] = {}
    for word in (word.strip() for value in values for word in value.split(",")):
        name, equals, glob = word.partition("=")
        if name == "deletes" and not (equals and not glob):
            known["deletes"] = glob or "*"
        elif name in ("updates", "empty", "edited", "adopt") and not equals:
            known[name] = True
        else:
            raise click.BadParameter(
                f"`{word}` is none of deletes, deletes=GLOB, updates, empty, edited, adopt", param_hint="--allow"
            )
    return Allow(**known)


def _invocation(options: dict[str, Any]) -> dict[str, Any]:
    """The common options as commands take them."""
    from frostline.cli.console import Invocation

    today = options.pop("today")
    options["invocation"] = Invocation(
        config=options.pop("config"),
        quiet=options.pop("quiet"),
        verbose=options.pop("verbose"),
        today=today.date() if today else date.today(),
        color=options.pop("color"),
        timings=options.pop("timings", False),
        format=options.pop("format_", "text"),
    )
    return options


def _call(name: str, options: dict[str, Any]) -> int:
    from frostline import events as stages
    from frostline.cli import console, progress
    from frostline.cli.commands import publishing as commands
    from frostline.cli.commands import showing

    module = commands if hasattr(commands, name) else showing
    function: Callable[..., int] = getattr(module, name)
    arguments = _invocation(options)
    invocation = arguments["invocation"]
    console.prepare_streams()
    console.log_as_asked(invocation)
    timings = progress.Timings() if invocation.timings else None
    try:
        with stages.listening([*progress.bars_of(invocation), *([timings] if timings else [])]):
            return function(**arguments)
    except FrostlineError as error:
        console.show_error(error, invocation)
        return error.status
    finally:
        if timings is not None:
            progress.say_timings(timings)


@click.group(
    context_settings={"help_option_names": []},
    epilog="Exit status: 0 done, 1 differences, 2 usage or configuration, 3 a source could not be read, "
    "4 refused by a check or a guard, 5 publishing failed, 70 a bug, 130 interrupted.",
)
@_shows("--version", callback=_show_version, help="Show the version and exit.")
@_helped
def frostline() -> None:
    """Freezes service discovery into a static registry that programs and Puppet read with no network."""


@frostline.command("compile")
@_common
@_format("text", "json")
@click.option("--offline", is_flag=True, help="From the committed lock, with no network.")
@click.option("--locked", is_flag=True, help="Fail (1) if the lock would change.")
@click.option("--lock", "locks", multiple=True, metavar="GLOB", help="Merge these locks instead of asking the sources.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this output; may be given again.")
@click.option("--plan", type=click.Path(path_type=Path), metavar="FILE", help="Publish exactly this saved plan.")
@_allow
@_timings
def compile_(**options: Any) -> int:
    """Freeze, check, render, guard, publish."""
    if (file := options.pop("plan")) is not None:
        return _compile_plan(file, options)
    if options["offline"] and options["locks"]:
        raise click.UsageError("--offline and --lock exclude each other")
    return _call("compile_command", options)


def _compile_plan(file: Path, options: dict[str, Any]) -> int:
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    for name in ("offline", "locked", "locks", "only", "allow", "today"):
        if context.get_parameter_source(name) is given:
            flag = "--lock" if name == "locks" else f"--{name}"
            raise click.UsageError(f"--plan and {flag} exclude each other: a saved plan holds what it was made with")
        if name != "today":
            options.pop(name)
    return _call("compile_plan_command", {**options, "file": file})


@frostline.command()
@_common
@_format("text", "json", "github", "markdown", "sarif", "junit")
@click.option("--offline", is_flag=True, help="From the committed lock, with no network.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this output; may be given again.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Save the plan for `compile --plan`.")
@_allow
@_timings
def plan(**options: Any) -> int:
    """Show what compile would change; exit 1 if anything."""
    return _call("plan_command", options)


@frostline.command()
@_common
@_format("text", "json", "github", "markdown", "sarif", "junit")
@click.option("--live", is_flag=True, help="Ask the sources too: has the world moved since?")
@_timings
def check(**options: Any) -> int:
    """Do outputs, manifest and lock agree, do the checks pass; exit 1 if they differ."""
    return _call("check_command", options)


@frostline.command()
@_common
@_format("text", "json")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source; may be given again.")
@click.option("--datacenter", "datacenters", multiple=True, metavar="NAME", help="Only this datacenter.")
@click.option("--out", type=click.Path(path_type=Path), help="Write this lock file, not the committed one.")
@_allow
@_timings
def freeze(**options: Any) -> int:
    """Ask the live sources and write the lock only."""
    return _call("freeze_command", options)


@frostline.command()
@_common
@_format("text", "json")
@click.argument("service")
@click.argument("version", required=False)
@click.option("--offline", is_flag=True, help="From the committed lock, with no network.")
def explain(**options: Any) -> int:
    """Every endpoint of a service with its origin, and every instance that was left out, and why."""
    return _call("explain_command", options)


@frostline.command("list")
@_common
@_format("text", "json")
def list_(**options: Any) -> int:
    """The services of the committed lock and the local sources."""
    return _call("list_command", options)


@frostline.command()
@_common
@_format("text", "json")
@click.option("--as", "form", type=click.Choice(["text", "dot", "mermaid"]), default="text", help="How it is drawn.")
def graph(**options: Any) -> int:
    """Who depends on whom: the upstreams that jobs declare."""
    return _call("graph_command", options)


@frostline.command()
@_common
@_format("text", "json")
def sources(**options: Any) -> int:
    """Ask each source whether it can be read and what it sees."""
    return _call("sources_command", options)


@frostline.command()
@_common
@click.argument("name", required=False)
def schema(**options: Any) -> int:
    """Print a JSON Schema: config, registry, lock, manifest, plan, report."""
    return _call("schema_command", options)
