"""The result of `check --reach`, as lines for a person and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.canonical import origin_value
from frostline.model import version_label
from frostline.pipeline.check.reach import Reach
from frostline.text import pluralize

MOST_LISTED = 20
"""Endpoints that the text format shows. The other formats show all."""


def reach_lines(reach: Reach) -> Iterator[str]:
    """Yield the first endpoints that take no connection, and how many take one. The lines are not escaped."""
    for missed in reach.unreached[:MOST_LISTED]:
        yield f"{missed.key.service} {version_label(missed.key.version)} {missed.url}: {missed.reason}"
    if len(reach.unreached) > MOST_LISTED:
        yield f"and {len(reach.unreached) - MOST_LISTED} more, which `--format json` lists"
    verb = "takes" if reach.reached == 1 else "take"
    waived = f"; {reach.waived} waived" if reach.waived else ""
    yield f"{reach.reached} of {pluralize(reach.endpoints, 'endpoint')} {verb} a connection{waived}."


def reach_value(reach: Reach) -> dict[str, Any]:
    """Return the same as JSON values (schemas/report.schema.json)."""
    return {
        "endpoints": reach.endpoints,
        "reached": reach.reached,
        "unreached": [
            {
                "service": missed.key.service,
                "version": missed.key.version,
                "url": missed.url,
                "reason": missed.reason,
                "origin": origin_value(missed.origin),
            }
            for missed in reach.unreached
        ],
    }
