"""The settings that shaped a segment, as the lock keeps them: a digest of all, and those that are not the default.

A shape is what `sources.base.answer_shape` gives: JSON values by key, some of them mappings (`select`, `keep`). The
lock is read as hostile: what it says of a segment's settings counts only where it gives the segment's digest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from frostline.canonical import digest_of_json
from frostline.model import Snapshot

MOST_BYTES = 16_384
"""JSON of one segment's settings. More than that, such as thousands of names, is not kept: only its digest is."""

Shape = Mapping[str, Any]


def settings_digest(shape: Shape) -> str:
    """`sha256:…` of the settings that shaped an answer; equal settings give equal digests."""
    return digest_of_json(shape)


def settings_of_note(shape: Shape, default: Shape) -> dict[str, Any]:
    """What differs from the default shape, in sorted order; of a mapping in both, what differs in it.

    {} where it would be more than MOST_BYTES.
    """
    now, usual = _plain(shape), _plain(default)
    found: dict[str, Any] = {}
    for key, value in now.items():
        before = usual.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {name: part for name, part in value.items() if name not in before or part != before[name]}
            if value:
                found[key] = value
        elif key not in usual or value != before:
            found[key] = value
    return found if len(msgspec.json.encode(found)) <= MOST_BYTES else {}


def shape_of(snapshot: Snapshot, default: Shape) -> dict[str, Any] | None:
    """The settings that shaped the snapshot; None where the lock does not say them (older, or too many)."""
    shape = _plain(default)
    for key, value in snapshot.shaped_by.items():
        before = shape.get(key)
        shape[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return shape if settings_digest(shape) == snapshot.settings else None


def changed_settings(shape: Shape, other: Shape) -> Iterator[str]:
    """The names of the settings that differ, sorted: `address`, `select.tags`."""
    one, two = _plain(shape), _plain(other)
    for key in sorted({*one, *two}):
        was, now = one.get(key), two.get(key)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from (f"{key}.{name}" for name in sorted({*was, *now}) if was.get(name) != now.get(name))
        elif was != now:
            yield key


def _plain(shape: Shape) -> dict[str, Any]:
    """The shape as JSON values, every mapping sorted by its keys."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shape, order="sorted"))
    return plain
