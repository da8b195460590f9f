"""The guard for a run that cannot know what was published: neither from the manifest nor from the committed lock."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.errors import UsageError
from frostline.model import Finding
from frostline.rules import Rule
from frostline.settings import Allow

_PUBLISH = ", or, if what would be published is right (`frostline plan`), rerun with `--allow deletes`"
_MEND = f"restore the manifest or the lock from your repository{_PUBLISH}"
UNKNOWN = Rule(
    name="guard-unknown",
    summary="neither the manifest nor the committed lock says what was published",
    why="The guards compare with what was published. If both are missing, broken or incomplete, nobody would see "
    "services vanish.",
    example="error[guard-unknown]: nothing says what was published: there is no manifest; frostline.lock:1:1: "
    "the lock is empty\n"
    f"  help: {_MEND}",
    mend=_MEND,
)
RULES = (UNKNOWN,)


def unknown_findings(faults: Mapping[str, UsageError | None], allow: Allow) -> tuple[Finding, ...]:
    """The finding, unless `--allow deletes` lets every service vanish.

    faults: `manifest` and, if there are live sources, `lock` -> why it cannot be read; None if it does not exist.
    """
    if "*" in allow.deletes:
        return ()
    reasons = [f"{fault.origin}: {fault.message}" if fault else f"there is no {name}" for name, fault in faults.items()]
    message = f"nothing says what was published: {'; '.join(reasons)}"
    way = f"restore {' or '.join(f'the {name}' for name in faults)} from your repository{_PUBLISH}"
    return (UNKNOWN.finding(message, value="unknown", help=way),)
