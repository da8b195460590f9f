"""Run a program after publishing: like a verifier, it runs without a shell and without tokens, under supervision."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence

from frostline.errors import PublishError, UsageError
from frostline.pipeline.publish.verifying import token_variables
from frostline.settings import Config
from frostline.text import quote
from frostline.verify.environment import without_secrets
from frostline.verify.running import Outcome, new_folder_path, run, signal_name

SECONDS = 60.0
"""How long the program may take."""
_MOST_SAID = 300


def check_program(config: Config, words: Sequence[str]) -> None:
    """Raise UsageError if the program cannot be found. words: the program and its arguments.

    A name with a `/` is a path from the configuration's folder; any other is looked up in $PATH.
    """
    path = config.path.parent / words[0] if "/" in words[0] else None
    if shutil.which(path or words[0]) is None:
        raise UsageError(
            f"--exec: the program {quote(words[0])} {'is missing or not executable' if path else 'is not in $PATH'}",
            help="correct its name or path; no shell reads the command",
        )


def run_after(config: Config, words: Sequence[str]) -> str | None:
    """Run the program in the configuration's folder. Return why it failed, or None if it did not.

    When this returns, every process that the program started has ended too.
    """
    try:
        outcome = run(
            new_folder_path(config.root),
            lambda: None,
            words,
            current=config.path.parent,
            environment=without_secrets(os.environ, token_variables(config)),
            seconds=SECONDS,
        )
    except PublishError as error:  # the next turn may succeed
        return f"{quote(words[0])} cannot be started: {error.message}"
    return _failure(words[0], outcome)


def _failure(program: str, outcome: Outcome) -> str | None:
    if outcome.ending == "exit" and outcome.number == 0:
        return None
    name = quote(program)
    if outcome.ending == "errno":
        missing = outcome.number == errno.ENOENT
        return f"{name} cannot be started: {'it is missing' if missing else os.strerror(outcome.number)}"
    lines = [line.strip() for line in outcome.said.decode(errors="replace").split("\n")]
    said = " | ".join(filter(None, lines))
    quoted = f"said: {said[:_MOST_SAID]}{'…' if len(said) > _MOST_SAID else ''}" if said else "said nothing"
    match outcome.ending:
        case "exit":
            return f"{name} ended with status {outcome.number} and {quoted}"
        case "signal":
            return f"{name} was ended by {signal_name(outcome.number)}, and {quoted}"
        case "timeout":
            return f"{name} did not end within {SECONDS:g} seconds, and {quoted}"
    return f"{name} ended or stopped the process that supervises it"
