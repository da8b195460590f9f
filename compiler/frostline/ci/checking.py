"""`frostline-ci check`: checks a pull request without a network, and keeps one comment on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from frostline import errors
from frostline.ci.clone import Clone, is_revision
from frostline.ci.hosts import Host
from frostline.ci.running import Run, run_frostline
from frostline.ci.texts import joined, mark_of
from frostline.errors import FrostlineError

_AGREES = "Outputs, manifest, lock and configuration agree."
_NO_BASE = (
    "What this changes in the registry is not known: the revision that it started from is not in this clone "
    "(`fetch-depth: 2` for actions/checkout, `GIT_DEPTH: 0` on GitLab)."
)


class Checked(Struct, frozen=True, kw_only=True):
    """status: of `frostline check`; parts: of the comment; matters: whether there is something to say."""

    status: int
    parts: tuple[str, ...]
    matters: bool


def check(host: Host, clone: Clone, config: Path | None, *, verify: bool, warn: Callable[[str], None]) -> int:
    """The status of `frostline check`. The comment is begun where something differs or is wrong, and kept up to date
    from then on; where it cannot be written, the job shows the same."""
    more = ("--verify",) if verify else ()
    report = run_frostline("check", "--format", host.report_format, *more, config=config)
    checked = look(clone, host.base, config, report.status, more)
    mark = mark_of("check", config)
    text = joined(mark, checked.parts, host.longest)
    host.show(report.text, text)
    try:
        host.comment(mark, text, begin=checked.matters)
    except FrostlineError as error:
        warn(f"no comment was written: {error.message}; {error.help}")
    return checked.status


def look(clone: Clone, base: str, config: Path | None, status: int, more: tuple[str, ...]) -> Checked:
    """What the comment says. status: of `frostline check` with the options `more`."""
    parts = [f"## {_title(status)}"]
    if status != errors.DONE:
        parts.append(run_frostline("check", "--format", "markdown", *more, config=config, quietly=True).text)
    if status == errors.DIFFERENT:
        # Branches that nobody trusts start nothing: no network, no verifier.
        offline = ("--offline", "--allow", "unverified", "--format", "markdown")
        plan = run_frostline("plan", *offline, config=config, quietly=True)
        parts += ["### What `frostline compile --offline` would write", plan.text]
    differs = False
    if status not in (errors.USAGE, errors.BUG):
        changes = _changes(clone, base, config)
        differs = changes is not None and changes.status == errors.DIFFERENT
        parts += _told(changes)
    return Checked(status=status, parts=tuple(parts), matters=status != errors.DONE or differs)


def _title(status: int) -> str:
    if status == errors.DONE:
        return f"frostline: {_AGREES}"
    if status == errors.DIFFERENT:
        return "frostline: run `frostline compile --offline`, and commit what it writes"
    return f"frostline: the check failed (exit status {status})"


def _changes(clone: Clone, base: str, config: Path | None) -> Run | None:
    """What this branch makes of the registry; None where its base is not here."""
    old, new = (is_revision(clone, base) if base else None), is_revision(clone, "HEAD")
    if old is None or new is None:
        return None
    return run_frostline("diff", "--format", "markdown", old, new, config=config, quietly=True)


def _told(changes: Run | None) -> tuple[str, ...]:
    if changes is None:
        return (_NO_BASE,)
    if changes.status == errors.DIFFERENT:
        return ("### What this changes in the registry", changes.text)
    if changes.status == errors.DONE:
        return ("The lock gives the same services and endpoints as before.",)
    return ("What this changes in the registry is not known: one of the two revisions has no lock that can be read.",)
