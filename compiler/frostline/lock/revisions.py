"""Reading the lock of a git revision. git reads the local repository only: no network, no hook, no shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from frostline.errors import UsageError
from frostline.files.conflicts import LFS_POINTER
from frostline.files.repositories import refuse_bare_repository
from frostline.lock.merge import join_locks
from frostline.lock.store import SUFFIX, parse_elsewhere
from frostline.model import FileOrigin, Lock
from frostline.text import quote

# `git rev-parse` reads a leading `-` as an option and `^` as an exclusion; `:` would let a revision name any file.
_NOT_A_REVISION = re.compile(r"[-^]|.*[:\x00-\x1f\x7f]", re.DOTALL)

_WHOLE_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")

# The output of `git rev-parse --local-env-vars`. These variables, set in hooks, point git at another repository.
_LOCAL_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


def is_whole_commit(name: str) -> bool:
    """Whether this has the form of a full commit hash, which names nothing else."""
    return _WHOLE_COMMIT.fullmatch(name) is not None


def is_revision(name: str, folder: Path) -> bool:
    """Whether git knows a commit by this name in this folder; False too if git or a repository is missing."""
    with suppress(UsageError):
        return not _NOT_A_REVISION.match(name) and bool(_commit(name, folder))
    return False


def read_lock_at(revision: str, path: Path, *, is_folder: bool, shown: str) -> Lock:
    """Read the lock at this path from a git revision (a commit, branch, tag, `HEAD~3` …).

    shown: the path as users would type it. Raises UsageError if git is missing, the folder belongs to no repository,
    there is no such revision, or the revision has no valid lock at this path.
    """
    if not revision or _NOT_A_REVISION.match(revision):
        raise UsageError(
            f"{quote(revision)} cannot name a git revision",
            help="name a commit, a branch or a tag, without `:` and control characters, and without `-` or `^` first",
        )
    commit = _commit(revision, path.parent)
    names = _names_in_folder(commit, path) if is_folder else [path.name]
    files: list[tuple[str, bytes]] = []
    for name in names:
        content = _git(path.parent, "show", "--no-textconv", f"{commit}:./{name}")
        if content.returncode:
            raise _lock_missing(revision, commit, shown)
        if content.stdout.startswith(LFS_POINTER):  # never run Git LFS: the repository chooses that program
            raise UsageError(
                f"revision {quote(revision)} has a pointer of Git LFS in place of the lock `{shown}`",
                help=f"write it to a file, and compare that: `git show {revision}:./{name} | git lfs smudge >old.lock`",
            )
        files.append((f"{revision}:{Path(shown).parent / name}", content.stdout))
    if not files:
        raise _lock_missing(revision, commit, shown)
    return join_locks([(name, parse_elsewhere(data, name, _OTHER_REVISION)) for name, data in files])


_OTHER_REVISION = "name another revision; to keep broken locks out of commits, run `frostline check` in CI"


def _commit(revision: str, folder: Path) -> str:
    """Return the full hash of the revision's commit. Raises UsageError if there is no such revision."""
    result = _git(folder, "rev-parse", "--verify", f"{revision}^{{commit}}")
    if result.returncode == 0:
        return result.stdout.decode("ascii").strip()
    reason = result.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
    if refused := re.search(r"dubious ownership in repository at '(.*)'", reason):
        raise UsageError(
            f"git does not read the repository {quote(refused[1])}, which belongs to another user",
            help=f"trust it: `git config --global --add safe.directory {shlex.quote(refused[1])}`",
        )
    raise UsageError(
        f"{quote(revision)} is neither a lock file nor a git revision here ({reason})",
        help="check the name; in a shallow clone, fetch more history first (`git fetch --unshallow`)",
    )


def _names_in_folder(commit: str, path: Path) -> list[str]:
    """List the lock files of the folder in this commit, sorted, relative to the folder's parent."""
    listed = _git(path.parent, "ls-tree", "-z", "--name-only", commit, f"./{path.name}/")
    names = sorted(name.decode(errors="surrogateescape") for name in listed.stdout.split(b"\0"))
    return [name for name in names if name.endswith(SUFFIX)]


def _lock_missing(revision: str, commit: str, shown: str) -> UsageError:
    return UsageError(
        f"revision {quote(revision)} (commit {commit[:12]}) does not have the lock `{shown}`",
        origin=FileOrigin(shown),
        help="name a revision in which this lock was committed: `git log -- PATH` lists them",
    )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    refuse_bare_repository(folder)
    command: Sequence[str] = ("git", "--no-pager", "-C", str(folder), *arguments)
    # git must work offline: in a partial clone it would otherwise fetch missing objects.
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    environment |= {
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_REPLACE_OBJECTS": "1",
        # As `refuse_bare_repository`; git 2.38 and newer look at the very moment.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.bareRepository",
        "GIT_CONFIG_VALUE_0": "explicit",
        "LC_ALL": "C",
    }
    try:
        return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=environment, check=False)  # noqa: S603
    except OSError as error:
        raise UsageError(
            f"git cannot be run: {error.strerror}", help="install git, or give the paths of two lock files"
        ) from None
