"""Certificates of an authority of the test's own, made by `consul tls`."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TlsFiles:
    """The authority, a client's certificate and key, the name in the agent's certificate; and the agent's own."""

    ca_file: Path
    cert_file: Path
    key_file: Path
    server_name: str
    agent_cert_file: Path
    agent_key_file: Path

    def context(self) -> ssl.SSLContext:
        """What a client connects with."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def created_certificates(binary: str, folder: Path) -> TlsFiles:
    """New ones in this folder. They are valid for 127.0.0.1 and localhost too."""
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
