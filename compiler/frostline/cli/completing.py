"""What shells complete: values of options and arguments. Each function takes what is typed so far, and never fails."""

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
"""The variable with which a shell asks what fits: `bash_complete` and so on. click reads the line from others."""

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}

Completing = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_PLAIN = re.compile(r"[\w.@%+/-]+")
"""What shells take as one word without quotes: their scripts split and expand other words, which are left out."""


def script(shell: str, group: click.Command) -> str:
    """The completion of this shell, one of SHELLS; starts no program, unlike click's own `source` for bash."""
    completer = SHELLS[shell](group, {}, "frostline", VARIABLE)
    return ShellComplete.source(completer)


def answer(instruction: str, group: click.Command) -> None:
    """Print what fits the line that the shell shows; nothing where something fails: an error would land in the line."""
    shell, _, asked = instruction.partition("_")
    if shell not in SHELLS or asked != "complete":
        return
    with suppress(Exception), redirect_stderr(io.StringIO()):
        text = SHELLS[shell](group, {}, "frostline", VARIABLE).complete()
        click.echo(text.encode())


def one_of(names: Callable[[click.Context], Iterable[str]]) -> Completing:
    """Completes one of these names."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        with suppress(Exception):
            return [
                CompletionItem(name) for name in names(context) if name.startswith(typed) and _PLAIN.fullmatch(name)
            ]
        return []

    return complete


def word_of(words: Iterable[str]) -> Completing:
    """Completes the last of comma-separated words."""

    def complete(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        before, comma, last = typed.rpartition(",")
        return [CompletionItem(f"{before}{comma}{word}") for word in words if word.startswith(last)]

    return complete


def output_names(context: click.Context) -> list[str]:
    """The names of the outputs that are configured."""
    return sorted(output.name for output in _config(context).outputs)


def source_names(context: click.Context) -> list[str]:
    """The names of the sources that are configured."""
    return sorted(_config(context).sources)


def rule_names(context: click.Context) -> list[str]:
    """The names of all rules, those of plug-ins too."""
    from frostline.pipeline.reference.rule_table import rules_for_reports

    return sorted(rules_for_reports())


def schema_names(context: click.Context) -> tuple[str, ...]:
    """The names of all schemas."""
    from frostline import resources

    return resources.schema_names()


def _config(context: click.Context) -> Any:
    """The configuration that the command would use. OSError: a pipe or device, which only the command may read."""
    from frostline.pipeline.load.config import find_config, load_config

    path = find_config(context.params.get("config"), Path.cwd())
    if not path.is_file():
        raise OSError(f"{path} is no regular file")
    return load_config(path)
