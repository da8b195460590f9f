"""Escapes in quoted strings: `\\n`, `\\u00e9`, `$${`."""

from __future__ import annotations

import re

from frostline.hcl.source import HclError, Source

_ESCAPE = re.compile(rb"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[nrt\"\\])|\\.?|\$\$\{|%%\{", re.DOTALL)
_SIMPLE = {b"\\n": "\n", b"\\r": "\r", b"\\t": "\t", b'\\"': '"', b"\\\\": "\\", b"$${": "${", b"%%{": "%{"}


def unescape(source: Source, start: int, end: int) -> str:
    """Resolve the escapes between these offsets. Raises HclError for an unknown escape."""
    data = source.data[start:end]
    if b"\\" not in data and b"{" not in data:
        return data.decode()
    pieces: list[str] = []
    last = 0
    for match in _ESCAPE.finditer(data):
        pieces.append(data[last : match.start()].decode())
        pieces.append(_character(match[0], start + match.start(), source))
        last = match.end()
    pieces.append(data[last:].decode())
    return "".join(pieces)


def _character(escape: bytes, offset: int, source: Source) -> str:
    if escape in _SIMPLE:
        return _SIMPLE[escape]
    if escape[:2] in (b"\\u", b"\\U") and len(escape) > 2:
        code = int(escape[2:], 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise HclError("there is no such character", source.place(offset))
        return chr(code)
    raise HclError(
        "there is no such escape",
        source.place(offset),
        'the escapes are \\n \\r \\t \\" \\\\ \\uNNNN \\UNNNNNNNN, and $${ and %%{',
    )
