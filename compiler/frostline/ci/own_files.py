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
    """These files, as git names them, of this configuration; without those outside of the repository.

    UsageError: one is in a repository inside of this one, such as a submodule: no commit of this one can have it.
    """
    top = clone.top.resolve()
    names: set[str] = set()
    looked_at: set[Path] = set()
    for file in _files(load_config(find_config(config, Path.cwd()))):
        folder = file.parent.resolve()
        if not folder.is_relative_to(top):
            continue
        name = (folder / file.name).relative_to(top).as_posix()
        names.add(name)
        while folder != top and folder not in looked_at:
            looked_at.add(folder)
            if os.path.lexists(folder / ".git"):
                inner = folder.relative_to(top)
                raise UsageError(
                    f"`{name}` is in a repository of its own, `{inner}`: a pull request can't have it",
                    help="let `root`, `lock` and `confirmed` be outside of it, or run this job in that repository",
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
