"""`frostline-ci freeze`: reads the sources and keeps one pull request with what changed, or with the refusal."""

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
from frostline.ci.texts import joined, mark_of
from frostline.errors import RefusedError, UsageError
from frostline.pipeline.load.config import find_config, load_config
from frostline.text import name_first

_TITLE = "Freeze services"
_MERGE = "The sources have changed. This is what `frostline compile` wrote; each run keeps it up to date."
_REFUSED = "Freeze services: refused"
_WHAT_NEXT = """\
`frostline compile` refuses this change, so this branch has no files. What refuses, and the way past it, is below.

- If the change is a mistake, mend it where the services are registered: the next run closes this.
- If it is intended, write the `accept` entry that a finding names below `guards` in frostline.yaml, with the reason, \
on the branch that this one goes into. The next run then puts the whole change here.
- To consent once, run `frostline compile` with the `--allow` that a finding names, and commit what it writes."""
_WITHDRAWN = "The sources are as they were frozen again: there is nothing to merge."


class Options(Struct, frozen=True, kw_only=True):
    """branch: the one of the pull request; reading: options of `frostline plan` (`--wait`, `--lock`, `--allow`);
    lock_only: propose also what changes nothing but the lock and the times of confirmation.
    """

    config: Path | None
    branch: str
    reading: tuple[str, ...] = ()
    lock_only: bool = False


def freeze(host: Host, clone: Clone, options: Options, say: Callable[[str], None]) -> int:
    """The status: 0 where nothing changed or a pull request has it, 4 where a pull request has the refusal, else that
    of `frostline`, and the pull request stays as it is."""
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
    tip = git.publish(clone, options.branch, new, but=_confirmations(clone, options))
    parts = (_WHAT_NEXT if refused else _MERGE, done.text)
    text = joined(mark_of("freeze", options.config), parts, host.longest)
    url = host.propose(options.branch, tip, _REFUSED if refused else _TITLE, text)
    say(f"See {url}" if url else f"The pull request of `{options.branch}` with this change was closed, and stays so.")
    return done.status


def _written(clone: Clone, options: Options, before: Collection[str], *, refused: bool) -> Collection[str]:
    """The paths that this run has changed. Those of frostline are among them if an earlier job left them untracked."""
    changed = git.changed_paths(clone).keys()
    own = set() if refused else own_files(clone, options.config)
    return (changed - set(before)) | (changed & own)


def _compile(options: Options) -> Run:
    """Publish what a plan says, into the checkout. status: 0 where that is done or was not worth it; text: the plan."""
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
    """Close the pull request of an earlier run; the branch goes first, so that nobody's commit goes unnoticed."""
    deleted = git.withdraw(clone, options.branch)
    closed = host.withdraw(options.branch, _WITHDRAWN)
    say(
        f"Nothing changed; the pull request of `{options.branch}` is closed."
        if closed or deleted
        else "Nothing changed."
    )
    return errors.DONE


def _refuse_other_target(host: Host, branch: str) -> None:
    """A job that somebody starts on another branch would put that branch's commits into the pull request."""
    if target := host.other_target(branch):
        raise RefusedError(
            f"the branch `{branch}` has a pull request into `{target}`, and this job runs on `{host.branch}`; "
            "it stays as it is",
            help="give each branch on which such jobs run a `branch` of its own",
        )


def _refuse_tracked(changes: dict[str, str]) -> None:
    if tracked := sorted(path for path, letters in changes.items() if letters != "??"):
        raise UsageError(
            f"the checkout has changes that are not committed: {name_first(tracked)}",
            help="run this in a fresh checkout, before anything that writes to files of the repository",
        )


def _confirmations(clone: Clone, options: Options) -> Collection[str]:
    """The file of `confirmed`, which is another at each run, as git names it."""
    confirmed = load_config(find_config(options.config, Path.cwd())).confirmed
    if confirmed is None:
        return ()
    path = confirmed.resolve()
    return (path.relative_to(clone.top.resolve()).as_posix(),) if path.is_relative_to(clone.top.resolve()) else ()
