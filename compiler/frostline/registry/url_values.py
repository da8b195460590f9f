"""The values that an instance gives to the placeholders of a URL pattern.

Every value of an instance is percent-encoded (RFC 3986), so that no name, tag or meta value can add a path, a query or
a user to a URL. Only {+meta[KEY]} and {+tag[KEY]} keep the signs that structure a URL; the configuration allows them
only after the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

from frostline.addresses import HIGHEST_PORT, INVALID, PORT_INVALID, Host, InvalidAddress, host_of
from frostline.model import Finding, Instance, Key, Origin
from frostline.patterns import Placeholder
from frostline.registry.named_ports import PORT_UNCHOSEN, unchosen_message
from frostline.rules import Rule
from frostline.settings import SchemeRule
from frostline.text import quote as quote_text
from frostline.url_schemes import USUAL_SCHEMES

Value = Callable[[Instance], str | int]
"""Gives the value of a placeholder for an instance. Raises UrlError if the instance has no valid one."""

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")  # RFC 3986 3.1
_RESERVED = ":/?#[]@!$&'()*+,;=%"  # RFC 3986 2.2; % of encoded characters stays too (RFC 6570 3.2.3)
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")

_EXAMPLE_INSTANCE = "mesh(datacenter=dc1, namespace=default, node=n1, id=shop-v1-1)"

ADDRESS_MISSING = Rule(
    name="address-missing",
    summary="an instance has no address, or none of the kind that `address_from` names",
    why=(
        "Not every instance registers every kind of address, such as `wan`. Without an address there is nothing "
        "to call."
    ),
    example=f"{_EXAMPLE_INSTANCE}: error[address-missing]: shop v1: "
    "it has no address\n"
    "  help: register it with an address, or choose another kind of address for a Consul source (`address_from`)",
    mend="register it with an address, or choose another kind of address for a Consul source (`address_from`)",
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
    summary="the meta value that names the scheme of an instance is not a URL scheme",
    why=(
        "The value becomes the start of the URL. With text that is not a scheme (RFC 3986 3.1), clients reject "
        "the URL, or read it in different ways."
    ),
    example=f"{_EXAMPLE_INSTANCE}: error[scheme-invalid]: shop v1: "
    "its meta `scheme` is `java script\\x1b[31m`, which is not a URL scheme\n"
    "  help: correct the meta value, or change `scheme` of the source; a waiver leaves the instance out",
    mend="correct the meta value, or change `scheme` of the source; a waiver leaves the instance out",
)
SCHEME_UNKNOWN = Rule(
    name="scheme-unknown",
    summary="the meta value that names the scheme of an instance is a scheme that no service usually has",
    why="Whoever can register a service decides how programs and browsers open its URL: `javascript` runs code, `file` "
    "reads a disk. So frostline accepts only usual schemes and those that the configuration names.",
    example=f"{_EXAMPLE_INSTANCE}: error[scheme-unknown]: shop v1: "
    "its meta `scheme` is `javascript`, which is not a usual scheme\n"
    "  help: correct the meta value, or add the scheme to `schemes` of the source; a waiver leaves the instance out",
    mend="correct the meta value, or add the scheme to `schemes` of the source; a waiver leaves the instance out",
)
SCHEME_MISSING = Rule(
    name="scheme-missing",
    summary="no rule under `scheme` applies to an instance",
    why="The URL pattern has {scheme}, and nothing gives the scheme of the instance. frostline does not guess.",
    example=f"{_EXAMPLE_INSTANCE}: error[scheme-missing]: shop v1: "
    "no rule under `scheme` applies to it, but its URL pattern has {scheme}\n"
    "  help: end `scheme` of the source with a word, such as http, for all others; a waiver leaves the instance out",
    mend="end `scheme` of the source with a word, such as http, for all others; a waiver leaves the instance out",
)
META_MISSING = Rule(
    name="meta-missing",
    summary="an instance lacks a meta key that its URL pattern uses",
    why="The URL cannot be made without the value, and a URL with an empty part would call something else.",
    example=f"{_EXAMPLE_INSTANCE}: error[meta-missing]: shop v1: "
    "it has no meta `path`, but its URL pattern has {meta[path]}\n"
    "  help: register the value, keep it (`keep.meta`), or write {meta[path]|DEFAULT} in the pattern; "
    "a waiver leaves the instance out",
    mend="register the value, keep it (`keep.meta`), or write a default in the pattern; a waiver leaves the instance "
    "out",
)
TAG_MISSING = Rule(
    name="tag-missing",
    summary="an instance lacks a tag KEY=VALUE that its URL pattern uses",
    why="The URL cannot be made without the value, and a URL with an empty part would call something else.",
    example=f"{_EXAMPLE_INSTANCE}: error[tag-missing]: shop v1: "
    "it has no tag `path=…`, but its URL pattern has {tag[path]}\n"
    "  help: register the tag, keep it (`keep.tags`), or write {tag[path]|DEFAULT} in the pattern; "
    "a waiver leaves the instance out",
    mend="register the tag, keep it (`keep.tags`), or write a default in the pattern; a waiver leaves the instance out",
)
URL_VALUE = Rule(
    name="url-value",
    summary="a value that keeps its signs has `?` or `#` before the rest of the URL pattern",
    why="The value of {+meta[KEY]} keeps the signs that structure a URL. After a `?` or `#`, the rest of the pattern, "
    "such as the version, would become a query or a fragment, and programs would call another service.",
    example=f"{_EXAMPLE_INSTANCE}: error[url-value]: shop v1: "
    "its meta `path` is `/api?x=1`, which has `?` before the rest of its URL pattern\n"
    "  help: correct the value, or end the pattern with {+meta[path]}; a waiver leaves the instance out",
    mend="correct the value, or write {+…} at the end of the pattern; a waiver leaves the instance out",
)
RULES = (
    ADDRESS_MISSING,
    PORT_ZERO,
    SCHEME_INVALID,
    SCHEME_UNKNOWN,
    SCHEME_MISSING,
    META_MISSING,
    TAG_MISSING,
    URL_VALUE,
)


class UrlError(Exception):
    """Why an instance has no URL: the violated rule, a sentence, and what to do (default: the rule's `mend`)."""

    def __init__(self, rule: Rule, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.rule, self.message, self.help = rule, message, help

    def finding(self, key: Key, origin: Origin) -> Finding:
        """The finding about the instance of this (service, version) that comes from `origin`."""
        return self.rule.finding(self.message, service=key.service, version=key.version, origin=origin, help=self.help)


def host_of_instance(instance: Instance) -> Host:
    """The instance's address in its canonical spelling; an empty Host if it has no address.

    Raises UrlError if the address or the port is invalid.
    """
    if not 0 <= instance.port <= HIGHEST_PORT:
        raise UrlError(PORT_INVALID, f"its port is {instance.port}; ports are 0 (none) to {HIGHEST_PORT}")
    if not instance.address:
        return _NO_HOST
    try:
        return host_of(instance.address)
    except InvalidAddress as invalid:
        raise UrlError(INVALID, invalid.message, invalid.help) from None


_NO_HOST = Host("", "")


@lru_cache(maxsize=65536)
def encode_url_part(text: str) -> str:
    """`text` percent-encoded for any part of a URL: only unreserved characters stay (RFC 3986 2.3)."""
    return quote(text, safe="")


@lru_cache(maxsize=65536)
def encode_reserved(text: str) -> str:
    """`text` percent-encoded, except for characters that structure a URL (reserved expansion, RFC 6570 3.2.3)."""
    return quote(_BARE_PERCENT.sub("%25", text), safe=_RESERVED)


def address_of(instance: Instance) -> str:
    """The instance's address as the host of a URL. Raises UrlError if it has no valid one."""
    if not instance.address:
        raise UrlError(ADDRESS_MISSING, "it has no address")
    return host_of_instance(instance).in_url


def port_of(instance: Instance) -> int:
    """The instance's port. Raises UrlError if it has none, or several and no chosen one."""
    if instance.port == 0:
        if instance.ports:
            raise UrlError(PORT_UNCHOSEN, unchosen_message(instance.ports))
        raise UrlError(PORT_ZERO, "it is registered without a port (0), but its URL pattern has {port}")
    return instance.port


def node_of(instance: Instance) -> str:
    """The percent-encoded name of the instance's node."""
    return encode_url_part(instance.node)


def scheme_by(rules: Sequence[SchemeRule], more: Iterable[str] = ()) -> Callable[[Instance], str]:
    """A function that gives the scheme of an instance by the first rule that applies.

    It raises UrlError if no rule applies, or a meta value names no allowed scheme. more: schemes that a meta value may
    name besides the usual ones and those of the rules, in lower case.
    """
    known = USUAL_SCHEMES | {*more} | {rule.scheme.lower() for rule in rules}

    def scheme(instance: Instance) -> str:
        for rule in rules:
            value = _scheme_of(rule, instance, known)
            if value is not None:
                return value
        raise UrlError(SCHEME_MISSING, "no rule under `scheme` applies to it, but its URL pattern has {scheme}")

    return scheme


def _scheme_of(rule: SchemeRule, instance: Instance, known: Collection[str]) -> str | None:
    """The scheme that this rule gives the instance; None if it does not apply. Raises UrlError for a wrong value."""
    if rule.tag is not None:
        return rule.scheme if rule.tag in instance.tags else None
    if rule.meta is None:
        return rule.scheme
    value = instance.meta.get(rule.meta)
    if rule.equals is not None:
        return rule.scheme if value == rule.equals else None
    if value and not _SCHEME.fullmatch(value):
        raise UrlError(SCHEME_INVALID, f"its meta `{rule.meta}` is {quote_text(value)}, which is not a URL scheme")
    if value and value.lower() not in known:
        raise UrlError(SCHEME_UNKNOWN, f"its meta `{rule.meta}` is {quote_text(value)}, which is not a usual scheme")
    return value or None


class Placement(Struct, frozen=True, kw_only=True):
    """Where a placeholder stands in a URL pattern.

    begins_path: directly after host and port. after_slash, before_slash: next to a slash of the pattern. at_end: at the
    end of the path or of one of its segments. is_last: nothing follows. in_query: after a `?` or `#`.
    """

    begins_path: bool = False
    after_slash: bool = False
    before_slash: bool = False
    at_end: bool = False
    is_last: bool = False
    in_query: bool = False


def value_of(placeholder: Placeholder, placement: Placement) -> Value:
    """The function that gives the value of {meta[KEY]} or {tag[KEY]}, with its default and its `+`."""
    key, default = placeholder.key or "", placeholder.default
    is_tag = placeholder.name == "tag"

    def value(instance: Instance) -> str:
        found = _tag(key, instance) if is_tag else instance.meta.get(key)
        if not found and default is None:
            raise _missing(placeholder)
        if not found:
            return _joined(default or "", placement)
        if not placeholder.is_reserved:
            return _joined(encode_url_part(found), placement)
        _check_rest(found, placeholder, placement)
        return _joined(encode_reserved(found), placement)

    return value


def _missing(placeholder: Placeholder) -> UrlError:
    name, key = placeholder.name, placeholder.key
    rule, what, has = (TAG_MISSING, "tag", f"{key}=…") if name == "tag" else (META_MISSING, "value", key)
    with_default = f"{{{'+' if placeholder.is_reserved else ''}{name}[{key}]|DEFAULT}}"
    return UrlError(
        rule,
        f"it has no {name} `{has}`, but its URL pattern has {placeholder}",
        f"register the {what}, keep it (`keep.{'tags' if name == 'tag' else 'meta'}`), or write {with_default} in the "
        "pattern; a waiver leaves the instance out",
    )


def _tag(key: str, instance: Instance) -> str | None:
    """The value of the instance's first tag KEY=VALUE; None without such a tag."""
    prefix = f"{key}="
    return next((tag[len(prefix) :] for tag in instance.tags if tag.startswith(prefix) and tag != prefix), None)


def _check_rest(value: str, placeholder: Placeholder, placement: Placement) -> None:
    """Raises UrlError if the value would turn the rest of the pattern into a query or a fragment."""
    if placement.is_last:
        return
    for sign in "#" if placement.in_query else "?#":
        if sign in value:
            raise UrlError(
                URL_VALUE,
                f"its {placeholder.name} `{placeholder.key}` is {quote_text(value)}, "
                f"which has `{sign}` before the rest of its URL pattern",
                f"correct the value, or end the pattern with {placeholder}; a waiver leaves the instance out",
            )


def _joined(text: str, placement: Placement) -> str:
    """The text for its place in a path, with exactly one slash at each side where the pattern has one.

    Users register values with and without slashes. Directly after host and port, a slash must separate the text, which
    could otherwise become part of them.
    """
    if placement.in_query:
        return text
    if placement.begins_path:
        text = f"/{text.lstrip('/')}" if text or not placement.at_end else ""
    elif placement.after_slash:
        text = text.lstrip("/")
    return text.rstrip("/") if placement.before_slash else text
