"""Datacenters that are in the lock but that their server no longer knows."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec.structs import replace

from frostline.allow_words import allow_words, with_words_for_all
from frostline.checks.guards.consent import allows_segment
from frostline.errors import ErrorGroup, SourceError
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.settings import Allow, LiveSettings, ServerSettings
from frostline.sources.base import ReadResult, reads_segment, segment_lists
from frostline.text import list_names, quote


def vanished(
    settings: LiveSettings, reading: ReadResult, committed: CommittedLock, allow: Allow
) -> dict[str, SourceError]:
    """Return name -> error of each datacenter that the lock has and the settings take, but the server no longer knows.

    Such a datacenter counts as unreachable until `--allow empty=SOURCE/DATACENTER` says that it is gone.
    """
    read = {answer.datacenter for answer in reading.answers} | {*reading.unreachable}
    found: dict[str, SourceError] = {}
    for source, datacenter, namespace in committed.segments:
        if source != settings.name or datacenter in read or allows_segment(allow, source, datacenter):
            continue
        key = _listing_key(settings, datacenter, namespace)
        if key is not None and reads_segment(settings, datacenter, namespace):
            found[datacenter] = _vanished_error(settings, key, datacenter)
    return found


def _listing_key(settings: LiveSettings, datacenter: str, namespace: str) -> str | None:
    """Return the key of the source whose globs chose this datacenter among those that the server knows.

    None if no such key is configured.
    """
    for key, listed in segment_lists(settings).items():
        # A key that lists namespaces gives another name for another namespace.
        name, elsewhere = (listed.name_of(datacenter, text) for text in (namespace, f"{namespace}-"))
        if name is not None and name == elsewhere and getattr(settings, key):
            return key
    return None


def _vanished_error(settings: LiveSettings, key: str, datacenter: str) -> SourceError:
    without = json.dumps([*getattr(settings, key), f"!{datacenter}"])
    consent = allow_words("empty", [f"{settings.name}/{datacenter}"])
    return SourceError(
        f"source {settings.name}: {key.removesuffix('s')} {quote(datacenter)} is in the lock, and "
        f"{settings.type.capitalize()} no longer knows it",
        origin=settings.origin,
        help=f"join it again, or keep what the lock has with `--allow partial`; if it is gone for good, write "
        f"`{key}: {without}`, or rerun with `--allow {consent}`",
    )


def with_vanished(settings: LiveSettings, reading: ReadResult, gone: Mapping[str, SourceError]) -> ReadResult:
    """Return the reading with these datacenters as unreachable.

    Raises SourceError, or an ErrorGroup, if the source has no `partial`.
    """
    if not gone:
        return reading
    if not (isinstance(settings, ServerSettings) and settings.partial):
        errors = [gone[name] for name in sorted(gone)]
        scopes = [f"{settings.name}/{name}" for name in sorted(gone)]
        errors[0].help = with_words_for_all(errors[0].help or "", "empty", scopes)
        raise errors[0] if len(errors) == 1 else ErrorGroup(errors)
    warnings = [
        f"{gone[name].message}; {list_names([name])} keeps what the lock has (`partial`)" for name in sorted(gone)
    ]
    return replace(
        reading,
        unreachable=tuple(sorted({*reading.unreachable, *gone})),
        warnings=(*reading.warnings, *warnings),
    )
