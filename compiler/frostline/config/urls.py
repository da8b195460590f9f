"""Readers of URLs, URL patterns and addresses. No message quotes a value, because it may contain a password."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

from msgspec.structs import replace

from frostline.config.cursor import Cursor
from frostline.config.readers import pattern_parts
from frostline.patterns import Placeholder

_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")  # RFC 3986 3.1
_NOT_IN_URLS = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")  # RFC 3986 2
# RFC 3986 3.2.2, reg-name, without the punctuation that name servers and clients refuse.
_HOST_NAME = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
_BRACKETED = re.compile(r"\[[^\[\]]*\](?::[0-9]*)?")  # urlsplit would ignore text between `]` and the port
_USERINFO_HELP = "this file is committed: a password does not belong here; remove everything before the @"
_AUTHORITY_HELP = "ports are 1 to 65535, IPv6 addresses in brackets"
VERSION_PATH_HELP = "leave /v1 out: frostline adds it"
_VARIABLE = re.compile(r"\$\{|\$[A-Za-z_]")
_VARIABLE_HELP = "leave `address` out to take it from the environment, or fill in the file with envsubst first"
_SCHEME_HELP = "begin with http://, https:// or {scheme}://"
_ENDS_IN_PORT = re.compile(r"[^:/]*://[^/?#]*:[0-9]+")
_ENDPOINT_PLACEHOLDERS: Mapping[str, bool] = {
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
_ADDRESS_HELP = "write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH"


def url_pattern(cursor: Cursor, known: Mapping[str, bool], value: str) -> str | None:
    """Read a pattern of URLs.

    known: the allowed placeholders, as for `pattern_parts`. value: replaces each placeholder in the sample URL that is
    checked; must be a digit if a placeholder may be a port.
    """
    parts = pattern_parts(cursor, known)
    if parts is None:
        return None
    literals = "".join(part if isinstance(part, str) else part.default or "" for part in parts)
    if _NOT_IN_URLS.search(re.sub("[{}]", "", literals)):
        cursor.refuse(f"`{cursor.key}` has a character that URLs cannot have", "percent-encode it: a space is %20")
    elif misplaced := _misplaced(parts, value):
        cursor.refuse(
            f"`{cursor.key}` has {misplaced} before the path, where a value could change the host",
            f"write it after host and port, or write {replace(misplaced, is_reserved=False)}",
        )
    elif isinstance(parts[0], Placeholder) and parts[0].name != "scheme":
        cursor.refuse(f"`{cursor.key}` has no scheme", _SCHEME_HELP)
    elif _is_url(cursor, _sample(parts, value)) and _is_url(cursor, _sample(parts, value, with_defaults=True)):
        return str(cursor.value)
    return None


def endpoint_url(cursor: Cursor) -> str | None:
    """Read the pattern of the URLs of a source's endpoints."""
    return url_pattern(cursor, _ENDPOINT_PLACEHOLDERS, "1")


def unversioned_endpoint_url(cursor: Cursor) -> str | None:
    """Read the pattern of the URLs of services without a version."""
    return endpoint_url(cursor) if has_no_version(cursor) else None


def has_no_version(cursor: Cursor) -> bool:
    """Whether a pattern for services without a version is free of {version}; refuses it otherwise."""
    if "{version}" not in cursor.value.replace("{{", ""):
        return True
    cursor.refuse(
        f"`{cursor.key}` is for services without a version, but has {{version}}", "remove it from this pattern"
    )
    return False


def _is_url(cursor: Cursor, sample: str) -> bool:
    """Whether a sample of the pattern is a URL with a host; refuses the pattern otherwise."""
    if not _SCHEME.match(sample):
        cursor.refuse(f"`{cursor.key}` has no scheme", _SCHEME_HELP)
    elif "@" in (authority := _authority(sample)):
        cursor.refuse(f"`{cursor.key}` has a user or a password", _USERINFO_HELP)
    elif not authority or authority.startswith(":"):
        cursor.refuse(f"`{cursor.key}` has no host", "name it after ://")
    elif _parsed(sample) is None:
        cursor.refuse(f"`{cursor.key}` has an invalid host or port", _AUTHORITY_HELP)
    else:
        return True
    return False


