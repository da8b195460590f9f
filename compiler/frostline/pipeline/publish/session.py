"""The last step: write the result of a compile or a freeze."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from frostline.errors import RefusedError
from frostline.events import stage
from frostline.files.targets import Root
from frostline.lock import store as lock_store
from frostline.model import FileOrigin, Lock, Reading
from frostline.pipeline.compile.compiling import Compilation
from frostline.pipeline.compile.rendering import ByteBudget, CachedChunks
from frostline.pipeline.freeze.confirmations import confirmed_files
from frostline.publish.ownership import next_manifest
from frostline.publish.publishing import Publication, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Config
from frostline.text import display_path


@contextmanager
def publish_session(config: Config) -> Iterator[Root]:
    """Open the root folder for this run alone, and finish or undo what a killed run left there.

    The folder is created if it is missing, and removed again if nothing was published in it.
    """
    outside = [config.lock, *([config.confirmed] if config.confirmed else [])]
    with run_lock(config.root, outside=outside, make=True) as root:
        yield root


def publish_compilation(config: Config, root: Root, compilation: Compilation, only: Sequence[str] = ()) -> None:
    """Write lock, confirmations, outputs and manifest: all or none. only: names of the outputs in scope; () for all.

    Raises RefusedError if the committed lock has changed since this run read it.
    """
    lock_files = _lock_changes(config, compilation.lock) if compilation.plan.lock else ()
    confirmed = confirmed_files(config, compilation.lock, compilation.readings, compilation.made_from)
    with stage("publishing"):
        publish(
            root,
            Publication(
                files=compilation.wanted,
                changes=compilation.files,
                lock_files=(*lock_files, *confirmed),
                manifest_path=config.manifest,
                manifest=next_manifest(compilation.manifest, compilation.files, compilation.entries, only or None),
            ),
            partial(_check_lock, config, compilation.base),
        )


def publish_lock(
    config: Config,
    root: Root,
    lock: Lock,
    readings: Sequence[Reading] = (),
    made_from: Lock | None = None,
    base: Mapping[str, str] | None = None,
) -> None:
    """Write only the lock and its confirmations. readings, made_from, base: as in LockPair.

    Raises RefusedError if the committed lock has changed since this run read it.
    """
    confirmed = confirmed_files(config, lock, readings, made_from)
    publication = Publication(lock_files=(*_lock_changes(config, lock), *confirmed))
    publish(root, publication, partial(_check_lock, config, base))


def _check_lock(config: Config, base: Mapping[str, str] | None) -> None:
    """Refuse if somebody edited the lock while this run waited for a server: publishing would lose the edit."""
    if base is None:
        return
    shown = display_path(config.lock)
    lock_text = lock_store.read_lock_text(config.lock, is_folder=config.lock_is_folder, shown=shown)
    if lock_text.digests() != base:
        raise RefusedError(
            "the lock was changed by somebody else during this run; nothing was published",
            origin=FileOrigin(shown),
            help="look at what changed there, then rerun",
        )


def _lock_changes(config: Config, lock: Lock) -> tuple[tuple[Path, Iterable[bytes] | None], ...]:
    """Return the path and bytes of each lock file; None for a file in the lock's folder that is no longer needed."""
    present = lock_store.existing_files(config.lock, is_folder=config.lock_is_folder)
    files: dict[Path, Iterable[bytes] | None] = dict.fromkeys(present)
    budget = ByteBudget()
    for file in lock_store.lock_files(lock, config.lock, is_folder=config.lock_is_folder):
        files[file.path] = CachedChunks(file, budget)
    return tuple(sorted(files.items(), key=lambda item: item[0]))
