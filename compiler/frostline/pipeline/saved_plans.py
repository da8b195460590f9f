"""Saved plans: what a plan is made from, and whether that is unchanged when it is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from os.path import relpath
from pathlib import Path

from frostline.canonical import digest_of_json
from frostline.checks import base as checks
from frostline.errors import RefusedError, UsageError
from frostline.lock import codec as lock_codec
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.lock.confirmed import time_of
from frostline.model import FileOrigin, Lock
from frostline.outputs import base as outputs
from frostline.pipeline.compile import Compilation, CompileOptions
from frostline.pipeline.freeze import live_sources, settings_digests
from frostline.plan.changes import plan_value
from frostline.plan.saved import MOST_NAMED, Basis, Saved, changed_files, changed_inputs, digest_of, saved_chunks
from frostline.published import Reading
from frostline.settings import Config
from frostline.sources import base as sources

_AGAIN = "make a new plan, review it, and publish that one"


def chunks(config: Config, compilation: Compilation, options: CompileOptions) -> Iterator[bytes]:
    """The saved plan's bytes."""
    text = b"".join(lock_codec.lock_chunks(compilation.lock.snapshots)).decode()
    saved = Saved(
        basis=basis_of(config, options), changes=compilation.files, new_lock=text, reading=compilation.reading
    )
    return saved_chunks(plan_value(compilation.plan), saved)


def basis_of(config: Config, options: CompileOptions) -> Basis:
    """What a plan that is made now depends on."""
    folder = config.path.parent
    digests = {relpath(path, folder): digest_of(path) for path in sorted(set(_inputs(config)))}
    if config.digest:
        digests[relpath(config.path, folder)] = config.digest
    return Basis(
        only=options.only,
        allow=options.allow,
        today=options.today.isoformat(),
        inputs={path: digest for path, digest in digests.items() if digest is not None},
        lock=_lock_digest(config),
        manifest=digest_of(config.manifest),
    )


def _inputs(config: Config) -> Iterator[Path]:
    """The files that an outcome depends on: configuration, schemas, templates, job files and what they read."""
    yield config.path
    if config.overrides_file is not None:
        yield config.overrides_file
    yield from checks.inputs_of(config.checks)
    for output in config.outputs:
        yield from outputs.inputs_of(output)
    for source in config.sources.values():
        yield from sources.inputs_of(source)


def _lock_digest(config: Config) -> str | None:
    files = lock_store.existing_files(config.lock, is_folder=config.lock_is_folder)
    if not files:
        return None
    if not config.lock_is_folder:
        return digest_of(config.lock)
    return digest_of_json({path.name: digest_of(path) for path in files})


def options_of(basis: Basis) -> CompileOptions:
    """How the plan was made. UsageError: its date is invalid."""
    try:
        return CompileOptions(only=basis.only, allow=basis.allow, today=date.fromisoformat(basis.today))
    except ValueError:
        raise UsageError(f"the saved plan has an invalid date: {basis.today}", help=_AGAIN) from None


def check_basis(config: Config, saved: Saved, shown: str) -> None:
    """RefusedError: something that the plan was made from has changed."""
    found = changed_inputs(saved.basis, basis_of(config, options_of(saved.basis)))
    if found:
        raise _refused(f"since the plan was made, {_listed(found)} changed", shown)


def new_lock(config: Config, saved: Saved, shown: str) -> Lock:
    """The lock that the plan holds. UsageError: it is not a lock, or was frozen with other settings."""
    lock = lock_store.parse_elsewhere(saved.new_lock.encode(), shown, _AGAIN)
    if live_sources(config):
        lock_merge.check_settings(lock, settings_digests(config), shown)
    return lock


def reading_in(saved: Saved) -> Reading | None:
    """What was read of the lock that the plan holds. UsageError: its time is invalid."""
    if saved.reading is not None:
        try:
            time_of(saved.reading.at)
        except ValueError:
            raise UsageError(f"the saved plan has an invalid time: {saved.reading.at}", help=_AGAIN) from None
    return saved.reading


def check_files(saved: Saved, compilation: Compilation, shown: str) -> None:
    """RefusedError: publishing now would change other files than the plan says, or the same ones in another way."""
    found = changed_files(saved.changes, compilation.files)
    if found:
        raise _refused(f"{_listed([f'`{path}`' for path in found])} would not become what the plan says", shown)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _refused(message: str, shown: str) -> RefusedError:
    return RefusedError(f"{message}; nothing was published", origin=FileOrigin(shown), help=_AGAIN)
