"""The options that commands share, as decorators, and the parsing of their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from frostline import __version__
from frostline.cli.completing import one_of, output_names, word_of
from frostline.cli.console import Invocation, prepare_streams, print_data
from frostline.cli.usage import WrongValue
from frostline.durations import parse_duration
from frostline.reporters.base import TABLE as REPORTERS
from frostline.settings import Allow
from frostline.text import did_you_mean, list_names, quote

if TYPE_CHECKING:
    from frostline.cli.metrics_file import MetricsFile

_Function = TypeVar("_Function", bound=Callable[..., Any])

FORMATS = ("text", "json")
"""The formats of every command; the first one is the default."""

REPORT_FORMATS = tuple(REPORTERS)
"""The formats of the commands that CI runs."""


def _show(text: str, context: click.Context) -> NoReturn:
    prepare_streams()
    print_data(text.split("\n"))
    context.exit()


def _show_help(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        _show(context.get_help(), context)


def _show_version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        _show(f"frostline {__version__}", context)


def _shows(*names: str, callback: Callable[..., None], help: str) -> Callable[[_Function], _Function]:
    """Return an option that prints something instead of running the command, to streams that we have prepared."""
    return click.option(*names, is_flag=True, is_eager=True, expose_value=False, callback=callback, help=help)


help_option = _shows("-h", "--help", callback=_show_help, help="Show this message and exit.")
version_option = _shows("--version", callback=_show_version, help="Show the version and exit.")


class Day(click.DateTime):
    """A day, in the form that waivers use."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        try:
            return super().convert(value, parameter, context)
        except click.BadParameter:
            message, way = f"{quote(str(value))} is not a day", "write a date such as 2027-01-31"
            raise WrongValue(message, way) from None


def common_options(function: _Function) -> _Function:
    """Add the options of every command. `take_invocation` turns their values into an Invocation."""
    options = [
        click.option(
            "-c",
            "--config",
            type=click.Path(path_type=Path),
            help="Configuration; - is standard input (default: frostline.yaml here or in the nearest folder above).",
        ),
        click.option("-q", "--quiet", is_flag=True, help="Print errors and data only."),
        click.option("-v", "--verbose", count=True, help="Log each stage; -vv also logs each request."),
        click.option(
            "--today",
            type=Day(),
            metavar="DATE",
            help="Evaluate waivers and overrides as of this date (default: today).",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            metavar="WHEN",
            help="Use colors: auto (default: on a terminal, unless NO_COLOR is set), always or never.",
        ),
        help_option,
    ]
    for option in reversed(options):
        function = option(function)
    return function


def format_option(*names: str) -> Callable[[_Function], _Function]:
    """Return the option `--format`, which takes one of these names; the first is the default."""

    def check_name(context: click.Context, parameter: click.Parameter, value: str) -> str:
        if value not in names:
            known = f"the formats of this command are {list_names(names)}"
            if value in REPORT_FORMATS:
                raise WrongValue(f"only plan, check and diff have the format `{value}`", known)
            raise WrongValue(f"there is no format {quote(value)}", did_you_mean(value, names, known))
        return value

    return click.option(
        "--format",
        "format_",
        callback=check_name,
        default=names[0],
        metavar="FORMAT",
        shell_complete=one_of(lambda context: names),
        help=f"Format of the data on stdout: {names[0]} (default), {', '.join(names[1:])}.",
    )


timings_option = click.option(
    "--timings", is_flag=True, help="Print how long each stage took, and the peak memory, to stderr."
)

metrics_option = click.option(
    "--metrics",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write metrics to this file (NAME.prom), for the textfile collector of node_exporter.",
)

offline_option = click.option("--offline", is_flag=True, help="Use the committed lock; no network.")


