"""Findings: what a check says of the registry; and how hostile text is made safe to show on a terminal."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from frostline.model import FileOrigin, InstanceOrigin

Severity = Literal["error", "warning"]

# Everything a terminal, a log or a reviewer's eye could take for something else: C0, DEL and C1 controls (ANSI starts
# with ESC or U+009B), soft hyphen, zero-width and bidirectional controls, line and paragraph separators, BOM,
# lone surrogates, tags (Unicode TR 36, TR 9; "Trojan Source", CVE-2021-42574).
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """`text` on one line, with every control and invisible character written as an escape such as `\\x1b`."""
    return _UNPRINTABLE.sub(lambda found: ascii(found.group())[1:-1], text)


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a check says of the registry.

    rule: a stable word, e.g. `port-zero`, by which waivers and reports name it.
    service, version: the registry's key that it is about; service None where it is about the whole.
    message: one sentence; may quote hostile text as it is (reporters escape).
    """

    rule: str
    message: str
    severity: Severity = "error"
    service: str | None = None
    version: str | None = None
    value: str | None = None
    origin: FileOrigin | InstanceOrigin | None = None
    help: str | None = None

    def sort_key(self) -> tuple[str, ...]:
        """Errors first, then by service, version, rule, message and place."""
        return (
            self.severity,
            self.service or "",
            self.version or "",
            self.rule,
            self.message,
            str(self.origin or ""),
        )
