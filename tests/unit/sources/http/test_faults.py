"""The reason and the help line for a server that cannot be read."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from consul_certificates import openssl
from http_server import Server, answer

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits, Tls
from frostline.sources.http.address import Address
from frostline.sources.http.credentials import make_tls_context
from frostline.sources.http.transport import Transport

PLACE = FileOrigin("frostline.yaml", 3, 3)
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def said_of(address: Address, tls: Tls | None = None) -> str:
    context = None if tls is None else make_tls_context(tls, PLACE)
    transport = Transport(
        "mesh",
        PLACE,
        address,
        LiveLimits(retries=0, timeout=5.0),
        tls=context,
        server_name=tls.server_name if tls else None,
        token_header="X-Consul-Token",
    )
    with transport, pytest.raises(SourceError) as caught:
        transport.in_parallel(transport.get, ["/v1/x"])
    return f"{caught.value.message}\n{caught.value.help}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make now.pem and old.pem (expired), self-signed for 127.0.0.1, their key.pem, and other.pem."""
    folder = tmp_path_factory.mktemp("certificates")
    subject = ("-subj", "/CN=a", "-addext", "subjectAltName=IP:127.0.0.1")
    openssl(folder, "req", "-x509", *EC, *subject, "-keyout", "key.pem", "-out", "now.pem")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(folder, "req", "-new", "-key", "key.pem", "-subj", "/CN=a", "-out", "old.csr")
    signed = ("-signkey", "key.pem", "-extfile", "ext", "-days", "-1")
    openssl(folder, "x509", "-req", "-in", "old.csr", *signed, "-out", "old.pem")
    openssl(folder, "req", "-x509", *EC, "-subj", "/CN=b", "-keyout", "other.key", "-out", "other.pem")
    return folder


@pytest.fixture
def serve_tls(certificates: Path) -> Iterator[Callable[..., Address]]:
    """Start a TLS server with a certificate. wants_client: the authority of the certificate that clients must have."""
    listeners: list[socket.socket] = []

    def start(certificate: str, wants_client: str | None = None, newest: ssl.TLSVersion | None = None) -> Address:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / certificate, certificates / "key.pem")
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificates / wants_client)
        if newest:
            context.maximum_version = newest
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    with suppress(OSError), wrapped:
                        with suppress(ssl.SSLError):
                            wrapped.do_handshake()
                        # Closed with bytes unread, a socket is reset, and the alert may be lost.
                        socket.socket.recv(wrapped, 1000)

        threading.Thread(target=serve, daemon=True).start()
        return Address(scheme="https", host="127.0.0.1", port=listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def test_a_refused_certificate_is_reported_with_the_cause(
    serve_tls: Callable[..., Address], certificates: Path
) -> None:
    now, old = serve_tls("now.pem"), serve_tls("old.pem")
    untrusted = said_of(now, Tls())
    assert "the server's certificate is self-signed, and not trusted here\nif it is the right one, name it" in untrusted
    expired = said_of(old, Tls(ca_file=certificates / "old.pem"))
    assert "the server's certificate has expired\nhave it renewed; if it is valid, set the clock" in expired
    named = said_of(now, Tls(ca_file=certificates / "now.pem", server_name="server.dc1.consul"))
    assert "the server's certificate is not valid for `server.dc1.consul`\nwrite one of its names as" in named
    assert f"`openssl s_client -connect 127.0.0.1:{now.port} </dev/null | openssl x509 -noout" in named


@pytest.mark.parametrize("newest", [None, ssl.TLSVersion.TLSv1_2])
def test_a_server_that_wants_a_clients_certificate_says_which_keys_are_missing(
    serve_tls: Callable[..., Address], certificates: Path, newest: ssl.TLSVersion | None
) -> None:
    address = serve_tls("now.pem", wants_client="other.pem", newest=newest)
    now, key = certificates / "now.pem", certificates / "key.pem"
    trusting = Tls(ca_file=now)
    stranger = Tls(ca_file=now, cert_file=now, key_file=key)
    for tls in (trusting, stranger):
        said = said_of(address, tls)
        assert "the server takes only clients with a certificate that it trusts" in said
        assert "as `cert_file` and `key_file` under `tls`" in said


def test_plain_http_to_a_tls_port_is_explained(serve: Callable[..., Server]) -> None:
    for text in (b"Client sent an HTTP request to an HTTPS server.", b"The plain HTTP request was sent to HTTPS port"):
        assert "\nwrite https:// in the address" in said_of(serve(answer("400 Bad Request", text)).address)


def test_a_page_is_described_by_its_title_and_not_quoted(serve: Callable[..., Server]) -> None:
    page = b"<!DOCTYPE html><html><head><title>\n Sign &amp; go </title></head>" + b"x" * 1000
    address = serve(answer("502 Bad Gateway", page)).address
    said = said_of(address)
    assert said.partition(f":{address.port}: ")[2] == (
        '502 Bad Gateway: a page of HTML, "Sign & go"\n'
        "a proxy before the server answers in its place: see the proxy's log, or give `address` the server's own"
    )
    assert said_of(serve(answer("404 Not Found", b"  <html></html>")).address).count("a page of HTML\n") == 1


def test_a_proxy_that_wants_a_login_is_reported(serve: Callable[..., Server]) -> None:
    said = said_of(serve(answer("407 Proxy Authentication Required", b"")).address)
    assert "a proxy before the server asks for a login" in said


def test_every_message_names_the_server_that_was_asked(serve: Callable[..., Server], tmp_path: Path) -> None:
    address = serve(answer("404 Not Found", b"no")).address
    asked = f"source mesh: GET /v1/x at http://127.0.0.1:{address.port}"
    assert said_of(address).startswith(f"{asked}: 404 Not Found: no\n")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    local = serve(answer("404 Not Found", b"no"), listener=listener).address
    assert f"GET /v1/x at unix://{tmp_path / 's'}: 404" in said_of(local)


def test_an_unresolvable_name_is_distinguished_from_a_server_that_is_down() -> None:
    said = said_of(Address(scheme="http", host="no-such-host.invalid", port=80))
    assert "cannot reach http://no-such-host.invalid:80: its name cannot be resolved: " in said
    assert "\ncorrect `address`, or find out why the name servers of this machine do not know that name; " in said
