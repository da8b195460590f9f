"""Characters as cty counts them: grapheme clusters (Unicode, annex 29)."""

from __future__ import annotations

import regex

from frostline.hcl.functions.base import FunctionError

MOST_CHARACTERS = 16 * 2**20
"""The longest text that a function may return."""

_CLUSTER = regex.compile(r"\X")

GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The characters of Go's unicode.IsSpace; Python's `strip` removes four more."""


def clusters(text: str) -> list[str]:
    """Split a text into the characters that people see."""
    if text.isascii() and "\r" not in text:
        return list(text)
    return _CLUSTER.findall(text)


def count(text: str) -> int:
    return len(text) if text.isascii() and "\r" not in text else len(_CLUSTER.findall(text))


def check_size(size: int) -> None:
    """Raise FunctionError if a text of this size is too long for a result."""
    if size > MOST_CHARACTERS:
        raise FunctionError(f"the result is longer than {MOST_CHARACTERS} characters")
