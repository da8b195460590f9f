"""How hostile text is made safe to show, on a terminal and in files that people review."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from frostline.model import FileOrigin, Finding, Origin, Severity

__all__ = [
    "UNPRINTABLE",
    "Finding",
    "Severity",
    "canonical_line",
    "canonical_lines",
    "harmless",
    "origin_value",
    "printable",
    "reviewable",
    "typed",
]

# Everything a terminal, a log or a reviewer's eye could take for something else: C0, DEL and C1 controls (ANSI starts
# with ESC or U+009B), soft hyphen, zero-width and bidirectional controls, line and paragraph separators, BOM,
# lone surrogates, tags (Unicode TR 36, TR 9; "Trojan Source", CVE-2021-42574).
UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
"""These characters as ranges, for the brackets of a regular expression."""

_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")


def printable(text: str) -> str:
    """`text` on one line, with every control and invisible character written as an escape such as `\\x1b`."""
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


# What a CI system that reads the log takes for a command of ours: GitHub runners `::name` at a line's start and
# `##[name` anywhere in it, Azure Pipelines `##vso[` anywhere.
_COMMAND = re.compile(r"^(?=\s*::)|(?<=#)(?=#\[|#vso\[)")


def harmless(text: str) -> str:
    """`text` as `printable` gives it, and nothing in it that a CI system takes for a command of ours."""
    return _COMMAND.sub(r"\\", printable(text))


def reviewable(text: str) -> str:
    """JSON text of the same value, with a \\u escape for each character that a reviewer could not see."""
    return _UNPRINTABLE.sub(lambda found: json.dumps(found.group())[1:-1], text)


_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def canonical_line(value: Any) -> bytes:
    """`value` as one line of JSON: compact, fields in their given order, UTF-8, safe to review; without its newline."""
    line = _encode(value)
    if line.isascii() and b"\x7f" not in line:
        return line
    return reviewable(line.decode()).encode()


_LINES = 1000
"""Values that are encoded in one call."""


def canonical_lines(values: Sequence[Any]) -> Iterator[bytes]:
    """`canonical_line` of each value with its newline, many lines at a time."""
    for start in range(0, len(values), _LINES):
        part = values[start : start + _LINES]
        lines = _encode_lines(part)
        if lines.isascii() and b"\x7f" not in lines:
            yield lines
        else:
            yield b"".join([canonical_line(value) + b"\n" for value in part])


def origin_value(origin: Origin | None) -> dict[str, Any] | None:
    """An origin as JSON values (schemas/report.schema.json)."""
    if origin is None:
        return None
    if isinstance(origin, FileOrigin):
        return {"file": origin.path, "line": origin.line, "column": origin.column}
    return {
        "source": origin.source,
        "datacenter": origin.datacenter,
        "namespace": origin.namespace,
        "node": origin.node,
        "id": origin.id,
    }


def typed(path: Path) -> str:
    """`path` as users would type it: relative where it lies below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
