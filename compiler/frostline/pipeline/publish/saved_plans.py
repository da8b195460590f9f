"""Save plans, and check before publishing one that its inputs are unchanged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from os.path import relpath

from frostline.canonical import digest_of_json
from frostline.durations import describe_duration
from frostline.errors import RefusedError, UsageError
from frostline.lock import codec as lock_codec
from frostline.lock import merge as lock_merge
from frostline.lock import store as lock_store
from frostline.lock.confirmed import time_of, time_text
from frostline.model import FileOrigin, Lock, Reading
from frostline.pipeline.compile.compiling import Compilation, CompileOptions
from frostline.pipeline.compile.inputs import input_files
from frostline.pipeline.freeze.confirmations import CLOCK_SKEW
from frostline.pipeline.freeze.live import live_sources, settings_digests
from frostline.plan.changes import plan_value
from frostline.plan.saved import (
    MAKE_AGAIN,
    MOST_NAMED,
    Basis,
    Saved,
    SavedFile,
    changed_files,
    changed_inputs,
    digest_of,
    saved_bytes,
)
from frostline.settings import Config
from frostline.text import display_path

_LONGEST_DAY = 36 * 3600.0
"""Seconds from the start of a day in UTC to its end in UTC-12."""


def check_steady(config: Config, basis: Basis, options: CompileOptions) -> None:
    """Raise RefusedError if an input has changed since `basis` was taken: the plan would mix old and new inputs.

    basis: as it was before anything else was read.
    """
    if changed := changed_inputs(basis, basis_of(config, options)):
        raise RefusedError(
            f"while the plan was made, {_list_first(changed)} changed; no plan was saved",
            origin=FileOrigin(display_path(config.path)),
            help="rerun: another run, or somebody else, was at work here",
        )


def save(compilation: Compilation, basis: Basis, made: datetime) -> tuple[bytes, str]:
    """Return the saved plan's bytes and digest. basis: as it was before anything else was read; made: now."""
    text = b"".join(lock_codec.lock_chunks(compilation.lock.snapshots)).decode()
    saved = Saved(
        made=time_text(made),
        basis=basis,
        changes=compilation.files,
        new_lock=text,
        readings=compilation.readings,
        merged=compilation.merged,
    )
    return saved_bytes(plan_value(compilation.plan), saved)


def basis_of(config: Config, options: CompileOptions) -> Basis:
    """Return what a plan that is made now depends on."""
    folder = config.path.parent
    digests = {relpath(path, folder): digest_of(path) for path in sorted(set(input_files(config)))}
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


def _lock_digest(config: Config) -> str | None:
    files = lock_store.existing_files(config.lock, is_folder=config.lock_is_folder)
    if not files:
        return None
    if not config.lock_is_folder:
        return digest_of(config.lock)
    return digest_of_json({path.name: digest_of(path) for path in files})


def options_of(basis: Basis) -> CompileOptions:
    """Return the options that the plan was made with. Raises UsageError if its date is invalid."""
    try:
        return CompileOptions(only=basis.only, allow=basis.allow, today=date.fromisoformat(basis.today))
    except ValueError:
        raise UsageError(f"the saved plan has an invalid date: {basis.today}", help=MAKE_AGAIN) from None


def check_basis(config: Config, saved: Saved, shown: str) -> None:
    """Raise RefusedError if an input of the plan has changed."""
    changed = changed_inputs(saved.basis, basis_of(config, options_of(saved.basis)))
    if changed:
        raise _refusal(f"since the plan was made, {_list_first(changed)} changed", shown)


def new_lock(config: Config, saved: Saved, shown: str) -> Lock:
    """Return the lock in the plan. Raises UsageError if it is not a lock, or was frozen with other settings."""
    lock = lock_store.parse_elsewhere(saved.new_lock.encode(), shown, MAKE_AGAIN)
    if live_sources(config):
        lock_merge.check_settings(lock, settings_digests(config), shown)
    return lock


def readings_in(saved: Saved) -> tuple[Reading, ...]:
    """Return the readings in the plan. Raises UsageError if a time is invalid."""
    for reading in saved.readings:
        try:
            time_of(reading.at)
        except ValueError:
            raise UsageError(f"the saved plan has an invalid time: {reading.at}", help=MAKE_AGAIN) from None
    return saved.readings


def check_files(file: SavedFile, compilation: Compilation, shown: str) -> None:
    """Raise RefusedError if publishing now would change files otherwise than the plan says, or than it shows."""
    paths = changed_files(file.saved.changes, compilation.files)
    if paths:
        raise _refusal(f"{_list_first([f'`{path}`' for path in paths])} would not become what the plan says", shown)
    if saved_bytes(plan_value(compilation.plan), file.saved)[0] != file.data:
        raise _refusal("what the plan shows is not what it would publish", shown)


def check_expected(file: SavedFile, expected: str, shown: str) -> None:
    """Raise RefusedError if the plan has another digest."""
    if file.digest != expected:
        raise RefusedError(
            f"this is another plan: its digest is {file.digest}, not {expected}; nothing was published",
            origin=FileOrigin(shown),
            help="publish the plan that was reviewed, or review this one",
        )


def age_of(saved: Saved, now: datetime) -> tuple[float, str]:
    """Return the plan's age in seconds, and a sentence about it.

    The age counts from when the plan was made, or from the end of the day for which it judges waivers, whichever is
    earlier. A day ends when it has ended everywhere on Earth. Raises UsageError for an invalid or future time.
    """
    try:
        seconds = (now - time_of(saved.made)).total_seconds()
    except ValueError:
        raise UsageError(f"the saved plan has an invalid time: {saved.made}", help=MAKE_AGAIN) from None
    if seconds < -CLOCK_SKEW:
        raise UsageError(f"the saved plan was made in the future ({saved.made}): a clock is wrong", help=MAKE_AGAIN)
    day = options_of(saved.basis).today
    over = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + _LONGEST_DAY
    text = f"The plan was made {describe_duration(max(0.0, seconds))} ago ({saved.made})"
    since = now.timestamp() - over
    if since > seconds:
        text += f"; waivers and overrides count as of {day.isoformat()}, {describe_duration(since)} ago"
    return max(0.0, seconds, since), text


def check_age(saved: Saved, limit: float, now: datetime, shown: str) -> None:
    """Raise RefusedError if the plan, or the day for which it judges waivers, is older than `limit` seconds."""
    seconds, text = age_of(saved, now)
    if seconds > limit:
        message = f"{text[0].lower()}{text[1:]}: --max-age allows {describe_duration(limit)}; nothing was published"
        raise RefusedError(message, origin=FileOrigin(shown), help=MAKE_AGAIN)


def _list_first(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _refusal(message: str, shown: str) -> RefusedError:
    return RefusedError(f"{message}; nothing was published", origin=FileOrigin(shown), help=MAKE_AGAIN)
