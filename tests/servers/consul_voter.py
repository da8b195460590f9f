"""A real Consul server without a leader."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from pathlib import Path

from consul_agent import version_of
from processes import Server, free_port


class Voter:
    """A server that elects a leader only once it has joined another. address: `http://127.0.0.1:PORT`."""

    def __init__(self, binary: str, folder: Path, number: int) -> None:
        folder.mkdir()
        self.port, self.lan_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        ports = {"http": self.port, "dns": -1, "grpc": -1, "serf_lan": self.lan_port, "serf_wan": -1}
        if version_of(binary) >= (1, 14):
            ports["grpc_tls"] = -1
        settings = {
            "datacenter": "dc1",
            "node_name": f"voter-{number}",
            "bind_addr": "127.0.0.1",
            "server": True,
            "bootstrap_expect": 2,
            "data_dir": str(folder / "data"),
            "disable_update_check": True,
            "performance": {"raft_multiplier": 1},
            "ports": {**ports, "server": free_port()},
        }
        (folder / "agent.json").write_text(json.dumps(settings))
        command = [binary, "agent", f"-config-file={folder / 'agent.json'}", "-log-level=warn"]
        self.server = Server(command, folder / "agent.log", folder)
        self.server.wait_until(self.has_no_leader, "consul server")

    def has_no_leader(self) -> bool:
        return self.request("GET", "/v1/status/leader") == b'""'

    def join(self, other: Voter) -> None:
        self.request("PUT", f"/v1/agent/join/127.0.0.1:{other.lan_port}")

    def request(self, method: str, path: str) -> bytes:
        """Send a request and return the body of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()
