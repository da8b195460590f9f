"""Saved plans: what a plan is made from, and whether that is unchanged when it is published."""

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
    """RefusedError: something that a plan is made from has changed since `basis` was taken, before all else was read.

    Such a plan would mix the old and the new.
    """
    if found := changed_inputs(basis, basis_of(config, options)):
        raise RefusedError(
            f"while the plan was made, {_listed(found)} changed; no plan was saved",
            origin=FileOrigin(display_path(config.path)),
            help="run it again: another run, or somebody else, is at work here",
        )


def save(compilation: Compilation, basis: Basis, made: datetime) -> tuple[bytes, str]:
    """The saved plan's bytes and digest. basis: as it was before anything else was read; made: now."""
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
    """What a plan that is made now depends on."""
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
    """How the plan was made. UsageError: its date is invalid."""
    try:
        return CompileOptions(only=basis.only, allow=basis.allow, today=date.fromisoformat(basis.today))
    except ValueError:
        raise UsageError(f"the saved plan has an invalid date: {basis.today}", help=MAKE_AGAIN) from None


def check_basis(config: Config, saved: Saved, shown: str) -> None:
    """RefusedError: something that the plan was made from has changed."""
    found = changed_inputs(saved.basis, basis_of(config, options_of(saved.basis)))
    if found:
        raise _refused(f"since the plan was made, {_listed(found)} changed", shown)


def new_lock(config: Config, saved: Saved, shown: str) -> Lock:
    """The lock that the plan holds. UsageError: it is not a lock, or was frozen with other settings."""
    lock = lock_store.parse_elsewhere(saved.new_lock.encode(), shown, MAKE_AGAIN)
    if live_sources(config):
        lock_merge.check_settings(lock, settings_digests(config), shown)
    return lock


def readings_in(saved: Saved) -> tuple[Reading, ...]:
    """What was read of the lock that the plan holds. UsageError: a time is invalid."""
    for reading in saved.readings:
        try:
            time_of(reading.at)
        except ValueError:
            raise UsageError(f"the saved plan has an invalid time: {reading.at}", help=MAKE_AGAIN) from None
    return saved.readings


def check_files(file: SavedFile, compilation: Compilation, shown: str) -> None:
    """RefusedError: publishing now would change other files than the plan says, or is not what the plan shows."""
    found = changed_files(file.saved.changes, compilation.files)
    if found:
        raise _refused(f"{_listed([f'`{path}`' for path in found])} would not become what the plan says", shown)
    if saved_bytes(plan_value(compilation.plan), file.saved)[0] != file.data:
        raise _refused("what the plan shows is not what it would publish", shown)


def check_expected(file: SavedFile, expected: str, shown: str) -> None:
    """RefusedError: the plan is not the one with this digest."""
    if file.digest != expected:
        raise RefusedError(
            f"this is another plan: its digest is {file.digest}, expected is {expected}; nothing was published",
            origin=FileOrigin(shown),
            help="publish the plan that was reviewed, or review this one",
        )


def age_of(saved: Saved, now: datetime) -> tuple[float, str]:
    """How many seconds ago the plan was made, or the day was over for which it judges waivers; and a sentence of both.

    A day is over when it is over everywhere on Earth. UsageError: there is no such time, or it has not come yet.
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
    """RefusedError: the plan, or the day for which it judges waivers, is older than so many seconds."""
    seconds, text = age_of(saved, now)
    if seconds > limit:
        message = f"{text[0].lower()}{text[1:]}: --max-age allows {describe_duration(limit)}; nothing was published"
        raise RefusedError(message, origin=FileOrigin(shown), help=MAKE_AGAIN)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _refused(message: str, shown: str) -> RefusedError:
    return RefusedError(f"{message}; nothing was published", origin=FileOrigin(shown), help=MAKE_AGAIN)
