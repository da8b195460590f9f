"""Makes the URLs of instances from a pattern; `url_values` gives the values of its placeholders.

IPv6 addresses stand in brackets (RFC 3986 3.2.2), their zone follows %25 (RFC 6874).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from frostline.addresses import INVALID, InvalidAddress, host_of
from frostline.model import Instance, Key
from frostline.patterns import Placeholder, has_dot_segment, parse
from frostline.registry.url_values import (
    Placement,
    UrlError,
    Value,
    address_of,
    encode_url_part,
    node_of,
    port_of,
    scheme_by,
    value_of,
)
from frostline.rules import DOT_SEGMENT
from frostline.settings import DEFAULT_SCHEME, Naming

_AUTHORITY = re.compile(r"[^:]*://([^/?#]*?)(?::[0-9]+)?(?:[/?#]|$)")
_ENDS_IN_PORT = re.compile(r"[^/?#]*:[0-9]+")


class FilledPattern(NamedTuple):
    """A URL pattern that lacks only the values of an instance.

    start: the text it begins with. rest: each value of the instance with the text that follows it. judges_host: True if
    the host contains values other than the address, so that the result may be an invalid host.
    """

    start: str
    rest: tuple[tuple[Value, str], ...]
    judges_host: bool = False


_KNOWN = ("service", "version", "datacenter", "namespace")
"""The placeholders that all instances of a (service, version) in one place share."""


class _PreparedPattern(NamedTuple):
    """A parsed URL pattern in which functions replace all placeholders except those of `_KNOWN`."""

    parts: tuple[str | Placeholder | Value, ...]
    judges_host: bool


class UrlMaker:
    """Makes the URLs of one source's instances from its two patterns."""

    def __init__(self, naming: Naming) -> None:
        self._scheme = scheme_by(naming.scheme, naming.schemes)
        self._base = _plain_base if naming.scheme == DEFAULT_SCHEME and not naming.schemes else _base_with(self._scheme)
        self._versioned = self._prepared(naming.url)
        self._unversioned = self._prepared(naming.unversioned_url)
        self.filled = lru_cache(maxsize=1024)(self._filled)

    def url(self, key: Key, instance: Instance, datacenter: str, namespace: str) -> str:
        """The URL of this instance as this (service, version). Raises UrlError."""
        return url_of(self.filled(key, datacenter, namespace), instance)

    def _prepared(self, pattern: str) -> _PreparedPattern:
        parts = _with_base(parse(pattern))
        return _PreparedPattern(
            tuple(
                part if isinstance(part, str) or part.name in _KNOWN else self._value(part, _placement(parts, index))
                for index, part in enumerate(parts)
            ),
            _has_other_host(parts),
        )

    def _filled(self, key: Key, datacenter: str, namespace: str) -> FilledPattern:
        pattern = self._unversioned if key.version is None else self._versioned
        known = (key.service, key.version or "", datacenter, namespace)
        values: list[Value] = []
        texts = [""]
        for part in pattern.parts:
            if isinstance(part, str):
                texts[-1] += part
            elif isinstance(part, Placeholder):
                texts[-1] += encode_url_part(known[_KNOWN.index(part.name)])
            else:
                values.append(part)
                texts.append("")
        return FilledPattern(texts[0], tuple(zip(values, texts[1:], strict=True)), pattern.judges_host)

    def _value(self, part: Placeholder, placement: Placement) -> Value:
        match part.name:
            case "meta" | "tag":
                return value_of(part, placement)
            case "scheme":
                return self._scheme
            case "node":
                return node_of
            case "address":
                return address_of
            case "port":
                return port_of
        return self._base


def _placement(pattern: Sequence[str | Placeholder], index: int) -> Placement:
    """Where the placeholder at this index stands."""
    part, before = pattern[index], pattern[index - 1] if index else ""
    is_last = index + 1 == len(pattern)
    after = "" if is_last else pattern[index + 1]
    so_far = "".join(map(_sample, pattern[:index])).partition("://")[2]
    is_reserved = isinstance(part, Placeholder) and part.is_reserved
    in_host = bool(so_far) and not re.search("[/?#]", so_far)
    return Placement(
        begins_path=in_host and (is_reserved or _ENDS_IN_PORT.fullmatch(so_far) is not None),
        after_slash=isinstance(before, str) and before.endswith("/"),
        before_slash=isinstance(after, str) and after.startswith("/"),
        at_end=is_last or (isinstance(after, str) and after.startswith(("/", "?", "#"))),
        is_last=is_last,
        in_query=re.search("[?#]", so_far) is not None,
    )


def _sample(part: str | Placeholder) -> str:
    """A sample text for this part of a pattern: a digit stands for a value, because it fits in a host and in a port."""
    if isinstance(part, str):
        return part
    return {"scheme": "http", _BASE: "http://1:1"}.get(part.name, "/1" if part.is_reserved else "1")


def _has_other_host(pattern: Sequence[str | Placeholder]) -> bool:
    """Whether the host of the pattern has placeholders other than the address."""
    text = ""
    for part in pattern:
        tail = text.partition("://")[2]
        if re.search("[/?#]", tail):
            return False
        text += _sample(part)
        if isinstance(part, Placeholder) and "://" in text and part.name not in ("address", "port", "scheme", _BASE):
            return not part.is_reserved and _ENDS_IN_PORT.fullmatch(tail) is None
    return False


def url_of(filled: FilledPattern, instance: Instance) -> str:
    """The URL of this instance. Raises UrlError."""
    url, rest, judges_host = filled
    for value, text in rest:
        url += f"{value(instance)}{text}"
    if ("/." in url or "/%2" in url) and has_dot_segment(url):
        raise UrlError(
            DOT_SEGMENT,
            f"its URL `{url}` has a path segment `.` or `..`, which clients remove",
            "leave the instance out with `select`, or change the pattern `url`",
        )
    if judges_host:
        _check_host(url)
    return url


def _check_host(url: str) -> None:
    """Raises UrlError if the pattern and its values make an invalid host."""
    match = _AUTHORITY.match(url)
    host = unquote(match[1]) if match else url
    try:
        host_of(host)
    except InvalidAddress as invalid:
        raise UrlError(
            INVALID,
            f"in its URL `{url}`, the host {invalid}",
            "change the host in the pattern `url`; a waiver of `address-invalid` leaves the instance out",
        ) from None


def plain_end(filled: FilledPattern) -> str | None:
    """The text after `{scheme}://{address}:{port}`; None if the pattern asks for anything else of an instance.

    With such a pattern, an instance without the meta value `scheme` has the scheme http.
    """
    start, rest, _ = filled
    if start or len(rest) != 1 or rest[0][0] is not _plain_base:
        return None
    end = rest[0][1]
    return end if "/." not in end and "/%2" not in end else None


_BASE = "{scheme}://{address}:{port}"
"""The text with which most patterns begin. It also names a placeholder for the three together; no user can write one
of that name."""


def _with_base(pattern: tuple[str | Placeholder, ...]) -> tuple[str | Placeholder, ...]:
    """The same pattern with its base as a single placeholder, because one value costs less time than three."""
    base = parse(_BASE)
    return (Placeholder(_BASE), *pattern[len(base) :]) if pattern[: len(base)] == base else pattern


def _base_with(scheme: Callable[[Instance], str]) -> Callable[[Instance], str]:
    return lambda instance: f"{scheme(instance)}://{address_of(instance)}:{port_of(instance)}"


_plain_base = _base_with(scheme_by(DEFAULT_SCHEME))
