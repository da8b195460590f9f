"""What a folder holds that a first configuration can use: job files, a Python package, a Puppet control repository."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from msgspec import Struct

JOB_FILES = (".nomad.hcl", ".nomad")
"""How the names of Nomad's job files end, by its own documents; `.hcl` alone may be any program's."""

_NO_PART_OF_IT = frozenset({"node_modules", "venv", "build", "dist", "vendor", "target", "__pycache__"})
_MOST_FOLDERS = 2000
_DEEPEST = 6
_MOST_BYTES = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names that need no quoting as a glob, a path of the configuration or a line of .gitattributes, and are not hidden."""

Host = Literal["github", "gitlab"]


class Surroundings(Struct, frozen=True, kw_only=True):
    """job_files: globs, as the source `jobspec` takes them, sorted. package: the folder of the project's Python
    package; modules: the folder of a control repository in which its own Puppet modules are; both relative to the
    folder, None where there is none. host: whose CI the repository seems to use.
    """

    job_files: tuple[str, ...] = ()
    package: str | None = None
    modules: str | None = None
    host: Host | None = None


def look_around(folder: Path) -> Surroundings:
    """What is in this folder, by the names of files and what a few small ones say; what can't be read is not there."""
    return Surroundings(
        job_files=tuple(sorted(set(_job_globs(folder)))),
        package=_package(folder),
        modules=_modules(folder),
        host=_host(folder),
    )


def _job_globs(folder: Path) -> Iterator[str]:
    """A glob for each kind of name in each folder at the top, so that files that come later are found too."""
    for count, (path, folders, files) in enumerate(os.walk(folder)):
        below = Path(path).relative_to(folder).parts
        folders[:] = sorted(name for name in folders if _PLAIN.fullmatch(name) and name not in _NO_PART_OF_IT)
        if len(below) >= _DEEPEST or count >= _MOST_FOLDERS:
            folders.clear()
        for name in files:
            ending = next((ending for ending in JOB_FILES if name.endswith(ending)), None)
            if ending and (Path(path) / name).is_file():
                yield f"{below[0]}/**/*{ending}" if below else f"*{ending}"


def _package(folder: Path) -> str | None:
    try:
        project = tomllib.loads(small_text(folder / "pyproject.toml"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    name = re.sub(r"[-.]+", "_", project) if isinstance(project, str) else ""
    for candidate in (f"src/{name}", name, name.lower(), f"src/{name.lower()}"):
        is_package = name.isidentifier() and name.isascii() and (folder / candidate / "__init__.py").is_file()
        if is_package and not is_behind_a_link(folder, f"{candidate}/__init__.py"):
            return candidate
    return None


def _modules(folder: Path) -> str | None:
    """The first folder of `modulepath` that is not `modules`, which r10k fills; `modules` where there is no other.

    A folder that is a symbolic link counts for none: frostline writes nothing behind one.

    https://www.puppet.com/docs/puppet/7/config_file_environment
    """
    try:
        text = small_text(folder / "environment.conf")
    except (OSError, ValueError):
        own = ["site-modules"] if (folder / "Puppetfile").is_file() else []
    else:
        setting = re.search(r"^[ \t]*modulepath[ \t]*=[ \t]*(\S+)", text, re.MULTILINE)
        listed = [part for part in (setting[1] if setting else "").split(":") if _PLAIN.fullmatch(part)]
        own = [part for part in listed if part != "modules"] or ["modules"]
    return next((name for name in own if not (folder / name).is_symlink()), None)


def is_behind_a_link(folder: Path, path: str) -> bool:
    """Whether a folder on the way from here to this path is a symbolic link."""
    return any((folder / above).is_symlink() for above in PurePosixPath(path).parents[:-1])


def _host(folder: Path) -> Host | None:
    if (folder / ".github").is_dir():
        return "github"
    if (folder / ".gitlab-ci.yml").exists() or (folder / ".gitlab").is_dir():
        return "gitlab"
    try:
        remotes = re.findall(r"^[ \t]*url[ \t]*=[ \t]*(.*)$", small_text(folder / ".git" / "config"), re.MULTILINE)
    except (OSError, ValueError):
        return None
    hosts = " ".join(re.sub(r"^[a-z+]+://", "", url).split("@")[-1].split("/")[0].split(":")[0] for url in remotes)
    return "github" if "github" in hosts else "gitlab" if "gitlab" in hosts else None


def small_text(path: Path) -> str:
    """The text of a small regular file. OSError, ValueError: it is none."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8")
