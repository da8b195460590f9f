"""The guard for a run that cannot know what was published: neither from the manifest nor from the committed lock."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import UsageError
from frostline.model import Finding
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
    example="error[guard-unknown]: nothing says what was published: there is no manifest; frostline.lock:1:1: "
    "the lock is empty\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (UNKNOWN,)


def unknown_findings(faults: Sequence[UsageError | None], allow: Allow) -> tuple[Finding, ...]:
    """The finding, unless every service may vanish. faults: of manifest and lock, None where there is none."""
    if "*" in allow.deletes:
        return ()
    reasons = [
        f"{fault.origin}: {fault.message}" if fault else f"there is no {name}"
        for name, fault in zip(("manifest", "lock"), faults, strict=True)
    ]
    return (UNKNOWN.finding(f"nothing says what was published: {'; '.join(reasons)}", value="unknown"),)
