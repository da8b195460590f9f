"""Whether a lock reads back as it is written: nothing is written that is not read back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise, starmap
from operator import attrgetter, ge
from typing import Any

from frostline.errors import SourceError
from frostline.lock.codec import describe_segment
from frostline.model import Lock, Snapshot

_HIGHEST = {"weight": (0, 2**31), "port": (-(2**63), 2**63 - 1)}
"""What a line of the lock takes (see Instance)."""


def check_readable(lock: Lock) -> None:
    """SourceError: a line is there twice or out of order, or a number is one that no lock takes.

    A source of another package may give these; the types of its values are checked where it gives them. It takes a
    quarter of what parsing the lock takes.
    """
    for snapshot in lock.snapshots:
        for lines in (snapshot.instances, snapshot.declared, snapshot.upstreams):
            if not _ascends(lines):
                raise _unreadable(snapshot, "a line is there twice, or out of order")
        for name, (lowest, highest) in _HIGHEST.items():
            numbers = [*map(attrgetter(name), snapshot.instances)]
            if numbers and not (lowest <= min(numbers) and max(numbers) <= highest):
                raise _unreadable(snapshot, f"a {name} is not from {lowest} to {highest}")


def _ascends(lines: Iterable[Any]) -> bool:
    return not any(starmap(ge, pairwise(line.sort_key() for line in lines)))


def _unreadable(snapshot: Snapshot, reason: str) -> SourceError:
    return SourceError(
        f"{describe_segment(snapshot.segment)}: what the source answers cannot be read back from a lock: {reason}",
        help="correct it where it is registered, or leave it out with `select.services`",
    )
