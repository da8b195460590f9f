"""Use git: push one commit to one branch of the remote, but only if nobody else has pushed to it meanwhile.

The checkout is not touched: no branch or index changes, and no hook or signing program runs. git gets the credentials
by its environment, so that they appear in no list of processes and no file.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from frostline.errors import PublishError, RefusedError, UsageError
from frostline.files.repositories import refuse_bare_repository

NAME = "frostline"
EMAIL = "frostline@noreply.invalid"
"""Our committer. A commit of another committer is somebody's work."""

_TREE = "Frostline-Tree"
"""The trailer with the commit's own tree: a commit that somebody makes, or amends, under the same name lacks it."""

_NO_SUCH_REF = 2
_CREDENTIALS = (
    "the token needs `permissions: {contents: write}` of the job on GitHub, or the scope `write_repository` on GitLab; "
    "a rule of the repository may also protect the branch"
)


class Clone(Struct, frozen=True, kw_only=True):
    """A clone. top: the top of the work tree; remote: a URL or the name of a remote; environment: for git."""

    top: Path
    remote: str
    environment: Mapping[str, str]


def open_clone(folder: Path, remote: str, user: str, token: str) -> Clone:
    """Open the clone that this folder is in. user, token: credentials for the remote.

    Raises UsageError if there is no clone that git can read.
    """
    settings = [("core.hooksPath", os.devnull), ("commit.gpgSign", "false"), ("push.gpgSign", "false")]
    refuse_bare_repository(folder)
    # The same again from git 2.38 on, which looks at the very moment.
    settings.append(("safe.bareRepository", "explicit"))
    settings.append(("http.followRedirects", "false"))  # git would send the credentials to the other server too
    if token and remote.startswith(("https://", "http://")):
        basic = base64.b64encode(f"{user}:{token}".encode()).decode()
        # The empty value removes the header that a checkout may have left: servers refuse two.
        header = f"http.{remote}.extraHeader"
        settings += [(header, ""), (header, f"Authorization: Basic {basic}")]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG_COUNT")},
        **{f"GIT_{role}_NAME": NAME for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": EMAIL for role in ("AUTHOR", "COMMITTER")},
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (name, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    clone = Clone(top=folder, remote=remote, environment=environment)
    done = _run(clone, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise UsageError(
            f"git cannot read a repository here: {_message(done)}", help="check the repository out before this step"
        )
    return Clone(top=Path(os.fsdecode(done.stdout).removesuffix("\n")), remote=remote, environment=environment)


def changed_paths(clone: Clone) -> dict[str, str]:
    """Return path -> git's two letters for it, for each path that differs from HEAD and is not ignored."""
    listed = _git(clone, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    return {entry[3:]: entry[:2] for entry in listed.split("\0") if entry}


def commit(clone: Clone, paths: Iterable[str], message: str) -> str:
    """Commit these paths of the work tree on top of HEAD, and return the commit. Without paths the commit is empty."""
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        _git(clone, "read-tree", "HEAD", more=index)
        if listed := "".join(f"{path}\0" for path in sorted(paths)):
            add = ("add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul")
            _git(clone, "--literal-pathspecs", *add, input=listed, more=index)
        tree = _git(clone, "write-tree", more=index).strip()
    return _git(clone, "commit-tree", tree, "-p", "HEAD", "-m", message, "-m", f"{_TREE}: {tree}").strip()


def publish(clone: Clone, branch: str, new: str, *, ignored: Iterable[str] = ()) -> str:
    """Push a commit as the branch, unless the branch already has its changes. Return the commit at the branch's tip.

    new: a commit on top of HEAD. ignored: paths whose changes are not a reason to push.
    Raises RefusedError if somebody else's commit is at the tip of the branch.
    """
    tip = _tip(clone, branch)
    if tip:
        _fetch(clone, branch, tip)
        if _same_changes(clone, tip, new, frozenset(ignored)):
            return tip
    _push(clone, branch, f"{new}:refs/heads/{branch}", tip)
    return new


def withdraw(clone: Clone, branch: str) -> bool:
    """Delete the branch on the remote. Return False if there is none. Raises RefusedError as `publish` does."""
    tip = _tip(clone, branch)
    if not tip:
        return False
    _fetch(clone, branch, tip)
    _push(clone, branch, f":refs/heads/{branch}", tip)
    return True


def find_commit(clone: Clone, name: str) -> str | None:
    """Return the commit that this revision names; None if the clone does not have it."""
    done = _run(clone, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None


def file_at(clone: Clone, commit: str, path: Path) -> bytes | None:
    """Return the file's bytes in this commit; None if it has no such file."""
    name = path.parent.resolve() / path.name
    if not name.is_relative_to(clone.top.resolve()):
        return None
    done = _run(clone, "cat-file", "blob", f"{commit}:{name.relative_to(clone.top.resolve()).as_posix()}")
    return done.stdout if done.returncode == 0 else None


def _tip(clone: Clone, branch: str) -> str:
    """Return the commit at the tip of the remote's branch; "" if there is no such branch."""
    name = f"refs/heads/{branch}"
    done = _run(clone, "ls-remote", "--exit-code", clone.remote, name)
    if done.returncode not in (0, _NO_SUCH_REF):
        raise PublishError(f"git could not read {clone.remote}: {_message(done)}", help=_CREDENTIALS)
    # git also lists names that end in this one, such as the branch `a/refs/heads/frostline/freeze`.
    listed = (line.split("\t") for line in os.fsdecode(done.stdout).splitlines())
    return next((commit for commit, listed_name in listed if listed_name == name), "")


def _fetch(clone: Clone, branch: str, tip: str) -> None:
    """Fetch the tip. Raises RefusedError if the commit is not ours, so that nobody's work is lost."""
    shallow = _git(clone, "rev-parse", "--is-shallow-repository").strip() == "true"
    depth = ("--depth=2",) if shallow else ()
    _git(clone, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", *depth, clone.remote, f"refs/heads/{branch}")
    shown = f"--format=%ce%n%T%n%(trailers:key={_TREE},valueonly)"
    committer, tree, *trailers = _git(clone, "show", "--no-patch", shown, tip).rstrip("\n").split("\n")
    if committer != EMAIL or trailers != [tree]:
        raise RefusedError(
            f"the branch `{branch}` ends in a commit of `{committer}` ({tip[:12]}), which frostline did not write; "
            "it stays as it is",
            help="merge or close its pull request and delete the branch: the next run begins it anew",
        )


def _same_changes(clone: Clone, tip: str, new: str, ignored: frozenset[str]) -> bool:
    """Whether both commits make the same changes: each changed path is the same in both, and in both parents."""
    changed = (_differing_paths(clone, f"{tip}^", tip) | _differing_paths(clone, f"{new}^", new)) - ignored
    differing = _differing_paths(clone, tip, new) | _differing_paths(clone, f"{tip}^", f"{new}^")
    return not changed & differing


def _differing_paths(clone: Clone, old: str, new: str) -> set[str]:
    listed = _git(clone, "diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
    return {path for path in listed.split("\0") if path}


def _push(clone: Clone, branch: str, refspec: str, expected: str) -> None:
    lease = f"--force-with-lease=refs/heads/{branch}:{expected}"
    done = _run(clone, "push", "--quiet", "--no-follow-tags", lease, clone.remote, refspec)
    if done.returncode == 0:
        return
    if _tip(clone, branch) != expected:
        raise PublishError(
            f"somebody pushed to the branch `{branch}` at the same moment; it stays as they left it",
            help="the next run tries again; `concurrency` or `resource_group` keeps two runs from running at once",
        )
    raise PublishError(f"git could not push the branch `{branch}`: {_message(done)}", help=_CREDENTIALS)


def _git(
    clone: Clone,
    *arguments: str,
    input: str = "",
    more: Mapping[str, str] | None = None,
) -> str:
    done = _run(clone, *arguments, input=input, more=more)
    if done.returncode:
        raise PublishError(f"`git {arguments[0]}` failed: {_message(done)}", help="fix what git names, then rerun")
    return os.fsdecode(done.stdout)


def _run(
    clone: Clone, *arguments: str, input: str = "", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - no shell
            ["git", *arguments],  # noqa: S607 - the one on PATH
            cwd=clone.top,
            env={**clone.environment, **(more or {})},
            input=os.fsencode(input),
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}", help="install git in the job's image") from None


def _message(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
