"""Checking that a lock can be read back before it is written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, starmap
from operator import attrgetter, ge
from typing import Any

from frostline.errors import SourceError
from frostline.lock.codec import describe_segment
from frostline.model import Lock, Snapshot

_BOUNDS = {"weight": (0, 2**31), "port": (-(2**63), 2**63 - 1)}
"""The lowest and highest value that a line of the lock can hold (see `Instance`)."""


def check_readable(lock: Lock) -> None:
    """Raise SourceError if a line is duplicated or out of order, or if a number is out of bounds.

    Only a plug-in's source can cause this; the types of its values have been checked already. The check takes a quarter
    of the time of parsing the lock.
    """
    for snapshot in lock.snapshots:
        for lines in (snapshot.instances, snapshot.declared, snapshot.upstreams):
            if not _ascends(lines):
                raise _unreadable(snapshot, "a line is duplicated or out of order")
        for name, (lowest, highest) in _BOUNDS.items():
            numbers = [*map(attrgetter(name), snapshot.instances)]
            if numbers and not (lowest <= min(numbers) and max(numbers) <= highest):
                raise _unreadable(snapshot, f"a {name} is not from {lowest} to {highest}")


def _ascends(lines: Iterable[Any]) -> bool:
    return not any(starmap(ge, pairwise(line.sort_key() for line in lines)))


def _unreadable(snapshot: Snapshot, reason: str) -> SourceError:
    return SourceError(
        f"{describe_segment(snapshot.segment)}: a lock cannot hold the source's answer: {reason}",
        help="correct it where it is registered, or leave it out with `select.services`",
    )
