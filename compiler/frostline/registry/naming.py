"""Naming: from a registered name to (service, version), and from an instance to its URL.

Everything in a URL that is not the pattern's own text is percent-encoded (RFC 3986), so that no name, tag or meta
value can add a path, a query or a user to it; IPv6 addresses stand in brackets (RFC 3986 3.2.2), their zone as %25
(RFC 6874).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from ipaddress import IPv6Address
from urllib.parse import quote

from frostline.model import UNVERSIONED, Finding, Instance, Key, Origin
from frostline.patterns import Placeholder, has_dot_segment, parse
from frostline.settings import Naming, VersionFrom

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")  # RFC 3986 3.1

Splitter = Callable[[str, tuple[str, ...], Mapping[str, str]], tuple[Key, ...]]
"""(registered name, tags, meta) -> the (service, version)s that it stands for. Without `version_from` by name only."""


def splitter_of(naming: Naming) -> Splitter:
    """How these settings read (service, version) from an instance."""
    version_from = naming.version_from
    if version_from.meta is None and version_from.tag is None:
        split = name_splitter(naming.patterns, naming.version_pattern)
        return lambda name, tags, meta: (split(name),)
    return lambda name, tags, meta: tuple(Key(name, version) for version in _versions(version_from, tags, meta))


def _versions(version_from: VersionFrom, tags: tuple[str, ...], meta: Mapping[str, str]) -> list[str | None]:
    if version_from.meta is not None:
        return [meta.get(version_from.meta) or None]
    matches = (re.fullmatch(version_from.tag or "", tag) for tag in tags)
    found = {match.group(1) for match in matches if match and match.group(1)}
    return [*sorted(found)] if found else [None]


def name_splitter(patterns: tuple[str, ...], version_pattern: str) -> Callable[[str], Key]:
    """A function from a registered name to (service, version): the first pattern that fits the whole name.

    A name that fits none is the service, without a version.
    """
    compiled = [re.compile(_pattern_regex(pattern, version_pattern), re.DOTALL) for pattern in patterns]

    @cache
    def split(name: str) -> Key:
        for pattern in compiled:
            if match := pattern.fullmatch(name):
                return Key(match.group("service"), match.groupdict().get("version"))
        return Key(name, None)

    return split


def _pattern_regex(pattern: str, version_pattern: str) -> str:
    groups = {"service": "(?P<service>.+)", "version": f"(?P<version>{version_pattern})"}
    return "".join(re.escape(part) if isinstance(part, str) else groups[part.name] for part in parse(pattern))


class UrlFinding(Exception):
    """Why an instance has no URL: a rule, a sentence, a way out."""

    def __init__(self, rule: str, message: str, help: str) -> None:
        super().__init__(message)
        self.rule, self.message, self.help = rule, message, help


Value = Callable[[Instance], str | int]
"""What an instance's URL has in place of a placeholder. UrlFinding: the instance has no such value."""

Filled = tuple[str, tuple[tuple[Value, str], ...]]
"""A URL pattern filled with all but the instance: the text it begins with, then values of the instance, each with the
text after it."""


class UrlMaker:
    """Makes the URLs of one source's instances from its two patterns."""

    def __init__(self, naming: Naming) -> None:
        self._versioned = _with_base(parse(naming.url))
        self._unversioned = _with_base(parse(naming.unversioned_url))
        self.filled = lru_cache(maxsize=1024)(self._filled)

    def url(self, service: str, version: str | None, instance: Instance, datacenter: str, namespace: str) -> str:
        """The URL of this instance as (service, version). UrlFinding: it cannot have one."""
        return url_of(self.filled(service, version, datacenter, namespace), instance)

    def _filled(self, service: str, version: str | None, datacenter: str, namespace: str) -> Filled:
        pattern = self._unversioned if version is None else self._versioned
        known = {"service": service, "version": version or "", "datacenter": datacenter, "namespace": namespace}
        values: list[Value] = []
        texts = [""]
        for part in pattern:
            if isinstance(part, str):
                texts[-1] += part
            elif part.name in known:
                texts[-1] += quoted(known[part.name])
            else:
                values.append(_VALUES[part.name](part.key or ""))
                texts.append("")
        return texts[0], tuple(zip(values, texts[1:], strict=True))


