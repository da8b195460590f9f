"""Make certificates: with `consul tls`, and with openssl those that old authorities made."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TlsFiles:
    """The authority, a client's certificate and key, the agent's name, and the agent's certificate and key."""

    ca_file: Path
    cert_file: Path
    key_file: Path
    server_name: str
    agent_cert_file: Path
    agent_key_file: Path

    def context(self) -> ssl.SSLContext:
        """Make the context with which a client connects."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def create_certificates(binary: str, folder: Path) -> TlsFiles:
    """Create new ones in this folder. They are also valid for 127.0.0.1 and localhost."""
    folder.mkdir(parents=True, exist_ok=True)
    for arguments in (["ca", "create"], ["cert", "create", "-server", "-dc", "dc1"], ["cert", "create", "-client"]):
        subprocess.run([binary, "tls", *arguments], cwd=folder, check=True, capture_output=True)
    return TlsFiles(
        ca_file=folder / "consul-agent-ca.pem",
        cert_file=folder / "dc1-client-consul-0.pem",
        key_file=folder / "dc1-client-consul-0-key.pem",
        server_name="server.dc1.consul",
        agent_cert_file=folder / "dc1-server-consul-0.pem",
        agent_key_file=folder / "dc1-server-consul-0-key.pem",
    )


OLD_AUTHORITIES: dict[str, Sequence[str] | None] = {
    "not critical": ("basicConstraints=CA:TRUE", "keyUsage=critical,keyCertSign"),
    "no key usage": ("basicConstraints=critical,CA:TRUE",),
    "no key identifiers": ("basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=none"),
    "version 1": None,
}
"""Extensions of authorities' certificates that Python 3.13 refuses by default. None: a certificate of version 1."""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def old_authority(folder: Path, extensions: Sequence[str] | None) -> None:
    """Write ca.pem with these extensions (None: version 1), and server.pem with server.key, which it signs for
    localhost."""
    text = "[v]\n" + "".join(f"{extension}\n" for extension in extensions or ())
    (folder / "ca.ext").write_text(text)
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier=none\n")
    openssl(folder, "req", "-new", *_KEY, "-subj", "/CN=an old authority", "-keyout", "ca.key", "-out", "ca.csr")
    with_extensions = [] if extensions is None else ["-extfile", "ca.ext", "-extensions", "v"]
    openssl(folder, "x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", *with_extensions, "-out", "ca.pem")
    openssl(folder, "req", "-new", *_KEY, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "server.ext"]
    openssl(folder, "x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")


def self_signed_of_version_1(folder: Path) -> None:
    """Write server.pem and server.key, for localhost by its common name only."""
    openssl(folder, "req", "-new", *_KEY, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-signkey", "server.key", "-out", "server.pem")


def intermediate_authority(folder: Path) -> None:
    """Write intermediate.pem, signed by root.pem, and server.pem with server.key, signed by intermediate.pem."""
    old_authority(folder, ("basicConstraints=critical,CA:TRUE",))
    openssl(folder, "req", "-x509", *_KEY, "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem")
    signed = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "ca.ext", "-extensions", "v"]
    openssl(folder, "x509", "-req", "-in", "ca.csr", *signed, "-out", "intermediate.pem")
    signed = ["-CA", "intermediate.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "server.ext"]
    openssl(folder, "x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
