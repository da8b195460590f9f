"""Errors of the command line in our words: click's differ between its versions, and seldom say what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from frostline.cli.commands import COMMANDS
from frostline.errors import UsageError
from frostline.text import did_you_mean, quote

_TOO_MANY = re.compile(r"unexpected extra argument(s?) \((.*)\)", re.DOTALL)


class WrongValue(click.BadParameter):
    """An option does not take this value. click adds the option's name. help: what to write."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def usage_error(error: click.ClickException, arguments: Sequence[str]) -> UsageError:
    """Return the error as users see it. arguments: the words of the command line."""
    named = next((name for name in arguments if name in COMMANDS), None)
    context: click.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else f"frostline {named}" if named else "frostline"
    see = f"see `{command} --help`"
    match error:
        case click.NoSuchOption():
            return _no_such_option(error, context, named, see)
        case click.BadOptionUsage():
            does = "needs a value" if "require" in error.message else "takes no value"
            return UsageError(f"{error.option_name} {does}", help=see)
        case click.MissingParameter():
            return _missing(error, _usage(context) or see)
        case click.BadParameter():
            start = f"{name}: " if (name := _name_of(error.param)) else ""
            help_text = error.help if isinstance(error, WrongValue) else see
            return UsageError(f"{start}{error.message.rstrip('.')}", help=help_text)
    message = error.format_message().rstrip(".")
    if match := _TOO_MANY.search(message):
        start = "arguments" if match[1] else "one argument"
        return UsageError(f"{start} too many: {quote(match[2])}", help=_usage(context) or see)
    return UsageError(message, help=see)


def _no_such_option(
    error: click.NoSuchOption, context: click.Context | None, command: str | None, see: str
) -> UsageError:
    message = f"there is no option {quote(error.option_name)}"
    if context is None:
        return UsageError(message, help=see)
    if context.parent is None and command:
        way = f"options stand behind the command: `frostline {command} OPTIONS`"
        return UsageError(f"{message} before the command", help=way)
    known = [name for parameter in context.command.get_params(context) for name in parameter.opts]
    return UsageError(message, help=did_you_mean(error.option_name, known, see))


def _missing(error: click.MissingParameter, usage: str) -> UsageError:
    parameter = error.param
    if isinstance(parameter, click.Option) and parameter.metavar and parameter.help:
        name = _name_of(parameter)
        return UsageError(
            f"{name} is missing", help=f"write `{name} {parameter.metavar}`: {parameter.help.rstrip('.')}"
        )
    return UsageError(f"the argument {_name_of(parameter)} is missing", help=usage)


def _name_of(parameter: click.Parameter | None) -> str:
    """Return the name of an option (`--wait`) or of an argument (`SERVICE`); "" if it is not known."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name if parameter else ""


def _usage(context: click.Context | None) -> str | None:
    """Return a help line that shows how to write the command."""
    if context is None:
        return None
    words = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    return f"write `{words}`; see `{context.command_path} --help`"