def url_of(filled: Filled, instance: Instance) -> str:
    """The URL of this instance. UrlFinding: it cannot have one."""
    url, rest = filled
    for value, text in rest:
        url += f"{value(instance)}{text}"
    if "/." in url and has_dot_segment(url):
        raise UrlFinding(
            "url-dot-segment",
            f"its URL `{url}` has a path segment `.` or `..`, which clients remove",
            "leave the instance out with `select`, or change the pattern `url`",
        )
    return url


_BASE = "{scheme}://{address}:{port}"
"""What most patterns begin with, and the name of the placeholder that takes its place: no pattern can hold it."""


def _with_base(pattern: tuple[str | Placeholder, ...]) -> tuple[str | Placeholder, ...]:
    """The same pattern, its base as one placeholder: one value costs less than three."""
    base = parse(_BASE)
    return (Placeholder(_BASE), *pattern[len(base) :]) if pattern[: len(base)] == base else pattern


@lru_cache(maxsize=65536)
def quoted(text: str) -> str:
    """`text` percent-encoded for any part of a URL: only unreserved characters stay (RFC 3986 2.3)."""
    return quote(text, safe="")


def _address(instance: Instance) -> str:
    if not instance.address:
        raise UrlFinding(
            "address-missing",
            "it has no address of the kind that `address_from` names",
            "register the address, or change `address_from`",
        )
    return host_text(instance.address)


@lru_cache(maxsize=65536)
def host_text(address: str) -> str:
    """An address or host name as the host of a URL."""
    if ":" not in address:
        return quoted(address)
    host, _, zone = address.partition("%")
    try:
        IPv6Address(host)
    except ValueError:
        return quoted(address)
    return f"[{host}%25{quoted(zone)}]" if zone else f"[{host}]"


def _port(instance: Instance) -> int:
    if instance.port == 0:
        raise UrlFinding(
            "port-zero",
            "it is registered without a port (0), and its URL pattern has {port}",
            "register its port, write one in the pattern `url`, or leave the service out with `select.services`",
        )
    return instance.port


def _scheme(instance: Instance) -> str:
    scheme = instance.meta.get("scheme")
    if not scheme:
        return "http"
    if not _SCHEME.fullmatch(scheme):
        raise UrlFinding(
            "scheme-invalid",
            f"its meta `scheme` is `{scheme}`, which is no URL scheme",
            "correct the meta value, or write the scheme in the pattern `url`",
        )
    return scheme


def _meta(key: str, instance: Instance) -> str:
    value = instance.meta.get(key)
    if not value:
        raise UrlFinding(
            "meta-missing",
            f"it has no meta `{key}`, and its URL pattern has {{meta[{key}]}}",
            "register the value, keep it (`keep.meta`), or change the pattern `url`",
        )
    return quoted(value)


def _tag(key: str, instance: Instance) -> str:
    prefix = f"{key}="
    for tag in instance.tags:
        if tag.startswith(prefix) and tag != prefix:
            return quoted(tag[len(prefix) :])
    raise UrlFinding(
        "tag-missing",
        f"it has no tag `{key}=…`, and its URL pattern has {{tag[{key}]}}",
        "register the tag, keep it (`keep.tags`), or change the pattern `url`",
    )


def _node(instance: Instance) -> str:
    return quoted(instance.node)


def _base(instance: Instance) -> str:
    scheme = _scheme(instance) if "scheme" in instance.meta else "http"
    host = host_text(instance.address) if instance.address else _address(instance)
    return f"{scheme}://{host}:{instance.port or _port(instance)}"


_VALUES: Mapping[str, Callable[[str], Value]] = {
    _BASE: lambda key: _base,
    "node": lambda key: _node,
    "address": lambda key: _address,
    "port": lambda key: _port,
    "scheme": lambda key: _scheme,
    "meta": lambda key: partial(_meta, key),
    "tag": lambda key: partial(_tag, key),
}


def reserved_version(service: str, origin: Origin | None) -> Finding:
    """The finding of a version that is really named as the registry writes "no version"."""
    return Finding(
        rule="version-unversioned",
        service=service,
        version=UNVERSIONED,
        message=f"a version is named `{UNVERSIONED}`, the word for services without a version",
        origin=origin,
        help="rename the version where it is registered",
    )
