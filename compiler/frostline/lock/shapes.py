"""The settings that shaped a segment, as the lock keeps them: a digest of all of them, and those not at their default.

A shape is what `sources.base.answer_shape` returns: key -> JSON value; some values are mappings (`select`, `keep`). The
lock may be edited, so the settings that it names count only if they give the digest that it names too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from frostline.canonical import digest_of_json
from frostline.model import Snapshot

MOST_BYTES = 16_384
"""Size limit of one segment's settings as JSON. Of larger ones (thousands of names), the lock keeps only the digest."""

Shape = Mapping[str, Any]


def settings_digest(shape: Shape) -> str:
    """Return `sha256:…` of the settings that shaped an answer; equal settings give equal digests."""
    return digest_of_json(shape)


def settings_of_note(shape: Shape, default: Shape) -> dict[str, Any]:
    """Return the settings that differ from the default shape, sorted by key; of a mapping, only its differing parts.

    Returns {} if that would take more than MOST_BYTES.
    """
    plain, defaults = _plain(shape), _plain(default)
    different: dict[str, Any] = {}
    for key, value in plain.items():
        usual = defaults.get(key)
        if isinstance(value, dict) and isinstance(usual, dict):
            value = {name: part for name, part in value.items() if name not in usual or part != usual[name]}
            if value:
                different[key] = value
        elif key not in defaults or value != usual:
            different[key] = value
    return different if len(msgspec.json.encode(different)) <= MOST_BYTES else {}


def shape_of(snapshot: Snapshot, default: Shape) -> dict[str, Any] | None:
    """Return the settings that shaped the snapshot; None if the lock lacks them (an older lock, or too many bytes)."""
    shape = _plain(default)
    for key, value in snapshot.shaped_by.items():
        usual = shape.get(key)
        shape[key] = {**usual, **value} if isinstance(usual, dict) and isinstance(value, dict) else value
    return shape if settings_digest(shape) == snapshot.settings else None


def changed_settings(shape: Shape, other: Shape) -> Iterator[str]:
    """Yield the names of the settings that differ between two shapes, sorted: `address`, `select.tags`."""
    plain, other_plain = _plain(shape), _plain(other)
    for key in sorted({*plain, *other_plain}):
        value, other_value = plain.get(key), other_plain.get(key)
        if isinstance(value, dict) and isinstance(other_value, dict):
            names = sorted({*value, *other_value})
            yield from (f"{key}.{name}" for name in names if value.get(name) != other_value.get(name))
        elif value != other_value:
            yield key


def _plain(shape: Shape) -> dict[str, Any]:
    """Convert the shape to JSON values, with every mapping sorted by key."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(shape, order="sorted"))
    return plain
