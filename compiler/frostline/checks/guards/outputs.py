"""The guard of a single output: an output that had services and would have none is rarely intended."""

from __future__ import annotations

from collections.abc import Iterable

from frostline.allow_words import allow_words, say_words_for_all
from frostline.globs import matches
from frostline.model import FileOrigin, Finding
from frostline.published import FileChange
from frostline.rules import Rule
from frostline.settings import Allow, Guards

FIND_OUT = (
    "check its `select` and `sources`: `frostline list` shows the names and sources of all services; if the output "
    "selects by tags, meta or datacenters, `frostline explain SERVICE` shows what it leaves out"
)
"""What to do about an output without any service."""


def _help(name: str = "OUTPUT") -> str:
    return f"{FIND_OUT}; if there really is nothing, rerun with `--allow {allow_words('empty', [name])}`"


EMPTIED_OUTPUT = Rule(
    name="guard-output",
    summary="a published output would have no service any more",
    why="A tag or a datacenter that goes may change little in the registry, but it may be all that one output selects. "
    "Whoever reads its file would lose every service at once.",
    example="frostline.yaml:9:5: error[guard-output]: the output `public.yaml` would have no service any more\n"
    f"  help: {_help('public.yaml')}",
    mend=_help(),
)
RULES = (EMPTIED_OUTPUT,)


def emptied_outputs(
    empty: Iterable[tuple[str, FileOrigin]], files: Iterable[FileChange], guards: Guards, allow: Allow
) -> tuple[Finding, ...]:
    """A finding for each output without any service whose published files would change.

    empty: the names and places of the outputs that have no service. Only the bytes of an output's files tell what it
    had before. Files that stay unchanged had no service before either.
    """
    if guards.empty != "refuse":
        return ()
    changed = {file.output for file in files if file.action in ("update", "delete") and file.refusal is None}
    emptied = [(name, origin) for name, origin in empty if name in changed and not matches(allow.empty, name)]
    findings = [
        EMPTIED_OUTPUT.finding(
            f"the output `{name}` would have no service any more", value=name, origin=origin, help=_help(name)
        )
        for name, origin in emptied
    ]
    return say_words_for_all(findings, "empty", [name for name, _ in emptied])
