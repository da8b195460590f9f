"""The source of type jobspec: what Nomad job files declare, read without Nomad."""

from __future__ import annotations

from pathlib import Path

from frostline.model import Declaration
from frostline.settings import JobspecSettings


def declare(settings: JobspecSettings) -> Declaration:
    """What the files say."""
    return Declaration()


def inputs(settings: JobspecSettings) -> tuple[Path, ...]:
    """The files that it reads, sorted."""
    return ()
