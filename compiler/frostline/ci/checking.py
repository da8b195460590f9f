"""`frostline-ci check`: check a pull request without a network, and keep one comment on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from frostline import errors
from frostline.ci.clone import Clone, find_commit
from frostline.ci.hosts import Host
from frostline.ci.manifests import lines_of, published_changes
from frostline.ci.running import Run, run_frostline
from frostline.ci.texts import join_parts, mark_of
from frostline.errors import FrostlineError

_AGREES = "Outputs, manifest, lock and configuration agree."
_NO_BASE = (
    "What this changes in the registry is not known: this clone does not have the revision that it started from "
    "(`fetch-depth: 2` and no `ref` for actions/checkout, `GIT_DEPTH: 0` on GitLab)."
)
_NOT_KNOWN = (
    "What this changes in the registry is not known: one of the two revisions has no readable lock or manifest."
)


class _Service(Struct, frozen=True):
    service: str
    version: str | None
    before: int
    after: int


class _Difference(Struct):
    """The part of `frostline diff --format json` that we need."""

    services: frozenset[_Service] = frozenset()


class Checked(Struct, frozen=True, kw_only=True):
    """The result of a check. status: of `frostline check`; parts: of the comment.

    matters: whether the comment says more than that nothing has changed.
    """

    status: int
    parts: tuple[str, ...]
    matters: bool


def check(host: Host, clone: Clone, config: Path | None, *, verify: bool, warn: Callable[[str], None]) -> int:
    """Check, comment, and return the status of `frostline check`.

    The first comment is written when something differs or is wrong, and kept up to date from then on. If it cannot be
    written, `warn` is called, and the job still shows the same text.
    """
    options = ("--verify",) if verify else ()
    # `inside`: a branch must not show files of the machine.
    run = partial(run_frostline, config=config, inside=clone.top)
    report = run("check", "--format", host.report_format, *options)
    checked = look(clone, host.base, config, report.status, options)
    mark = mark_of("check", config)
    text = join_parts(mark, checked.parts, host.longest)
    host.show(report.text, text)
    try:
        host.comment(mark, text, begin=checked.matters)
    except FrostlineError as error:
        warn(f"no comment was written: {error.message}; {error.help}")
    return checked.status


def look(clone: Clone, base: str, config: Path | None, status: int, options: tuple[str, ...]) -> Checked:
    """Compose the comment. status: of `frostline check` with these options."""
    run = partial(run_frostline, config=config, inside=clone.top, quietly=True)
    parts = [f"## {_title(status)}"]
    if status != errors.DONE:
        parts.append(run("check", "--format", "markdown", *options).text)
    if status == errors.DIFFERENT:
        # A branch that nobody trusts must not start anything: no network, no verifier.
        plan = run("plan", "--offline", "--allow", "unverified", "--format", "markdown")
        parts += ["### What `frostline compile --offline` would write", plan.text]
    matters = status != errors.DONE
    if status not in (errors.USAGE, errors.BUG):
        change_parts, changes = _registry_changes(clone, base, config, run)
        parts, matters = [*parts, *change_parts], matters or changes
    return Checked(status=status, parts=tuple(parts), matters=matters)


def _title(status: int) -> str:
    if status == errors.DONE:
        return f"frostline: {_AGREES}"
    if status == errors.DIFFERENT:
        return "frostline: run `frostline compile --offline`, and commit what it writes"
    return f"frostline: the check failed (exit status {status})"


def _registry_changes(clone: Clone, base: str, config: Path | None, run: Callable[..., Run]) -> tuple[list[str], bool]:
    """Describe what this branch changes in the registry. Return the parts of the comment, and whether it may change."""
    old, new = (find_commit(clone, base) if base else None), find_commit(clone, "HEAD")
    if old is None or new is None:
        return [_NO_BASE], False
    lock = run("diff", "--format", "markdown", old, new)
    published = published_changes(clone, config, old, new)
    if published is None and lock.status not in (errors.DONE, errors.DIFFERENT):
        return [_NOT_KNOWN], True
    parts = ["### What this changes in the registry", lock.text] if lock.status == errors.DIFFERENT else []
    by_lock = _services_of(run("diff", "--format", "json", old, new)) if parts and published else frozenset()
    by_others = [change for change in published or () if _Service(*change.key, *change.endpoints) not in by_lock]
    if by_others:
        # It is short, so it comes first: however much the lock changes, it is not cut off.
        parts = ["### What the configuration and local files change", "\n".join(lines_of(by_others)), *parts]
    return parts or ["The same services and endpoints are published as before."], bool(parts)


def _services_of(difference: Run) -> frozenset[_Service]:
    """Return the services that `frostline diff --format json` names."""
    return msgspec.json.decode(difference.text, type=_Difference).services
