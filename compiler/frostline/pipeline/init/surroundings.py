"""Find what a first configuration can use in a folder: job files, a Python package, a Puppet control repository."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from itertools import islice
from keyword import iskeyword
from pathlib import Path, PurePosixPath
from typing import Literal

from msgspec import Struct

JOB_FILES = (".nomad.hcl", ".nomad")
"""The endings of job files by Nomad's documents. Files that end in `.hcl` alone can be any program's: we read them."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "venv", "build", "dist", "vendor", "target", "__pycache__"})
_PYTHON_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_NO_PACKAGE = frozenset({"docs", "examples", "scripts", "test", "tests"})
_MOST_FOLDERS = 2000
_DEEPEST = 6
_MOST_BYTES = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names that need no quoting as a glob, a path of the configuration or a line of .gitattributes, and are not hidden."""

Host = Literal["github", "gitlab"]


class Surroundings(Struct, frozen=True, kw_only=True):
    """What was found in a folder. Paths are relative to it.

    job_files: globs for the source `jobspec`, sorted.
    package: the folder of the project's Python package; None if there is none.
    modules: the folder with a control repository's own Puppet modules; None if there is none.
    host: the host of the CI that the repository seems to use; None if it is not known.
    below: where the folder is in its git repository; "" if it is the top, or in no repository.
    """

    job_files: tuple[str, ...] = ()
    package: str | None = None
    modules: str | None = None
    host: Host | None = None
    below: str = ""


def look_around(folder: Path) -> Surroundings:
    """Look at the names of files in this folder, and read a few small ones. A file that cannot be read is skipped."""
    return Surroundings(
        job_files=tuple(sorted(set(_job_globs(folder)))),
        package=_package(folder),
        modules=_modules(folder),
        host=_host(folder),
        below=_below(folder),
    )


def _job_globs(folder: Path) -> Iterator[str]:
    """Yield a glob for each ending in each top folder, so that files that are added later are found too."""
    only_jobs: dict[str, bool] = {}
    for count, (path, folders, files) in enumerate(os.walk(folder)):
        below = Path(path).relative_to(folder).parts
        folders[:] = sorted(name for name in folders if _PLAIN.fullmatch(name) and name not in _SKIPPED_FOLDERS)
        if len(below) >= _DEEPEST or count >= _MOST_FOLDERS:
            folders.clear()
        start = f"{below[0]}/**/" if below else ""
        for name in files:
            ending = next((ending for ending in JOB_FILES if name.endswith(ending)), None)
            if ending and (Path(path) / name).is_file():
                yield f"{start}*{ending}"
            elif name.endswith(".hcl") and not name.startswith(".") and only_jobs.get(start, True):
                only_jobs[start] = _is_job(Path(path) / name)
    yield from (f"{start}*.hcl" for start, are_jobs in only_jobs.items() if are_jobs)


def _is_job(path: Path) -> bool:
    try:
        return re.search(r'^job[ \t]+"', small_text(path), re.MULTILINE) is not None
    except (OSError, ValueError):
        return False


def _package(folder: Path) -> str | None:
    """Return the package with the project's name, else the only package, in src or here; None if there is none."""
    name = re.sub(r"[-.]+", "_", _project_name(folder))
    for candidate in (f"src/{name}", name, name.lower(), f"src/{name.lower()}"):
        if _is_package(folder, candidate):
            return candidate
    if not any((folder / file).is_file() for file in _PYTHON_PROJECT):
        return None
    packages = _packages(folder, "src/") or _packages(folder, "")
    return packages[0] if len(packages) == 1 else None


def _project_name(folder: Path) -> str:
    """Return the name in pyproject.toml, in the standard table or in Poetry's; "" if there is none."""
    try:
        settings = tomllib.loads(small_text(folder / "pyproject.toml"))
    except (OSError, ValueError, RecursionError):
        return ""
    tool = settings.get("tool")
    for table in (settings.get("project"), tool.get("poetry") if isinstance(tool, dict) else None):
        name = table.get("name") if isinstance(table, dict) else None
        if isinstance(name, str):
            return name
    return ""


def _packages(folder: Path, parent: str) -> list[str]:
    """Return the first two packages in this folder, without tests, docs and the like."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder / parent) if entry.name not in _NO_PACKAGE)
    except OSError:
        return []
    return list(islice((f"{parent}{name}" for name in names if _is_package(folder, f"{parent}{name}")), 2))


def _is_package(folder: Path, path: str) -> bool:
    """Whether Python can import this folder, and no part of its path is a link."""
    name = path.removeprefix("src/")
    can_be_imported = name.isidentifier() and name.isascii() and not iskeyword(name)
    file = f"{path}/__init__.py"
    return can_be_imported and (folder / file).is_file() and not is_behind_a_link(folder, file)


def _modules(folder: Path) -> str | None:
    """Return the first folder of `modulepath` except `modules`, which r10k fills; `modules` if it is the only one.

    Folders that are symbolic links are skipped: frostline writes nothing behind a link.
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
    """Whether a folder between `folder` and this path is a symbolic link."""
    return any((folder / parent).is_symlink() for parent in PurePosixPath(path).parents[:-1])


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


def _below(folder: Path) -> str:
    real = folder.resolve()
    top = next((path for path in (real, *real.parents) if os.path.lexists(path / ".git")), real)
    return "" if top == real else real.relative_to(top).as_posix()


def small_text(path: Path) -> str:
    """Return the text of a small regular file. Raises OSError or ValueError if it is not one, or is not UTF-8."""
    if not path.is_file():
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8")
