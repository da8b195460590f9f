"""Say in plain words why a request to a server failed, and what to do about it."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from html import unescape

from msgspec import Struct

from frostline.sources.http.connection import Response
from frostline.text import quote


class Fault(Struct, frozen=True):
    """A reason and a help line."""

    reason: str
    help: str


_HELP_OF_STATUS = {  # a status, or the first digit of others
    3: "configure the address that the server redirects to, or check the proxy in between",
    4: "check the address and the keys of this source",
    5: "see the agent's log; the request was repeated as often as `retries` allows",
    403: "the token is missing or lacks rights: check `token` and its policies",
    429: "the server limits requests: lower `connections`, or raise `retries`",
}
NOT_AN_AGENT = "check that the address is the agent's HTTP port"
_LOGIN_HELP = (
    "a proxy before the server asks for a login, and frostline sends tokens only: let its requests through, or give "
    "`address` the server's own"
)
_PAGE_HELP = "a proxy before the server answers in its place: see the proxy's log, or give `address` the server's own"
_WAIT = "compile, freeze, plan and check --live wait for it with `--wait 30s`"

# The codes of OpenSSL's X509_verify_cert_error_string (x509_vfy.h), which are the same in every version.
_SELF_SIGNED = {18}
_UNKNOWN_AUTHORITY = {2, 19, 20, 21}
_NOT_NOW = {9: "is not valid yet", 10: "has expired"}
_OTHER_NAME = {62, 64}

_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
# Alerts of servers that want a client's certificate. TLS 1.3 says so; TLS 1.2 calls it bad, or the handshake fails.
_WANTS_CERTIFICATE = re.compile(
    "ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE)"
)


def tls_fault(error: ssl.SSLError, name: str, server: str) -> Fault:
    """Explain why TLS failed. name: the name that the certificate must have; server: HOST:PORT."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_fault(error, name, server)
    reason = error.reason or "TLS error"
    said = reason.replace("_", " ").lower()
    if reason in _NO_TLS:
        help_text = "write http:// if it speaks plain HTTP there, or name the port where it speaks TLS"
        return Fault(f"the server does not answer in TLS ({said})", help_text)
    if _WANTS_CERTIFICATE.search(reason):
        return Fault(
            f"the server takes only clients with a certificate that it trusts ({said})",
            "name a certificate that its authority signed, and the key, as `cert_file` and `key_file` under `tls`",
        )
    return Fault(f"TLS failed: {said}", "check the scheme of the address and the keys under `tls`")


def _certificate_fault(error: ssl.SSLCertVerificationError, name: str, server: str) -> Fault:
    code, certificate = error.verify_code, "the server's certificate"
    if code in _NOT_NOW:
        return Fault(
            f"{certificate} {_NOT_NOW[code]}", "have it renewed; if it is valid, set the clock of this machine"
        )
    if code in _OTHER_NAME:
        command = f"openssl s_client -connect {server} </dev/null | openssl x509 -noout -ext subjectAltName"
        return Fault(
            f"{certificate} is not valid for {quote(name)}",
            f"write one of its names as `server_name` under `tls`, or in the address; `{command}` shows them",
        )
    if code in _SELF_SIGNED:
        return Fault(
            f"{certificate} is self-signed, and not trusted here",
            "if it is the right one, name it (PEM) as `ca_file` under `tls`",
        )
    if code in _UNKNOWN_AUTHORITY:
        return Fault(
            f"{certificate} is from an authority that is not trusted here",
            "name the authority's certificate (PEM) as `ca_file` under `tls`",
        )
    return Fault(f"{certificate} is refused: {error.verify_message}", "check the certificate and the keys under `tls`")


def unreachable_fault(error: OSError, reason: str, correct: str) -> Fault:
    """Explain why the connection failed. reason: the error's own words; correct: what to do if the address is wrong."""
    if isinstance(error, socket.gaierror):
        help_text = f"{correct}, or find out why the name servers of this machine do not know that name; {_WAIT}"
        return Fault(f"its name cannot be resolved: {reason}", help_text)
    if isinstance(error, PermissionError):
        return Fault(reason, f"give this user the right to read and write the socket, or {correct}")
    return Fault(reason, f"start it or {correct}; {_WAIT}")


def status_fault(response: Response, shorten: Callable[[str], str]) -> Fault:
    """Explain an answer whose status is not 200. shorten: makes the server's text fit into a message."""
    status, text = response.status, page_title(response.body, shorten) or shorten(body_text(response.body))
    reason = f"{status} {shorten(response.reason)}".strip()
    help_text = _HELP_OF_STATUS.get(status) or _HELP_OF_STATUS.get(status // 100, NOT_AN_AGENT)
    if 300 <= status < 400:
        reason, text = f"{reason}: frostline does not follow redirects", shorten(response.headers.get("location", ""))
    elif wants_login(response):
        help_text = _LOGIN_HELP
    elif status == 400 and "https" in text.lower():  # Go's servers and nginx answer so to plain HTTP on a TLS port
        help_text = "write https:// in the address, and under `tls` the server's authority as `ca_file`"
    elif is_page(response.body):
        help_text = _PAGE_HELP
    return Fault(f"{reason}: {text}" if text else reason, help_text)


def wants_login(response: Response) -> bool:
    """Whether the answer asks for a login of HTTP itself, such as user and password (RFC 9110 11.6.1)."""
    return response.status == 407 or (response.status == 401 and "www-authenticate" in response.headers)


def body_text(body: bytes | bytearray) -> str:
    """A body as text, whatever its bytes."""
    return body.decode("utf-8", "replace")


def is_page(body: bytes | bytearray) -> bool:
    """Whether a body is HTML, which neither Consul nor Nomad sends to a client of its API."""
    return body[:1000].lstrip()[:1] == b"<"


def page_title(body: bytes | bytearray, shorten: Callable[[str], str]) -> str:
    """Describe a page: `a page of HTML, "Sign in"`. Returns "" if the body is not HTML."""
    if not is_page(body):
        return ""
    found = re.search(r"<title[^>]*>\s*([^<]*)", body_text(body[:20_000]), re.IGNORECASE)
    title = shorten(" ".join(unescape(found[1]).split())) if found else ""
    return f'a page of HTML, "{title}"' if title else "a page of HTML"
