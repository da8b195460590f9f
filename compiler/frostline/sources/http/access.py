"""Where a live source is asked and with what right: its address, its token, its TLS context."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from frostline.errors import UsageError
from frostline.model import FileOrigin
from frostline.settings import Tls, Token

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORMS = "an address is http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH"


class Address(Struct, frozen=True, kw_only=True):
    """Where a server listens: host and port (scheme http or https), or a unix socket (scheme unix, `socket`).

    host: a name or an IP address, IPv6 without brackets. prefix: a path before every request's, "" or `/…`.
    """

    scheme: str
    host: str = "localhost"
    port: int = 0
    socket: str = ""
    prefix: str = ""


class Secret:
    """A token that never shows itself: not in a repr, a message, a traceback's locals or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a token is not written anywhere")


def consul_address(configured: str | None, environment: Mapping[str, str], place: FileOrigin) -> Address:
    """The agent's address: the configured one, else $CONSUL_HTTP_ADDR, else 127.0.0.1:8500.

    $CONSUL_HTTP_SSL counts only where the address is not configured, and then makes http:// https too, as Consul's
    own client does ("Never revert to http if TLS was explicitly requested", api.NewClient).
    """
    if configured is not None:
        return parsed_address(configured, "address", place)
    text = environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    bare = text.removeprefix("http://")
    if environment.get("CONSUL_HTTP_SSL", "").lower() in {"1", "t", "true"} and "://" not in bare:
        text = f"https://{bare}"
    return parsed_address(text, "$CONSUL_HTTP_ADDR", place)


def nomad_address(configured: str | None, environment: Mapping[str, str], place: FileOrigin) -> Address:
    """The agent's address: the configured one, else $NOMAD_ADDR, else 127.0.0.1:4646."""
    if configured is not None:
        return parsed_address(configured, "address", place)
    return parsed_address(environment.get("NOMAD_ADDR") or "127.0.0.1:4646", "$NOMAD_ADDR", place)


def parsed_address(text: str, key: str, place: FileOrigin) -> Address:
    """`text` as an address; without a scheme it is http. UsageError names `key`, and quotes nothing of a password."""

    def wrong(reason: str) -> UsageError:
        return UsageError(f"{key}: {reason}", origin=place, help=_FORMS)

    if text.startswith("unix://"):
        path = text.removeprefix("unix://")
        if not path.startswith("/") or "\0" in path:
            raise wrong("the path of a unix socket must be absolute")
        return Address(scheme="unix", socket=path)
    if re.search(r"[\x00-\x20\x7f]", text):
        raise wrong("an address holds no space and no control character")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
        host = (host or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise wrong("not an address") from None
    if parts.username is not None or parts.password is not None:
        raise wrong("user and password do not belong into an address")
    if parts.scheme not in _DEFAULT_PORTS:
        raise wrong(f"unknown scheme {parts.scheme!r}")
    if not host or parts.query or parts.fragment or port == 0:
        raise wrong(f"not an address: {text!r}")
    if not re.fullmatch(r"[!-~]*", parts.path):
        raise wrong("the path of an address is percent-encoded ASCII")
    return Address(
        scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], prefix=parts.path.rstrip("/")
    )


def secret_of(token: Token | None, environment: Mapping[str, str], place: FileOrigin) -> Secret | None:
    """The token that `token` names. UsageError where it is unset, empty, unreadable or holds what no header can."""
    if token is None:
        return None
    text = _from_file(token.file, place) if token.file is not None else environment.get(token.env or "", "")
    text = text.strip(" \t\r\n")  # HTTP takes spaces around a header's value away as well
    source = token_source(token)
    if not text:
        state = "is empty" if token.file is not None or token.env in environment else "is not set"
        raise UsageError(
            f"token: {source} {state}", origin=place, help="set it, or leave the key `token` out to read without one"
        )
    if not re.fullmatch(r"[ -~]+", text):
        raise UsageError(
            f"token: {source} holds characters that no HTTP header can",
            origin=place,
            help="a token is one line of printable ASCII",
        )
    return Secret(text)


def token_source(token: Token) -> str:
    """How users know where the token comes from: `$NAME` or `the file PATH`."""
    return f"the file {token.file}" if token.file is not None else f"${token.env}"


def _from_file(path: Path, place: FileOrigin) -> str:
    try:
        # latin-1 takes any byte; what is not printable ASCII is refused by the caller.
        return path.read_bytes().decode("latin-1")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"token: the file {path} cannot be read: {reason_of(error)}",
            origin=place,
            help="check the path and its permissions",
        ) from None


def tls_context(tls: Tls, place: FileOrigin) -> ssl.SSLContext:
    """The TLS context that these settings ask for. UsageError names the key whose file is missing or unfit."""
    for key, path in (("ca_file", tls.ca_file), ("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        _check_readable(f"tls.{key}", path, place)
    if tls.key_file is not None and tls.cert_file is None:
        raise UsageError("tls.key_file: a key without a certificate", origin=place, help="add tls.cert_file")
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (ssl.SSLError, ValueError) as error:
        raise _unfit("tls.ca_file", tls.ca_file, error, place) from None
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert_file is not None:
        try:
            # Without a password of its own OpenSSL would ask for one on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
        except (ssl.SSLError, ValueError) as error:
            raise _unfit("tls.cert_file, tls.key_file", tls.cert_file, error, place) from None
    return context


def _check_readable(key: str, path: Path | None, place: FileOrigin) -> None:
    try:
        if path is not None:
            path.open("rb").close()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{key}: {path} cannot be read: {reason_of(error)}", origin=place, help="check the path and its permissions"
        ) from None


def _unfit(key: str, path: Path | None, error: Exception, place: FileOrigin) -> UsageError:
    return UsageError(
        f"{key}: {path} is not what it should be: {reason_of(error)}",
        origin=place,
        help="certificates and keys are PEM files; the key fits the certificate and has no passphrase",
    )


def reason_of(error: BaseException) -> str:
    """What an exception of the operating system or of OpenSSL says, without numbers and source lines."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verification failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS error").replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
