"""The credentials of a live source: its token, and the TLS context with its certificates."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from frostline.errors import UsageError
from frostline.files.reading import MOST_OF_SECRET, read_regular
from frostline.model import FileOrigin
from frostline.settings import ServerSettings, Tls, Token
from frostline.sources.http.address import Address


class Secret:
    """A token that never appears in a repr, a message, a traceback's local variables or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a token must not be copied or pickled")


def read_token(token: Token | None, environment: Mapping[str, str], origin: FileOrigin) -> Secret | None:
    """Read the token from its variable or file. UsageError: it is unset, empty, unreadable or not printable ASCII."""
    if token is None:
        return None
    text = _read_file(token.file, origin) if token.file is not None else environment.get(token.env or "", "")
    text = text.strip(" \t\r\n")  # HTTP strips whitespace around a header's value too
    source = describe_token(token)
    if not text:
        state = "is empty" if token.file is not None or token.env in environment else "is not set"
        raise UsageError(
            f"`token` names {source}, which {state}",
            origin=origin,
            help="set it, or remove `token` to read without one",
        )
    if not re.fullmatch(r"[ -~]+", text):
        raise UsageError(
            f"token: {source} contains characters that are not allowed in an HTTP header",
            origin=origin,
            help="a token is a single line of printable ASCII",
        )
    return Secret(text)


def describe_token(token: Token) -> str:
    """Say where the token comes from: `$NAME` or `the file PATH`."""
    return f"the file {token.file}" if token.file is not None else f"${token.env}"


def _read_file(path: Path, origin: FileOrigin) -> str:
    try:
        # latin-1 decodes any byte; the caller refuses what is not printable ASCII.
        return read_regular(path, most=MOST_OF_SECRET, may_be_gits=True).decode("latin-1")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"token: the file {path} cannot be read: {describe_failure(error)}",
            origin=origin,
            help="check the path and its permissions",
        ) from None


def make_tls_context(tls: Tls, origin: FileOrigin) -> ssl.SSLContext:
    """Make the TLS context of these settings. UsageError names the key whose file is missing or unusable."""
    for key, path in (("ca_file", tls.ca_file), ("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        _check_readable(f"tls.{key}", path, origin)
    if tls.key_file is not None and tls.cert_file is None:
        raise UsageError(
            "tls.key_file: the key has no certificate", origin=origin, help="name the certificate as `cert_file`"
        )
    try:
        context = _default_context(tls.ca_file)
    except (ssl.SSLError, ValueError) as error:
        help_text = "it must hold certificates of authorities in PEM: -----BEGIN CERTIFICATE-----"
        raise _unusable("tls.ca_file", tls.ca_file, error, origin, help_text) from None
    # Behave the same on every Python. Since 3.13 the default refuses certificates of many private authorities (without
    # critical basicConstraints, key identifiers or version 3), and trusts an intermediate authority without its root.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        try:
            # Without a password argument OpenSSL would prompt for one on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        except (ssl.SSLError, ValueError) as error:
            raise _unusable("tls.cert_file, tls.key_file", tls.cert_file, error, origin, _pair_help(tls)) from None
    return context


def _default_context(ca_file: Path | None) -> ssl.SSLContext:
    """Make the context of ssl.create_default_context, but never write session keys to the file $SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(ca_file)
    return context


def exposure_warnings(settings: ServerSettings, address: Address) -> list[str]:
    """Warn, in sentences, of what these settings let others on the network read or impersonate."""
    server = f"source {settings.name}: {address.host}"
    if address.scheme == "http" and settings.token is not None and not _is_loopback(address.host):
        return [f"{server} gets the token without TLS: anybody on the network can read it; use https://"]
    if address.scheme == "https" and not settings.tls.verify:
        gets = "gets the token and is trusted" if settings.token is not None else "is trusted"
        return [f"{server} is not verified (`tls.verify`): whoever answers in its place {gets}; use `tls.ca_file`"]
    return []


def _is_loopback(host: str) -> bool:
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 6.3
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _check_readable(key: str, path: Path | None, origin: FileOrigin) -> None:
    try:
        if path is not None:
            read_regular(path, most=MOST_OF_SECRET, may_be_gits=True)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{key}: {path} cannot be read: {describe_failure(error)}",
            origin=origin,
            help="check the path and its permissions",
        ) from None


def _pair_help(tls: Tls) -> str:
    if tls.key_file is None:
        return "name the private key as `key_file`: without it, cert_file must hold the key too, in PEM"
    return "both must be PEM files, and the key must match the certificate and have no passphrase"


def _unusable(key: str, path: Path | None, error: Exception, origin: FileOrigin, help: str) -> UsageError:
    return UsageError(f"{key}: {path} cannot be used: {describe_failure(error)}", origin=origin, help=help)


def describe_failure(error: BaseException) -> str:
    """Return the reason of an error of the operating system or OpenSSL, without error numbers and source lines."""
    if isinstance(error, ssl.SSLError):
        return error.reason.replace("_", " ").lower() if error.reason else "it contains no such thing in PEM"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
