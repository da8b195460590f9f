"""The guard for a run that cannot know what was published: neither from the manifest nor from the committed lock."""

from __future__ import annotations

from frostline.model import Finding, Origin
from frostline.rules import Rule
from frostline.settings import Allow

_MEND = (
    "restore the lock or the manifest from your repository, or, if what would be published is right, rerun with "
    "`--allow deletes`"
)
UNKNOWN = Rule(
    name="guard-unknown",
    summary="neither the manifest nor the committed lock says what was published",
    why="The guards compare with what was published. Where both are broken or missing parts, nobody would see that "
    "services vanish.",
    example="frostline.lock:1:1: error[guard-unknown]: the lock is empty, and no manifest says what was published\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (UNKNOWN,)


def unknown_findings(reason: str, origin: Origin | None, allow: Allow) -> tuple[Finding, ...]:
    """The finding, unless every service may vanish. reason: what is wrong with the lock."""
    if "*" in allow.deletes:
        return ()
    return (UNKNOWN.finding(f"{reason}, and no manifest says what was published", value="unknown", origin=origin),)
