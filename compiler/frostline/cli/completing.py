"""Shell completion of the values of options and arguments. A function that fails completes nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

VARIABLE = "_FROSTLINE_COMPLETE"
"""The variable by which a shell asks for completions, such as `bash_complete`. Others hold the line, for click."""

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}

Completing = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_PLAIN = re.compile(r"[\w.@%+/-]+")
"""Words that need no quotes in a shell. The shells' scripts split and expand other words, so we leave those out."""


def script(shell: str, group: click.Command) -> str:
    """Return the completion script of this shell, one of SHELLS.

    Unlike click's own `source` for bash, it starts no program.
    """
    completer = SHELLS[shell](group, {}, "frostline", VARIABLE)
    return ShellComplete.source(completer)


def answer(instruction: str, group: click.Command) -> None:
    """Print the completions of the shell's line; nothing if that fails, as an error would appear in the line."""
    shell, _, action = instruction.partition("_")
    if shell not in SHELLS or action != "complete":
        return
    with suppress(Exception), redirect_stderr(io.StringIO()):
        text = SHELLS[shell](group, {}, "frostline", VARIABLE).complete()
        click.echo(text.encode())


def one_of(names: Callable[[click.Context], Iterable[str]]) -> Completing:
    """Return a function that completes one of these names."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        with suppress(Exception):
            return [
                CompletionItem(name) for name in names(context) if name.startswith(typed) and _PLAIN.fullmatch(name)
            ]
        return []

    return complete


def word_of(words: Iterable[str]) -> Completing:
    """Return a function that completes the last of comma-separated words."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        before, comma, last = typed.rpartition(",")
        return [CompletionItem(f"{before}{comma}{word}") for word in words if word.startswith(last)]

    return complete


def output_names(context: click.Context) -> list[str]:
    """Return the names of the configured outputs."""
    return sorted(output.name for output in _config(context).outputs)


def source_names(context: click.Context) -> list[str]:
    """Return the names of the configured sources."""
    return sorted(_config(context).sources)


def rule_names(context: click.Context) -> list[str]:
    """Return the names of all rules, including those of plug-ins."""
    from frostline.pipeline.reference.rule_table import rules_for_reports

    return sorted(rules_for_reports())


def schema_names(context: click.Context) -> tuple[str, ...]:
    """Return the names of all schemas."""
    from frostline import resources

    return resources.schema_names()


def _config(context: click.Context) -> Any:
    """Return the configuration that the command would use.

    Raises OSError if it is a pipe or device, which can be read only once, by the command itself.
    """
    from frostline.pipeline.load.config import find_config, load_config

    path = find_config(context.params.get("config"), Path.cwd())
    if not path.is_file():
        raise OSError(f"{path} is not a regular file")
    return load_config(path)
