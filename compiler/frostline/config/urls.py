"""URLs, URL patterns and addresses of a configuration. No message quotes them: they may hold a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

from frostline.config.cursor import Cursor, pattern_parts
from frostline.patterns import Placeholder

LIVE_PLACEHOLDERS: Mapping[str, bool] = {
    "scheme": False,
    "address": False,
    "port": False,
    "version": False,
    "service": False,
    "datacenter": False,
    "namespace": False,
    "node": False,
    "meta": True,
    "tag": True,
}
ROUTER_PLACEHOLDERS: Mapping[str, bool] = {"service": False, "version": False}

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")  # RFC 3986 3.1
_NOT_IN_URLS = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")  # RFC 3986 2
# RFC 3986 3.2.2, reg-name, without the punctuation that no name server and no client takes.
_HOST_NAME = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
_USERINFO_HELP = "this file is committed: a password does not belong here; remove everything before the @"
_AUTHORITY_HELP = "ports are 1 to 65535, IPv6 addresses in brackets"
_ADDRESS_HELP = "write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH"


def live_url(at: Cursor) -> str | None:
    """The `url` of a source whose instances have addresses."""
    return _url_pattern(at, LIVE_PLACEHOLDERS, "1")


def unversioned_live_url(at: Cursor) -> str | None:
    return _url_pattern(at, LIVE_PLACEHOLDERS, "1") if _has_no_version(at) else None


def router_url(at: Cursor) -> str | None:
    return _url_pattern(at, ROUTER_PLACEHOLDERS, "x")


def unversioned_router_url(at: Cursor) -> str | None:
    return _url_pattern(at, ROUTER_PLACEHOLDERS, "x") if _has_no_version(at) else None


def _has_no_version(at: Cursor) -> bool:
    if "{version}" not in at.value.replace("{{", ""):
        return True
    at.refuse(f"`{at.key}` is for services without a version, and has {{version}}", "remove it from this pattern")
    return False


def _url_pattern(at: Cursor, known: Mapping[str, bool], value: str) -> str | None:
    """A pattern that makes URLs. value: what may stand for a placeholder; a digit where one may be a port."""
    parts = pattern_parts(at, known)
    if parts is None:
        return None
    samples = {"scheme": "http"}
    sample = "".join(part if isinstance(part, str) else samples.get(part.name, value) for part in parts)
    literals = "".join(part for part in parts if isinstance(part, str)).replace("{", "").replace("}", "")
    if _NOT_IN_URLS.search(literals):
        at.refuse(f"`{at.key}` has a character that no URL has", "percent-encode it: a space is %20")
    elif not _SCHEME.match(sample) or (isinstance(parts[0], Placeholder) and parts[0].name != "scheme"):
        at.refuse(f"`{at.key}` has no scheme", "begin with http://, https:// or {scheme}://")
    elif "@" in (authority := _authority(sample)):
        at.refuse(f"`{at.key}` has a user or a password", _USERINFO_HELP)
    elif not authority or authority.startswith(":"):
        at.refuse(f"`{at.key}` has no host", "name it after ://")
    elif _parsed(sample) is None:
        at.refuse(f"`{at.key}` has a port or host that cannot be", _AUTHORITY_HELP)
    else:
        return str(at.value)
    return None


def _authority(url: str) -> str:
    return re.split("[/?#]", url.split("://", 1)[1], maxsplit=1)[0]


def static_url(at: Cursor) -> str | None:
    """An absolute URL with a host."""
    parts = _split(at, at.value)
    if parts is None:
        return None
    if not _SCHEME.match(at.value):
        at.refuse("a URL without a scheme", "begin with https:// or http://")
    elif not _is_host(parts):
        at.refuse("a URL without a host, or with one that is none", "write https://HOST/…, an IPv6 address in brackets")
    else:
        return str(at.value)
    return None


def server_address(at: Cursor) -> str | None:
    """Where a server is asked: http, https, unix, or HOST:PORT."""
    address: str = at.value
    if address.startswith("unix://"):
        if not re.match("unix:///+[^/]", address) or re.search(r"[\x00-\x1f\x7f]", address):
            at.refuse("the path of a unix socket must be absolute", "write unix:///PATH")
            return None
        return address
    parts = _split(at, address if "://" in address else f"http://{address}")
    if parts is None:
        return None
    if parts.scheme not in ("http", "https"):
        at.refuse(f"`{at.key}` has the unknown scheme `{parts.scheme}`", _ADDRESS_HELP)
    elif not _is_host(parts) or parts.query or parts.fragment:
        at.refuse(f"`{at.key}` is no address", _ADDRESS_HELP)
    else:
        return address
    return None


def _split(at: Cursor, url: str) -> SplitResult | None:
    """The parts of a URL that has only characters of URLs, a port that there is, and no password."""
    if "://" in url and "@" in _authority(url):
        at.refuse("a user or a password in a URL", _USERINFO_HELP)
    elif _NOT_IN_URLS.search(url):
        at.refuse("a character that no URL has", "percent-encode it: a space is %20")
    elif (parts := _parsed(url)) is None:
        at.refuse("a URL with a port or host that cannot be", _AUTHORITY_HELP)
    else:
        return parts
    return None


def _parsed(url: str) -> SplitResult | None:
    """The parts of a URL, where it has a port that there is and balanced brackets."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if not parts.netloc.startswith("["):
        return _HOST_NAME.fullmatch(host) is not None
    try:
        IPv6Address(host.partition("%25")[0])
    except ValueError:
        return False
    return True
