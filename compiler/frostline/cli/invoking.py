"""What every command shares: its configuration, its words, and a difference that is nobody's error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frostline import errors
from frostline.cli.console import Invocation, tell
from frostline.errors import FrostlineError
from frostline.pipeline.load import find_config, load_config
from frostline.settings import Config


def config_of(invocation: Invocation) -> Config:
    """The configuration that the command is to use, found and read."""
    return load_config(find_config(invocation.config, Path.cwd()))


class DifferentError(FrostlineError):
    """Not an error of anybody: what is there differs from what would be."""

    status = errors.DIFFERENT


def tell_warnings(invocation: Invocation, warnings: Sequence[str]) -> None:
    """What sources warn of, to the person who runs it."""
    for warning in warnings:
        tell(invocation, f"warning: {warning}")
