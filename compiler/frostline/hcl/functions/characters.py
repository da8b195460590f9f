"""What a character is: a grapheme cluster (Unicode, annex 29), as cty counts, cuts and turns texts."""

from __future__ import annotations

import regex

from frostline.hcl.functions.base import FunctionError

MOST_CHARACTERS = 16 * 2**20
"""The longest text that a function makes."""

_CLUSTER = regex.compile(r"\X")

GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's unicode.IsSpace takes for a space; Python's `strip` takes four controls besides."""


def clusters(text: str) -> list[str]:
    """The characters of a text as people see them."""
    if text.isascii() and "\r" not in text:
        return list(text)
    return _CLUSTER.findall(text)


def count(text: str) -> int:
    return len(text) if text.isascii() and "\r" not in text else len(_CLUSTER.findall(text))


def bounded(size: int) -> None:
    """FunctionError where a text of this size is not to be made."""
    if size > MOST_CHARACTERS:
        raise FunctionError(f"the result is longer than {MOST_CHARACTERS} characters")
