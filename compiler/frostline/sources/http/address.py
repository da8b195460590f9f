"""Where the server of a live source listens: from the configuration, else from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from frostline.config.urls import VERSION_PATH_HELP, has_version_path, lacks_a_slash
from frostline.errors import UsageError
from frostline.model import FileOrigin

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?")
_FORMS = "an address is http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:///PATH"


class Address(Struct, frozen=True, kw_only=True):
    """Where a server listens: host and port (scheme http or https), or a unix socket (scheme unix, `socket`).

    host: a name or an IP address, IPv6 without brackets. prefix: what every request's path begins with, "" or `/…`.
    """

    scheme: str
    host: str = "localhost"
    port: int = 0
    socket: str = ""
    prefix: str = ""


def consul_address(configured: str | None, environment: Mapping[str, str], origin: FileOrigin) -> Address:
    """The agent's address: the configured one, else $CONSUL_HTTP_ADDR, else 127.0.0.1:8500.

    $CONSUL_HTTP_SSL counts only where the address is not configured. It then turns http:// into https://, as Consul's
    own client does (api.NewClient).
    """
    if configured is not None:
        return parse_address(configured, "address", origin)
    text = environment.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
    bare = text.removeprefix("http://")
    if environment.get("CONSUL_HTTP_SSL", "").lower() in {"1", "t", "true"} and "://" not in bare:
        text = f"https://{bare}"
    return parse_address(text, "$CONSUL_HTTP_ADDR", origin)


def nomad_address(configured: str | None, environment: Mapping[str, str], origin: FileOrigin) -> Address:
    """The agent's address: the configured one, else $NOMAD_ADDR, else 127.0.0.1:4646."""
    if configured is not None:
        return parse_address(configured, "address", origin)
    return parse_address(environment.get("NOMAD_ADDR") or "127.0.0.1:4646", "$NOMAD_ADDR", origin)


def parse_address(text: str, key: str, origin: FileOrigin) -> Address:
    """Parse an address; without a scheme it is http. UsageError: it is invalid; the message names `key`.

    Messages never quote the text, because an invalid address may contain a password anywhere.
    key: where the address is from: a key of the configuration or an environment variable.
    """

    def wrong(reason: str, help_text: str = _FORMS) -> UsageError:
        return UsageError(f"{key}: {reason}", origin=origin, help=help_text)

    if text.startswith("unix://"):
        path = text.removeprefix("unix://")
        if not path.startswith("/") or "\0" in path:
            raise wrong("the path of a unix socket must be absolute")
        return Address(scheme="unix", socket=path)
    if re.search(r"[\x00-\x20\x7f]", text):
        raise wrong("it has spaces or control characters")
    if lacks_a_slash(text):
        raise wrong("its scheme needs :// after it")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host = parts.hostname
        # RFC 6874: in a URL the `%` before an IPv6 address's zone is written %25.
        host = (host or "").replace("%25", "%") if ":" in (host or "") else (host or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise wrong("it has no valid host; an IPv6 address needs brackets") from None
    if parts.username is not None or parts.password is not None:
        raise wrong("it has a user or a password, but frostline sends only tokens")
    if parts.scheme not in _DEFAULT_PORTS:
        raise wrong("its scheme is neither http, https nor unix")
    if not _HOST.fullmatch(host) or (parts.netloc.count(":") > 1 and "[" not in parts.netloc):
        raise wrong("it has no valid host; an IPv6 address needs brackets")
    port = _port_of(parts)
    if port == 0:
        raise wrong("its port is not a number from 1 to 65535")
    if parts.query or parts.fragment:
        raise wrong("it has a query or a fragment (`?`, `#`)")
    if has_version_path(parts.path):
        raise wrong("it ends with /v1, the path of the API", VERSION_PATH_HELP)
    if not re.fullmatch(r"[!-~]*", parts.path):
        raise wrong("its path is not percent-encoded ASCII")
    return Address(
        scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], prefix=parts.path.rstrip("/")
    )


def _port_of(parts: SplitResult) -> int | None:
    """Return the port, None if the URL has no port, or 0 if its port is invalid."""
    try:
        return parts.port
    except ValueError:
        return 0
