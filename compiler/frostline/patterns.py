"""Patterns with placeholders, as `naming` and `url` of the configuration have them: `{service}-{version}`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_QUERY_OR_FRAGMENT = re.compile("[?#]")


class Placeholder(Struct, frozen=True):
    """`{name}`, or `{name[key]}`. The key is any text without `]}`."""

    name: str
    key: str | None = None

    def __str__(self) -> str:
        return f"{{{self.name}}}" if self.key is None else f"{{{self.name}[{self.key}]}}"


class PatternError(ValueError):
    """What is wrong with a pattern, and at which character (from 0)."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def parse(pattern: str) -> tuple[str | Placeholder, ...]:
    """The literals and placeholders of `pattern`, in order; `{{` and `}}` are literal braces. No literal is empty.

    Which placeholders mean something is for the caller to say. Raises PatternError.
    """
    parts: list[str | Placeholder] = []
    literal = ""
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign in "{}" and pattern[at : at + 2] == sign * 2:
            literal += sign
            at += 2
        elif sign == "}":
            raise PatternError("a `}` that closes nothing", at)
        elif sign == "{":
            if literal:
                parts.append(literal)
                literal = ""
            placeholder, at = _placeholder(pattern, at)
            parts.append(placeholder)
        else:
            literal += sign
            at += 1
    return (*parts, literal) if literal else tuple(parts)


def _placeholder(pattern: str, start: int) -> tuple[Placeholder, int]:
    """The placeholder whose `{` is at `start`, and the position after its `}`."""
    name = _NAME.match(pattern, start + 1)
    if name is None:
        raise PatternError("a `{` without a name after it", start)
    end = name.end()
    if pattern[end : end + 1] == "}":
        return Placeholder(name.group()), end + 1
    if pattern[end : end + 1] != "[":
        raise PatternError("a `{` that nothing closes", start)
    close = pattern.find("]}", end + 1)
    if close < 0:
        raise PatternError("a `[` that no `]}` closes", end)
    if close == end + 1:
        raise PatternError("a `[]` without a key", end)
    return Placeholder(name.group(), pattern[end + 1 : close]), close + 2


def host_and_port(url: str) -> tuple[str, int]:
    """The host of an absolute URL, without brackets, and its port; without one, the scheme's default port, or 0."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    host = parts.netloc.rpartition("@")[2]  # `.hostname` would be in lower case
    if host.startswith("["):
        return host[1:].partition("]")[0].replace("%25", "%"), port  # RFC 6874: a zone's % is %25 in a URL
    return host.partition(":")[0], port


def has_dot_segment(url: str) -> bool:
    """Whether the path of an absolute URL has a segment `.` or `..`.

    Clients remove such segments before they send a request (RFC 3986 5.2.4), and would call another service.
    """
    before_query = _QUERY_OR_FRAGMENT.split(url, maxsplit=1)[0]
    path = before_query.partition("://")[2].partition("/")[2]
    return any(segment in (".", "..") for segment in path.split("/"))
