"""Patterns with placeholders, as in the configuration's `naming` and `url`: `{service}-{version}`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_END_OF_KEY = re.compile(r"\](?=[|}])")
_QUERY_OR_FRAGMENT = re.compile("[?#]")
_DOT = re.compile("%2e", re.IGNORECASE)


class Placeholder(Struct, frozen=True):
    """`{name}`, or `{name[key]}`. The key is any text without `]}` and `]|`.

    default: the default in `{name[key]|default}`, used where the value is missing: any text without `}`.
    is_reserved: written as `{+name[key]}`: the value keeps the characters that structure a URL (reserved expansion,
    RFC 6570 3.2.3).
    """

    name: str
    key: str | None = None
    default: str | None = None
    is_reserved: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is `{name}`, without key, default and `+`."""
        return self == Placeholder(self.name)

    def __str__(self) -> str:
        key = "" if self.key is None else f"[{self.key}]"
        default = "" if self.default is None else f"|{self.default}"
        return f"{{{'+' if self.is_reserved else ''}{self.name}{key}{default}}}"


class PatternError(ValueError):
    """The pattern is invalid. position: the index of the wrong character, from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def parse(pattern: str) -> tuple[str | Placeholder, ...]:
    """Split a pattern into literals and placeholders, in order. `{{` and `}}` are literal braces; no literal is empty.

    The caller decides which placeholders are allowed. Raises PatternError.
    """
    parts: list[str | Placeholder] = []
    literal = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character in "{}" and pattern[position : position + 2] == character * 2:
            literal += character
            position += 2
        elif character == "}":
            raise PatternError("a `}` without a `{` before it", position)
        elif character == "{":
            if literal:
                parts.append(literal)
                literal = ""
            placeholder, position = _placeholder(pattern, position)
            parts.append(placeholder)
        else:
            literal += character
            position += 1
    return (*parts, literal) if literal else tuple(parts)


def _placeholder(pattern: str, start: int) -> tuple[Placeholder, int]:
    """Parse the placeholder whose `{` is at `start`; return it and the position after its `}`."""
    is_reserved = pattern[start + 1 : start + 2] == "+"
    name = _NAME.match(pattern, start + 1 + is_reserved)
    if name is None:
        raise PatternError("a `{` without a name after it", start)
    end = name.end()
    if pattern[end : end + 1] == "}":
        return Placeholder(name.group(), is_reserved=is_reserved), end + 1
    if pattern[end : end + 1] != "[":
        raise PatternError("a `{` without its `}`", start)
    close = _END_OF_KEY.search(pattern, end + 1)
    if close is None:
        raise PatternError("a `[` without its `]}`", end)
    key = pattern[end + 1 : close.start()]
    if not key:
        raise PatternError("a `[]` without a key", end)
    if pattern[close.end()] == "}":
        return Placeholder(name.group(), key, is_reserved=is_reserved), close.end() + 1
    stop = pattern.find("}", close.end())
    if stop < 0:
        raise PatternError("a `{` without its `}`", start)
    return Placeholder(name.group(), key, pattern[close.end() + 1 : stop], is_reserved), stop + 1


def host_and_port(url: str) -> tuple[str, int]:
    """Return the host of an absolute URL, without brackets, and its port.

    A URL without a port has its scheme's default port, or 0 if the scheme has no default.
    """
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    host = parts.netloc.rpartition("@")[2]  # `.hostname` would lower its case
    if host.startswith("["):
        return host[1:].partition("]")[0].replace("%25", "%"), port  # RFC 6874: a zone's % is %25 in a URL
    return host.partition(":")[0], port


def has_dot_segment(url: str) -> bool:
    """Whether the path of an absolute URL has a segment `.` or `..`; a dot may be written as `%2e`.

    Clients remove such segments before they send a request (RFC 3986 5.2.4), so they would call another service.
    """
    before_query = _QUERY_OR_FRAGMENT.split(url, maxsplit=1)[0]
    path = before_query.partition("://")[2].partition("/")[2]
    return any(_DOT.sub(".", segment) in (".", "..") for segment in path.split("/"))