def _sample(parts: Sequence[str | Placeholder], value: str, *, with_defaults: bool = False) -> str:
    """Fill the pattern with this value, or with its defaults. A value directly after host and port gets a slash."""
    url = ""
    for part in parts:
        if isinstance(part, str):
            url += part
            continue
        text = part.default if with_defaults and part.default is not None else value
        begins_path = part.is_reserved or (part.key is not None and _ENDS_IN_PORT.fullmatch(url))
        url += "http" if part.name == "scheme" else f"/{text.lstrip('/')}" if begins_path else text
    return url


def _misplaced(parts: Sequence[str | Placeholder], value: str) -> Placeholder | None:
    """Return the first placeholder that keeps its slashes and is before or in host and port."""
    for index, part in enumerate(parts):
        if isinstance(part, Placeholder) and part.is_reserved:
            before = _sample(parts[:index], value)
            authority = _authority(before) if "://" in before else ""
            if not authority or authority.endswith((":", ".", "-", "@")):
                return part
    return None


def _authority(url: str) -> str:
    return re.split("[/?#]", url.split("://", 1)[1], maxsplit=1)[0]


def absolute_url(cursor: Cursor) -> str | None:
    """Read an absolute URL with a host."""
    parts = _split(cursor, cursor.value)
    if parts is None:
        return None
    if not _SCHEME.match(cursor.value):
        cursor.refuse("the URL has no scheme", "begin with https:// or http://")
    elif not _is_host(parts):
        cursor.refuse("the URL has no valid host", "write https://HOST/…, an IPv6 address in brackets")
    else:
        return str(cursor.value)
    return None


def server_address(cursor: Cursor) -> str | None:
    """Read the address of a server: an http, https or unix URL, or HOST:PORT."""
    address: str = cursor.value
    if _VARIABLE.search(address):
        cursor.refuse(f"`{cursor.key}` has a variable, and variables are not expanded", _VARIABLE_HELP)
        return None
    if address.startswith("unix://"):
        if not re.match("unix:///+[^/]", address) or re.search(r"[\x00-\x1f\x7f]", address):
            cursor.refuse("the path of a unix socket must be absolute", "write unix:///PATH")
            return None
        return address
    if lacks_a_slash(address):
        cursor.refuse(f"`{cursor.key}` is not an address", _ADDRESS_HELP)
        return None
    parts = _split(cursor, address if "://" in address else f"http://{address}")
    if parts is None:
        return None
    has_encoded_host = "%" in parts.netloc and not parts.netloc.startswith("[")
    if parts.scheme not in ("http", "https"):
        cursor.refuse(f"`{cursor.key}` has a scheme that is neither http, https nor unix", _ADDRESS_HELP)
    elif not _is_host(parts) or has_encoded_host or parts.query or parts.fragment:
        cursor.refuse(f"`{cursor.key}` is not an address", _ADDRESS_HELP)
    elif has_version_path(parts.path):
        cursor.refuse(f"`{cursor.key}` ends with /v1, the path of the API", VERSION_PATH_HELP)
    else:
        return address
    return None


def lacks_a_slash(address: str) -> bool:
    """Whether this is `http:/HOST` or `http:HOST`, which would otherwise be read as the host `http`."""
    return re.match("https?:(?!//|[0-9]+(/|$))", address, re.IGNORECASE) is not None


def has_version_path(path: str) -> bool:
    """Whether the path of a server's address ends with /v1, which frostline adds to every request itself."""
    return path.rstrip("/").endswith("/v1")


def _split(cursor: Cursor, url: str) -> SplitResult | None:
    """Split a URL; refuses invalid characters, an invalid port or host, a user and a password."""
    if "://" in url and "@" in _authority(url):
        cursor.refuse("the URL has a user or a password", _USERINFO_HELP)
    elif _NOT_IN_URLS.search(url):
        cursor.refuse("the URL has a character that URLs cannot have", "percent-encode it: a space is %20")
    elif (parts := _parsed(url)) is None:
        cursor.refuse("the URL has an invalid host or port", _AUTHORITY_HELP)
    else:
        return parts
    return None


def _parsed(url: str) -> SplitResult | None:
    """Split a URL; returns None for an invalid port or unbalanced brackets."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if not parts.netloc.startswith("["):
        return _HOST_NAME.fullmatch(host) is not None
    if not _BRACKETED.fullmatch(parts.netloc):
        return False
    try:
        IPv6Address(host)  # accepts zones: fe80::1%25eth0
    except ValueError:
        return False
    return True
