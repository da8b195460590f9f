"""Makes the URLs of instances from a pattern.

Everything in a URL that is not the pattern's own text is percent-encoded (RFC 3986), so that no name, tag or meta
value can add a path, a query or a user to it. IPv6 addresses stand in brackets (RFC 3986 3.2.2), their zone as %25
(RFC 6874).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from urllib.parse import quote

from frostline.addresses import HIGHEST_PORT, INVALID, PORT_INVALID, Host, InvalidAddress, host_of
from frostline.model import Finding, Instance, Key, Origin
from frostline.patterns import Placeholder, has_dot_segment, parse
from frostline.registry.named_ports import PORT_UNCHOSEN, unchosen_message
from frostline.rules import DOT_SEGMENT, Rule
from frostline.settings import Naming

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")  # RFC 3986 3.1

_EXAMPLE_INSTANCE = "mesh(datacenter=dc1, namespace=default, node=n1, id=shop-v1-1)"

ADDRESS_MISSING = Rule(
    name="address-missing",
    summary="an instance has no address, or none of the kind that `address_from` names",
    why="Not every instance registers every kind of address, such as `wan`. Without one there is nothing to call.",
    example=f"{_EXAMPLE_INSTANCE}: error[address-missing]: shop v1: "
    "it has no address\n"
    "  help: register it with an address; of a Consul source another kind may do (`address_from`)",
    mend="register it with an address; of a Consul source another kind may do (`address_from`)",
)
PORT_ZERO = Rule(
    name="port-zero",
    summary="an instance is registered without a port, but its URL pattern has {port}",
    why="Consul reports port 0 for a service that registers none. A URL with port 0 reaches nobody.",
    example=f"{_EXAMPLE_INSTANCE}: error[port-zero]: shop v1: "
    "it is registered without a port (0), but its URL pattern has {port}\n"
    "  help: register its port, write one in the pattern `url`, or leave the service out with `select.services`",
    mend="register its port, write one in the pattern `url`, or leave the service out with `select.services`",
)
SCHEME_INVALID = Rule(
    name="scheme-invalid",
    summary="the meta value `scheme` of an instance is not a URL scheme",
    why="The meta key `scheme` becomes the start of the URL. Text that is not a scheme (RFC 3986 3.1) makes a URL that "
    "no client reads, or that each reads in another way.",
    example=f"{_EXAMPLE_INSTANCE}: error[scheme-invalid]: shop v1: "
    "its meta `scheme` is `java script\\x1b[31m`, which is not a URL scheme\n"
    "  help: correct the meta value, or write the scheme in the pattern `url`",
    mend="correct the meta value, or write the scheme in the pattern `url`",
)
META_MISSING = Rule(
    name="meta-missing",
    summary="an instance lacks a meta key that its URL pattern uses",
    why="The URL cannot be made without the value, and a URL with an empty part would call something else.",
    example=f"{_EXAMPLE_INSTANCE}: error[meta-missing]: shop v1: "
    "it has no meta `path`, but its URL pattern has {meta[path]}\n"
    "  help: register the value, keep it (`keep.meta`), or change the pattern `url`",
    mend="register the value, keep it (`keep.meta`), or change the pattern `url`",
)
TAG_MISSING = Rule(
    name="tag-missing",
    summary="an instance lacks a tag KEY=VALUE that its URL pattern uses",
    why="The URL cannot be made without the value, and a URL with an empty part would call something else.",
    example=f"{_EXAMPLE_INSTANCE}: error[tag-missing]: shop v1: "
    "it has no tag `path=…`, but its URL pattern has {tag[path]}\n"
    "  help: register the tag, keep it (`keep.tags`), or change the pattern `url`",
    mend="register the tag, keep it (`keep.tags`), or change the pattern `url`",
)
RULES = (ADDRESS_MISSING, PORT_ZERO, SCHEME_INVALID, META_MISSING, TAG_MISSING)


class UrlError(Exception):
    """Why an instance has no URL: the violated rule, a sentence, and what to do (default: the rule's `mend`)."""

    def __init__(self, rule: Rule, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.rule, self.message, self.help = rule, message, help

    def finding(self, key: Key, origin: Origin) -> Finding:
        """It as a finding of the instance that comes from `origin`."""
        return self.rule.finding(self.message, service=key.service, version=key.version, origin=origin, help=self.help)


Value = Callable[[Instance], str | int]
"""What replaces a placeholder in the URL of an instance. Raises UrlError: the instance has no such value."""

FilledPattern = tuple[str, tuple[tuple[Value, str], ...]]
"""A URL pattern in which only the instance's values are missing: the text it begins with, then each value of the
instance with the text that follows it."""


class UrlMaker:
    """Makes the URLs of one source's instances from its two patterns."""

    def __init__(self, naming: Naming) -> None:
        self._versioned = _with_base(parse(naming.url))
        self._unversioned = _with_base(parse(naming.unversioned_url))
        self.filled = lru_cache(maxsize=1024)(self._filled)

    def url(self, key: Key, instance: Instance, datacenter: str, namespace: str) -> str:
        """The URL of this instance as (service, version). Raises UrlError."""
        return url_of(self.filled(key, datacenter, namespace), instance)

    def _filled(self, key: Key, datacenter: str, namespace: str) -> FilledPattern:
        pattern = self._unversioned if key.version is None else self._versioned
        known = {
            "service": key.service,
            "version": key.version or "",
            "datacenter": datacenter,
            "namespace": namespace,
        }
        values: list[Value] = []
        texts = [""]
        for part in pattern:
            if isinstance(part, str):
                texts[-1] += part
            elif part.name in known:
                texts[-1] += encode_url_part(known[part.name])
            else:
                values.append(_VALUES[part.name](part.key or ""))
                texts.append("")
        return texts[0], tuple(zip(values, texts[1:], strict=True))


def url_of(filled: FilledPattern, instance: Instance) -> str:
    """The URL of this instance. Raises UrlError."""
    url, rest = filled
    for value, text in rest:
        url += f"{value(instance)}{text}"
    if "/." in url and has_dot_segment(url):
        raise UrlError(
            DOT_SEGMENT,
            f"its URL `{url}` has a path segment `.` or `..`, which clients remove",
            "leave the instance out with `select`, or change the pattern `url`",
        )
    return url


def host_of_instance(instance: Instance) -> Host:
    """The instance's address in its one spelling; an empty one where it has none. UrlError: address or port is none."""
    if not 0 <= instance.port <= HIGHEST_PORT:
        raise UrlError(PORT_INVALID, f"its port is {instance.port}; ports are 0 (none) to {HIGHEST_PORT}")
    if not instance.address:
        return _NO_HOST
    try:
        return host_of(instance.address)
    except InvalidAddress as invalid:
        raise UrlError(INVALID, invalid.message, invalid.help) from None


_NO_HOST = Host("", "")


def common_urls(filled: FilledPattern, instances: Sequence[Instance]) -> list[tuple[str, str]] | None:
    """`url_of` each instance with its address, in half the time; None if the pattern or one needs a closer look.

    The pattern may ask for `{scheme}://{address}:{port}` only, and the instances must have both and no scheme of their
    own, as nearly all have.
    """
    start, rest = filled
    if start or len(rest) != 1 or rest[0][0] is not _base:
        return None
    end = rest[0][1]
    try:
        urls = [
            (f"http://{host.in_url}:{instance.port}{end}", host.address)
            for instance in instances
            if 0 < instance.port <= HIGHEST_PORT
            and "scheme" not in instance.meta
            and not (host := host_of(instance.address)).doubt
        ]
    except InvalidAddress:
        return None
    return urls if len(urls) == len(instances) and "/." not in end else None


_BASE = "{scheme}://{address}:{port}"
"""How most patterns begin. The text is also the name of the placeholder for it: no pattern can contain that name."""


def _with_base(pattern: tuple[str | Placeholder, ...]) -> tuple[str | Placeholder, ...]:
    """The same pattern with its base as a single placeholder: one value costs less than three."""
    base = parse(_BASE)
    return (Placeholder(_BASE), *pattern[len(base) :]) if pattern[: len(base)] == base else pattern


@lru_cache(maxsize=65536)
def encode_url_part(text: str) -> str:
    """`text` encoded for any part of a URL: only unreserved characters stay (RFC 3986 2.3)."""
    return quote(text, safe="")


def _address(instance: Instance) -> str:
    if not instance.address:
        raise UrlError(ADDRESS_MISSING, "it has no address")
    return host_of_instance(instance).in_url


def _port(instance: Instance) -> int:
    if instance.port == 0:
        if instance.ports:
            raise UrlError(PORT_UNCHOSEN, unchosen_message(instance.ports))
        raise UrlError(PORT_ZERO, "it is registered without a port (0), but its URL pattern has {port}")
    return instance.port


def _scheme(instance: Instance) -> str:
    scheme = instance.meta.get("scheme")
    if not scheme:
        return "http"
    if not _SCHEME.fullmatch(scheme):
        raise UrlError(SCHEME_INVALID, f"its meta `scheme` is `{scheme}`, which is not a URL scheme")
    return scheme


def _meta(meta_key: str, instance: Instance) -> str:
    value = instance.meta.get(meta_key)
    if not value:
        raise UrlError(META_MISSING, f"it has no meta `{meta_key}`, but its URL pattern has {{meta[{meta_key}]}}")
    return encode_url_part(value)


def _tag(tag_key: str, instance: Instance) -> str:
    prefix = f"{tag_key}="
    for tag in instance.tags:
        if tag.startswith(prefix) and tag != prefix:
            return encode_url_part(tag[len(prefix) :])
    raise UrlError(TAG_MISSING, f"it has no tag `{tag_key}=…`, but its URL pattern has {{tag[{tag_key}]}}")


def _node(instance: Instance) -> str:
    return encode_url_part(instance.node)


def _base(instance: Instance) -> str:
    scheme = _scheme(instance) if "scheme" in instance.meta else "http"
    return f"{scheme}://{_address(instance)}:{instance.port or _port(instance)}"


_VALUES: Mapping[str, Callable[[str], Value]] = {
    _BASE: lambda key: _base,
    "node": lambda key: _node,
    "address": lambda key: _address,
    "port": lambda key: _port,
    "scheme": lambda key: _scheme,
    "meta": lambda key: partial(_meta, key),
    "tag": lambda key: partial(_tag, key),
}
