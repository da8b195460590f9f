"""The files that frostline keeps in a repository: lock, manifest, confirmations and what it has published."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from frostline.ci.clone import Clone
from frostline.errors import UsageError
from frostline.lock.store import existing_files
from frostline.pipeline.load.config import find_config, load_config
from frostline.publish.manifest import read_manifest
from frostline.settings import Config


def own_files(clone: Clone, config: Path | None) -> set[str]:
    """Return git's names of these files. Files outside the repository are left out.

    Raises UsageError if a file is in a repository inside this one, such as a submodule: this one cannot commit it.
    """
    top = clone.top.resolve()
    names: set[str] = set()
    checked: set[Path] = set()
    for file in _files(load_config(find_config(config, Path.cwd()))):
        folder = file.parent.resolve()
        if not folder.is_relative_to(top):
            continue
        name = (folder / file.name).relative_to(top).as_posix()
        names.add(name)
        while folder != top and folder not in checked:
            checked.add(folder)
            if os.path.lexists(folder / ".git"):
                inner = folder.relative_to(top)
                raise UsageError(
                    f"`{name}` is in a repository of its own, `{inner}`: a pull request cannot contain it",
                    help="set `root`, `lock` and `confirmed` to paths outside it, or run this job in that repository",
                )
            folder = folder.parent
    return names


def _files(config: Config) -> Iterator[Path]:
    yield config.manifest
    yield from existing_files(config.lock, is_folder=config.lock_is_folder)
    if config.confirmed is not None:
        yield config.confirmed
    manifest = read_manifest(config.manifest)
    for line in manifest.files if manifest else ():
        yield config.root / line.path
