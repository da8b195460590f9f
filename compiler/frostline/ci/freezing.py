"""`frostline-ci freeze`: read the sources, and keep one pull request with what changed, or with the refusal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from msgspec import Struct

from frostline import errors
from frostline.ci import clone as git
from frostline.ci.clone import Clone
from frostline.ci.hosts import Host
from frostline.ci.own_files import own_files
from frostline.ci.running import Run, run_frostline
from frostline.ci.texts import join_parts, mark_of
from frostline.errors import RefusedError, UsageError
from frostline.pipeline.load.config import find_config, load_config
from frostline.text import name_first

_TITLE = "Freeze services"
_MERGE = "The sources have changed. This is what `frostline compile` wrote; each run keeps it up to date."
_REFUSED = "Freeze services: refused"
_WHAT_NEXT = """\
`frostline compile` refuses this change, so this branch has no files. The reasons are below, with ways to allow it.

- If the change is a mistake, fix it where the services are registered: the next run closes this.
- If it is intended, add the entry that a finding shows to the list `guards.accept` in frostline.yaml, with the \
reason, on the branch that this one is merged into. The next run then puts the whole change here.
- To allow it once, run `frostline compile` with the `--allow` that a finding shows, and commit what it writes."""
_WITHDRAWN = "The sources agree with the lock again: there is nothing to merge."


class Options(Struct, frozen=True, kw_only=True):
    """The options of a freeze.

    branch: of the pull request. reading: options for `frostline plan` (`--wait`, `--lock`, `--allow`).
    lock_only: also propose changes of the lock and the times of confirmation alone.
    """

    config: Path | None
    branch: str
    reading: tuple[str, ...] = ()
    lock_only: bool = False


def freeze(host: Host, clone: Clone, options: Options, say: Callable[[str], None]) -> int:
    """Freeze, update the pull request, and return the exit status.

    It is 0 if nothing changed or the pull request has the change, and 4 if the pull request has the refusal. With any
    other status, which is that of frostline, the pull request stays as it is.
    """
    before = git.changed_paths(clone)
    _refuse_tracked(before)
    done = _compile(options)
    if done.status not in (errors.DONE, errors.REFUSED):
        return done.status
    _refuse_other_target(host, options.branch)
    refused = done.status == errors.REFUSED
    paths = _written(clone, options, before, refused=refused)
    if not refused and not paths:
        return _withdraw(host, clone, options, say)
    new = git.commit(clone, paths, _REFUSED if refused else _TITLE)
    tip = git.publish(clone, options.branch, new, ignored=_confirmations(clone, options))
    parts = (_WHAT_NEXT if refused else _MERGE, done.text)
    text = join_parts(mark_of("freeze", options.config), parts, host.longest)
    url = host.propose(options.branch, tip, _REFUSED if refused else _TITLE, text)
    say(
        f"See {url}"
        if url
        else f"The pull request of `{options.branch}` with this change was closed, and stays closed."
    )
    return done.status


def _written(clone: Clone, options: Options, before: Collection[str], *, refused: bool) -> Collection[str]:
    """Return the paths that this run has changed, and frostline's own files that an earlier job left untracked."""
    changed = git.changed_paths(clone).keys()
    own = set() if refused else own_files(clone, options.config)
    return (changed - set(before)) | (changed & own)


def _compile(options: Options) -> Run:
    """Plan, and publish the plan into the checkout. Return the status, and the plan as text.

    The status is 0 if the plan was published, or if it changes only the lock and `lock_only` is not set.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = str(Path(folder) / "plan.json")
        only = () if options.lock_only else ("--registry-only",)
        plan = run_frostline(
            "plan", "--format", "markdown", "--out", saved, *only, *options.reading, config=options.config
        )
        if plan.status == errors.DIFFERENT or (plan.status == errors.DONE and options.lock_only):
            return Run(status=run_frostline("compile", "--plan", saved, config=options.config).status, text=plan.text)
        return plan


def _withdraw(host: Host, clone: Clone, options: Options, say: Callable[[str], None]) -> int:
    """Close the pull request of an earlier run. First delete the branch: that refuses if others have pushed to it."""
    deleted = git.withdraw(clone, options.branch)
    closed = host.withdraw(options.branch, _WITHDRAWN)
    say(
        f"Nothing changed; the pull request of `{options.branch}` is closed."
        if closed or deleted
        else "Nothing changed."
    )
    return errors.DONE


def _refuse_other_target(host: Host, branch: str) -> None:
    """Refuse if the job runs on another branch than the pull request is for: it would add that branch's commits."""
    if target := host.other_target(branch):
        raise RefusedError(
            f"the branch `{branch}` has a pull request into `{target}`, but this job runs on `{host.branch}`; "
            "the pull request stays as it is",
            help="give each branch on which such jobs run a `branch` of its own",
        )


def _refuse_tracked(changes: dict[str, str]) -> None:
    if tracked := sorted(path for path, letters in changes.items() if letters != "??"):
        raise UsageError(
            f"the checkout has changes that are not committed: {name_first(tracked)}",
            help="run this in a fresh checkout, before anything else writes to files of the repository",
        )


def _confirmations(clone: Clone, options: Options) -> Collection[str]:
    """Return git's path of the file of `confirmed`, which changes with each run; () if there is none in the clone."""
    confirmed = load_config(find_config(options.config, Path.cwd())).confirmed
    if confirmed is None:
        return ()
    path = confirmed.resolve()
    return (path.relative_to(clone.top.resolve()).as_posix(),) if path.is_relative_to(clone.top.resolve()) else ()
