"""`frostline-ci check`: checks a pull request without a network, and keeps one comment on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from frostline import errors
from frostline.ci.clone import Clone, is_revision
from frostline.ci.hosts import Host
from frostline.ci.manifests import lines_of, published_changes
from frostline.ci.running import Run, run_frostline
from frostline.ci.texts import joined, mark_of
from frostline.errors import FrostlineError

_AGREES = "Outputs, manifest, lock and configuration agree."
_NO_BASE = (
    "What this changes in the registry is not known: the revision that it started from is not in this clone "
    "(`fetch-depth: 2` and no `ref` for actions/checkout, `GIT_DEPTH: 0` on GitLab)."
)
_NOT_KNOWN = (
    "What this changes in the registry is not known: one of the two revisions has no lock and no manifest to be read."
)


class _Service(Struct, frozen=True):
    service: str
    version: str | None
    before: int
    after: int


class _Difference(Struct):
    """What is needed of `frostline diff --format json`."""

    services: frozenset[_Service] = frozenset()


class Checked(Struct, frozen=True, kw_only=True):
    """status: of `frostline check`; parts: of the comment; matters: whether there is something to say."""

    status: int
    parts: tuple[str, ...]
    matters: bool


def check(host: Host, clone: Clone, config: Path | None, *, verify: bool, warn: Callable[[str], None]) -> int:
    """The status of `frostline check`. The comment is begun where something differs or is wrong, and kept up to date
    from then on; where it cannot be written, the job shows the same."""
    more = ("--verify",) if verify else ()
    ask = partial(run_frostline, config=config, inside=clone.top)  # a branch shows nothing of the machine
    report = ask("check", "--format", host.report_format, *more)
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
    ask = partial(run_frostline, config=config, inside=clone.top, quietly=True)
    parts = [f"## {_title(status)}"]
    if status != errors.DONE:
        parts.append(ask("check", "--format", "markdown", *more).text)
    if status == errors.DIFFERENT:
        # Branches that nobody trusts start nothing: no network, no verifier.
        offline = ("--offline", "--allow", "unverified", "--format", "markdown")
        plan = ask("plan", *offline)
        parts += ["### What `frostline compile --offline` would write", plan.text]
    matters = status != errors.DONE
    if status not in (errors.USAGE, errors.BUG):
        said, changes = _told(clone, base, config, ask)
        parts, matters = [*parts, *said], matters or changes
    return Checked(status=status, parts=tuple(parts), matters=matters)


def _title(status: int) -> str:
    if status == errors.DONE:
        return f"frostline: {_AGREES}"
    if status == errors.DIFFERENT:
        return "frostline: run `frostline compile --offline`, and commit what it writes"
    return f"frostline: the check failed (exit status {status})"


def _told(clone: Clone, base: str, config: Path | None, ask: Callable[..., Run]) -> tuple[list[str], bool]:
    """What this branch makes of the registry, in words; and whether that is something, or may be."""
    old, new = (is_revision(clone, base) if base else None), is_revision(clone, "HEAD")
    if old is None or new is None:
        return [_NO_BASE], False
    lock = ask("diff", "--format", "markdown", old, new)
    published = published_changes(clone, config, old, new)
    if published is None and lock.status not in (errors.DONE, errors.DIFFERENT):
        return [_NOT_KNOWN], True
    said = ["### What this changes in the registry", lock.text] if lock.status == errors.DIFFERENT else []
    told = _services_of(ask("diff", "--format", "json", old, new)) if said and published else frozenset()
    if beside := [change for change in published or () if _Service(*change.key, *change.endpoints) not in told]:
        # First, for it is short: however much the lock changes, it is not cut off.
        said = ["### What the configuration and local files change", "\n".join(lines_of(beside)), *said]
    return said or ["The same services and endpoints are published as before."], bool(said)


def _services_of(difference: Run) -> frozenset[_Service]:
    """The services that `frostline diff --format json` names."""
    return msgspec.json.decode(difference.text, type=_Difference).services
