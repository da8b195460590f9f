"""What a folder holds that a first configuration can use: job files, a Python package, a Puppet control repository."""

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
"""How the names of Nomad's job files end, by its own documents. `.hcl` alone may be any program's: its text tells."""

_NO_PART_OF_IT = frozenset({"node_modules", "venv", "build", "dist", "vendor", "target", "__pycache__"})
_PYTHON_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_NO_PACKAGE = frozenset({"docs", "examples", "scripts", "test", "tests"})
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
    only_jobs: dict[str, bool] = {}
    for count, (path, folders, files) in enumerate(os.walk(folder)):
        below = Path(path).relative_to(folder).parts
        folders[:] = sorted(name for name in folders if _PLAIN.fullmatch(name) and name not in _NO_PART_OF_IT)
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
    """The package that has the project's name, else the only one that there is, in src or here."""
    name = re.sub(r"[-.]+", "_", _project_name(folder))
    for candidate in (f"src/{name}", name, name.lower(), f"src/{name.lower()}"):
        if _is_package(folder, candidate):
            return candidate
    if not any((folder / file).is_file() for file in _PYTHON_PROJECT):
        return None
    packages = _packages(folder, "src/") or _packages(folder, "")
    return packages[0] if len(packages) == 1 else None


def _project_name(folder: Path) -> str:
    """The name in pyproject.toml, by its standard or by Poetry; "": it has none."""
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
    """The packages in this folder, without those of tests and the like; at most two are looked for."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder / parent) if entry.name not in _NO_PACKAGE)
    except OSError:
        return []
    return list(islice((f"{parent}{name}" for name in names if _is_package(folder, f"{parent}{name}")), 2))


def _is_package(folder: Path, path: str) -> bool:
    """Whether Python can import this folder, and it is not behind a link."""
    name = path.removeprefix("src/")
    can_be_imported = name.isidentifier() and name.isascii() and not iskeyword(name)
    file = f"{path}/__init__.py"
    return can_be_imported and (folder / file).is_file() and not is_behind_a_link(folder, file)


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
