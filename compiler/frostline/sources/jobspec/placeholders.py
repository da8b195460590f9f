"""Keep placeholders for variables that only the client knows (`${NOMAD_PORT_http}`) as text."""

from __future__ import annotations

import re

from frostline.hcl.nodes import GetAttr, GetIndex, Traversal
from frostline.hcl.source import HclError, Source
from frostline.hcl.values import Value, string

# Possessive: a comment before the key must not be read again for each of its bytes. Only single characters are, since
# Python before 3.11.5 matches too much with possessive groups (python/cpython#106052).
_KEY = re.compile(rb'\[[^"\]]*+("[^"\\]*+(?:\\.[^"\\]*+)*")?[^"\]]*+\]', re.DOTALL)
_MOST_BRACES = 32
"""Each closing brace repeats the text before it (see `placeholder`), so the text grows fast."""
_SPACE = re.compile(rb"\.?\s*")


def placeholder(traversal: Traversal, source: Source) -> Value:
    """Return the traversal's text in `${` and `}`: as the file has them, with the spaces next to them, or added.

    This follows Nomad's parser (jobspec2's UndefinedVariable), with its quirk: it looks for the closing brace from the
    second byte after the traversal, and includes all braces that follow.
    """
    data = source.data
    start, end = traversal.offset, _end(traversal, data)
    text = data[start:end]
    opening = start - 1
    while opening >= 1 and data[opening] == 0x20:
        opening -= 1
    if opening < 1 or data[opening - 1 : opening + 1] != b"${":
        return string("${" + text.decode("utf-8", "replace") + "}")
    text = data[opening - 1 : end]
    braces = 0
    for index in range(end + 1, len(data)):
        if data[index : index + 1] == b"}":
            braces += 1
            if braces > _MOST_BRACES:
                raise HclError(f"more than {_MOST_BRACES} closing braces behind a placeholder", source.place(index))
            text += data[end:index]
        elif data[index : index + 1] != b" ":
            text += b"}"
            break
    return string(text.decode("utf-8", "replace"))


def _end(traversal: Traversal, data: bytes) -> int:
    """Return the offset after the last step, whose key is a literal."""
    if not traversal.steps:
        return traversal.offset + len(traversal.root.encode())
    last = traversal.steps[-1]
    if isinstance(last, GetIndex) and data[last.offset : last.offset + 1] == b"[":
        key = _KEY.match(data, last.offset)
        return key.end() if key else last.offset + 1
    dot = _SPACE.match(data, last.offset)
    name = dot.end() if dot else last.offset
    if isinstance(last, GetAttr):
        return name + len(last.name.encode())
    digits = re.compile(rb"[0-9]*").match(data, name)
    return digits.end() if digits else name