class _Duration(click.ParamType):  # type: ignore[type-arg]  # older ones are not generic
    """A duration in the form of the configuration, converted to seconds."""

    name = "duration"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        seconds = parse_duration(value) if isinstance(value, str) else value
        if seconds is None:
            message, way = f"{quote(value)} is not a duration", "write one such as 30s, 5m or 24h"
            raise WrongValue(message, way)
        return seconds


DURATION = _Duration()


class _Digest(click.ParamType):  # type: ignore[type-arg]
    """`sha256:` and 64 hex digits, as printed by `plan --digest`."""

    name = "digest"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        if not re.fullmatch("sha256:[0-9a-f]{64}", value):
            message, way = (
                f"{quote(value)} is not a digest",
                "write the one that `frostline plan --out FILE` shows: `sha256:…`",
            )
            raise WrongValue(message, way)
        return value


DIGEST = _Digest()

wait_option = click.option(
    "--wait",
    type=DURATION,
    default=0.0,
    metavar="DURATION",
    help="Wait this long for servers that are down or have no leader, such as 30s.",
)

only_option = click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    shell_complete=one_of(output_names),
    help="Make only this output (repeatable).",
)


ALLOW_WORDS = {
    "deletes": "=GLOB",
    "updates": "=GLOB",
    "moves": "=GLOB",
    "empty": "=SOURCE/DATACENTER|OUTPUT",
    "edited": "=PATH",
    "adopt": "=PATH",
    "orphans": "=PATH",
    "unverified": "=OUTPUT",
    "partial": "",
}
"""The words of `--allow`, each with the scope that it takes; "" for none."""

_ALLOW_LIST = ", ".join(f"{word}[{scope}]" if scope else word for word, scope in ALLOW_WORDS.items())
_WORDS_HELP = f"the words are {_ALLOW_LIST}; `?` stands for a comma in a scope"


def allow_option(function: _Function) -> _Function:
    """Add the option `--allow`, whose value is an Allow."""
    return click.option(
        "--allow",
        multiple=True,
        metavar="WHAT",
        shell_complete=word_of(ALLOW_WORDS),
        callback=lambda context, parameter, value: parse_allow(value),
        help=f"Let pass what would be refused, comma-separated: {_ALLOW_LIST} (repeatable).",
    )(function)


def parse_allow(values: Sequence[str]) -> Allow:
    """Parse `deletes=legacy-*,updates`. A word without a scope allows all. Raises WrongValue if a word is not valid."""
    globs: dict[str, tuple[str, ...]] = {}
    allows_partial = False
    for word in (word.strip() for value in values for word in value.split(",")):
        name, equals, scope = word.partition("=")
        takes_scope = bool(ALLOW_WORDS.get(name))
        if name not in ALLOW_WORDS:
            message, way = f"there is no word {quote(name)}", did_you_mean(name, ALLOW_WORDS, _WORDS_HELP)
            raise WrongValue(message, way)
        if equals and not takes_scope:
            raise WrongValue(f"`{name}` takes no scope", f"write `{name}` alone")
        if equals and not scope:
            raise WrongValue(f"`{word}` has an empty scope", f"write `{name}` for all")
        if takes_scope:
            globs[name] = (*globs.get(name, ()), scope or "*")
        else:
            allows_partial = True
    return Allow(partial=allows_partial, **globs)


def take_invocation(options: dict[str, Any]) -> Invocation:
    """Remove the values of the common options from `options`, and return them."""
    today = options.pop("today")
    config, metrics = options.pop("config"), options.pop("metrics", None)
    return Invocation(
        config=config,
        quiet=options.pop("quiet"),
        verbose=options.pop("verbose"),
        today=today.date() if today else date.today(),
        color=options.pop("color"),
        timings=options.pop("timings", False),
        format=options.pop("format_", "text"),
        metrics=_metrics_file(metrics, config) if metrics else None,
    )


def _metrics_file(path: Path, config: Path | None) -> MetricsFile:
    from frostline.cli.metrics_file import MetricsFile  # it imports modules that most commands do not need

    return MetricsFile(path, click.get_current_context().command.name or "", config)
