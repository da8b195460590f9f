"""A real Consul agent in development mode, for the tests."""

from __future__ import annotations

import http.client
import json as json_module
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from consul_bodies import keep_compared_fields, service_body
from consul_certificates import TlsFiles, create_certificates
from processes import NotStartedError, Server, free_port

NODE = "node-a"
TTL = "24h"
"""The TTL of the checks that `register` makes, so long that they keep their first status."""


class RequestError(Exception):
    """The agent answered with a status other than 2xx."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status
        self.body = body


@cache
def version_of(binary: str) -> tuple[int, ...]:
    """Ask a `consul` program for its version, e.g. (1, 14, 11)."""
    said = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"Consul v(\d+)\.(\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


class ConsulAgent:
    """One `consul agent -dev`: a server of its own datacenter, ready when this returns.

    address: `http://127.0.0.1:PORT` (https with `tls`). socket: the path of the unix socket on which it also listens.
    datacenter, node: names. token: what `request` sends by default; the caller may set it.
    wan_port: the port where other datacenters join. server: the process. version: of Consul, e.g. (1, 14, 11).
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        *,
        datacenter: str = "dc1",
        node: str = NODE,
        config: Mapping[str, Any] | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.binary = binary
        self.version = version_of(binary)
        self.folder = folder
        self.datacenter = datacenter
        self.node = node
        self.tls = tls
        self.token: str | None = None
        self._config = dict(config or {})
        self.port, self.wan_port = free_port(), free_port()
        self.socket = self.folder / "c.sock"  # short: a unix socket's path may have 107 bytes
        self.address = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        self._connection: http.client.HTTPConnection | None = None
        self.start()

    def start(self) -> None:
        """Start the agent and wait until it is ready."""
        self.socket.unlink(missing_ok=True)
        settings = self.folder / "agent.json"
        settings.write_text(json_module.dumps(self._settings()))
        command = [self.binary, "agent", "-dev", f"-config-file={settings}", "-log-level=warn"]
        self.server = Server(command, self.folder / "agent.log", self.folder)
        try:
            self.server.wait_until(self._ready, f"consul agent of {self.datacenter}")
        except NotStartedError:
            self.stop()
            raise

    def _settings(self) -> dict[str, Any]:
        listen = {"http": -1, "https": self.port} if self.tls else {"http": self.port, "https": -1}
        if self.version >= (1, 14):
            listen["grpc_tls"] = -1  # on by default, on the same port in every agent; older versions refuse the key
        return {
            "datacenter": self.datacenter,
            "node_name": self.node,
            "bind_addr": "127.0.0.1",
            "addresses": {"https" if self.tls else "http": f"127.0.0.1 unix://{self.socket}"},
            "ports": {
                **listen,
                "dns": -1,
                "grpc": -1,
                "serf_lan": free_port(),
                "serf_wan": self.wan_port,
                "server": free_port(),
            },
            "disable_update_check": True,
            **self._config,
        }

    def _ready(self) -> bool:
        """Whether there is a leader and the agent has written all about itself: from then on nothing changes by
        itself."""
        if not self._try_get("/v1/status/leader"):
            return False
        if self._config.get("acl"):
            return True  # nothing else may be read yet
        health = self._try_get(f"/v1/health/node/{self.node}") or ()
        nodes = self._try_get("/v1/catalog/nodes") or ()
        return (
            any(check["CheckID"] == "serfHealth" and check["Status"] == "passing" for check in health)
            and any(node["Node"] == self.node and node["TaggedAddresses"] and node["Meta"] for node in nodes)
            and bool(self._try_get("/v1/catalog/service/consul"))
        )

    def _try_get(self, path: str) -> Any:
        try:
            return self.request("GET", path)
        except RequestError:
            return None

    def request(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        """Send a request and return the JSON of the answer, or its text, or None if it is empty.

        path: percent-encoded, with query. Raises RequestError for a status other than 2xx, or OSError.
        """
        headers = {}
        token = token or self.token
        if token:
            headers["X-Consul-Token"] = token
        body = None if json is None else json_module.dumps(json).encode()
        try:
            status, answer = self._send(method, path, body, headers)
        except (http.client.HTTPException, OSError):
            # The agent closed an idle connection, or does not run (yet).
            self._connection = None
            try:
                status, answer = self._send(method, path, body, headers)
            except http.client.HTTPException as error:
                raise OSError(str(error)) from error
        if not 200 <= status < 300:
            raise RequestError(method, path, status, answer.decode(errors="replace"))
        try:
            return json_module.loads(answer)
        except ValueError:
            return answer.decode() or None

    def request_bytes(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request and return the bytes of the answer, such as a snapshot. Its status must be 200."""
        status, answer = self._send(method, path, body, {})
        assert status == 200, answer
        return answer

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _connect(self) -> http.client.HTTPConnection:
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls.context())
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def register(
        self,
        name: str,
        *,
        id: str | None = None,
        address: str = "",
        port: int = 0,
        tags: Iterable[str] = (),
        meta: Mapping[str, str] | None = None,
        kind: str | None = None,
        weights: tuple[int, int] | None = None,
        tagged_addresses: Mapping[str, tuple[str, int]] | None = None,
        proxy: Mapping[str, Any] | None = None,
        checks: Iterable[Mapping[str, Any]] = (),
        status: str | None = "passing",
        settle: bool = True,
    ) -> None:
        """Register an instance with the agent, on its own node, and wait until the catalog has it.

        id: by default the name. weights: (passing, warning). kind: e.g. connect-proxy, mesh-gateway.
        status: that of the instance's check; None for no check. checks: further ones, as the agent takes them.
        settle=False: do not wait; after many registrations, call `settle()` once.
        """
        own_checks: list[Mapping[str, Any]] = [{"TTL": TTL, "Status": status}] if status else []
        body = service_body(name, id, address, port, tags, meta, kind, weights, tagged_addresses, proxy)
        body |= {"Name": body.pop("Service"), "Checks": [*own_checks, *checks]}
        self.request("PUT", "/v1/agent/service/register", body)
        if settle:
            self.settle()

    def catalog_register(
        self,
        node: str,
        service: str | None = None,
        *,
        id: str | None = None,
        node_address: str = "10.255.0.1",
        node_meta: Mapping[str, str] | None = None,
        node_tagged_addresses: Mapping[str, str] | None = None,
        address: str = "",
        port: int = 0,
        tags: Iterable[str] = (),
        meta: Mapping[str, str] | None = None,
        kind: str | None = None,
        weights: tuple[int, int] | None = None,
        tagged_addresses: Mapping[str, tuple[str, int]] | None = None,
        proxy: Mapping[str, Any] | None = None,
        status: str | None = None,
        node_status: str | None = None,
        checks: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Register a node in the catalog and, if `service` is given, an instance on it.

        status: that of the instance's check; node_status: that of the node's; None: no such check.
        checks: further ones, as the catalog takes them ({"CheckID": …, "Name": …, "Status": …, "ServiceID": …}).
        """
        body: dict[str, Any] = {"Node": node, "Address": node_address, "NodeMeta": dict(node_meta or {})}
        if node_tagged_addresses:
            body["TaggedAddresses"] = dict(node_tagged_addresses)
        all_checks = [dict(check) for check in checks]
        if service is not None:
            body["Service"] = service_body(
                service, id, address, port, tags, meta, kind, weights, tagged_addresses, proxy
            )
            if status:
                service_id = id or service
                all_checks.append(
                    {"CheckID": f"service:{service_id}", "Name": "test", "Status": status, "ServiceID": service_id}
                )
        if node_status:
            all_checks.append({"CheckID": "node-check", "Name": "test", "Status": node_status})
        body["Checks"] = [{"Node": node, **check} for check in all_checks]
        self.request("PUT", "/v1/catalog/register", body)

    def deregister(self, id: str, *, settle: bool = True) -> None:
        """Remove an instance from the agent's own node."""
        self.request("PUT", f"/v1/agent/service/deregister/{quote(id, safe='')}")
        if settle:
            self.settle()

    def catalog_deregister(self, node: str, id: str | None = None) -> None:
        """Remove a node from the catalog with everything on it, or only one instance on it."""
        body = {"Node": node, "Datacenter": self.datacenter}
        if id is not None:
            body["ServiceID"] = id
        self.request("PUT", "/v1/catalog/deregister", body)

    def maintenance(self, id: str | None = None, *, enable: bool = True, reason: str = "test") -> None:
        """Put the agent's node, or one instance on it, into maintenance, or take it out of it."""
        where = "/v1/agent/maintenance" if id is None else f"/v1/agent/service/maintenance/{quote(id, safe='')}"
        self.request("PUT", f"{where}?enable={str(enable).lower()}&reason={quote(reason)}")
        self.settle()

    def reset(self) -> None:
        """Remove everything that was registered on any node, and take this node out of maintenance.

        Start the agent if a test stopped it and failed before it started the agent again.
        """
        if self.server.ended:
            self.stop()
            self.start()
        try:
            self.request("PUT", "/v1/agent/maintenance?enable=false")
            for service_id in self.request("GET", "/v1/agent/services"):
                self.deregister(service_id, settle=False)
            for check_id in self.request("GET", "/v1/agent/checks"):
                self.request("PUT", f"/v1/agent/check/deregister/{quote(check_id, safe='')}")
        except RequestError:
            # The agent cannot be told to forget an id such as "..", which cannot be written into a path.
            self.stop()
            self.start()
        for node in self.request("GET", "/v1/catalog/nodes"):
            if node["Node"] != self.node:
                self.catalog_deregister(node["Node"])
        self.settle()

    def settle(self) -> None:
        """Wait until the catalog has what the agent has.

        Consul 1.8.7 writes to the catalog before it answers. If that fails, and in other versions, it does so later.
        """
        end = time.monotonic() + 30
        while self._state_of_agent() != self._state_of_catalog():
            if time.monotonic() > end:
                raise TimeoutError(f"the catalog does not follow the agent\n{self.server.log_end()}")
            time.sleep(0.01)

    def _state_of_agent(self) -> tuple[dict[str, Any], dict[str, Any]]:
        services = self.request("GET", "/v1/agent/services")
        checks = self.request("GET", "/v1/agent/checks")
        return keep_compared_fields(services), {check_id: check["Status"] for check_id, check in checks.items()}

    def _state_of_catalog(self) -> tuple[dict[str, Any], dict[str, Any]]:
        services = self.request("GET", f"/v1/catalog/node/{self.node}")["Services"]
        checks = self.request("GET", f"/v1/health/node/{self.node}")
        services.pop("consul", None)
        return keep_compared_fields(services), {
            check["CheckID"]: check["Status"] for check in checks if check["CheckID"] != "serfHealth"
        }

    def stop(self) -> None:
        """Stop the agent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.server.stop(politely=False)  # it keeps nothing, and takes seconds to say goodbye


class AclAgent(ConsulAgent):
    """An agent with ACLs on, which deny by default. token: the bootstrap token, which may do everything."""

    def __init__(self, binary: str, folder: Path) -> None:
        acl = {"enabled": True, "default_policy": "deny", "enable_token_persistence": False}
        super().__init__(binary, folder, config={"acl": acl})
        self._policies = 0
        try:
            self.server.wait_until(self._bootstrap, "ACLs of consul")
            # This token lets the agent write its own node. It writes an instance with the token that registered it.
            self.request("PUT", "/v1/agent/token/agent", {"Token": self.token})
            self.server.wait_until(self._registered, "consul agent with ACLs")
        except NotStartedError:
            self.stop()
            raise

    def _bootstrap(self) -> bool:
        try:
            self.token = self.request("PUT", "/v1/acl/bootstrap")["SecretID"]
        except RequestError:
            return False  # "The ACL system is currently in legacy mode", for a moment
        return True

    def _registered(self) -> bool:
        return any(node["Node"] == self.node and node["Meta"] for node in self.request("GET", "/v1/catalog/nodes"))

    def create_token(self, rules: str) -> str:
        """Create a token with these rights (Consul's ACL rules in HCL; "": none), and return its secret."""
        self._policies += 1
        policy = self.request("PUT", "/v1/acl/policy", {"Name": f"test-{self._policies}", "Rules": rules})
        token = self.request("PUT", "/v1/acl/token", {"Policies": [{"ID": policy["ID"]}]})
        return str(token["SecretID"])


def tls_agent(binary: str, folder: Path) -> ConsulAgent:
    """Start an agent that speaks only https, and only to clients with a certificate of its authority (see `tls`)."""
    tls = create_certificates(binary, folder)
    config = {
        "verify_incoming": True,
        "ca_file": str(tls.ca_file),
        "cert_file": str(tls.agent_cert_file),
        "key_file": str(tls.agent_key_file),
    }
    return ConsulAgent(binary, folder, config=config, tls=tls)
