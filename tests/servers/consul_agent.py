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

from consul_bodies import compared, service_body
from consul_certificates import TlsFiles, created_certificates
from processes import NotStartedError, Server, free_port

NODE = "node-a"
TTL = "24h"
"""Of the checks that `register` makes: they keep the status that they are registered with."""


class RequestError(Exception):
    """The agent answered with something else than 2xx."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status
        self.body = body


@cache
def version_of(binary: str) -> tuple[int, ...]:
    """The version that a `consul` program says it has, e.g. (1, 14, 11)."""
    said = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"Consul v(\d+)\.(\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


class ConsulAgent:
    """One `consul agent -dev`: a server of its own datacenter, ready when this returns.

    address: `http://127.0.0.1:PORT` (https with `tls`). socket: the path of the unix socket that it listens on as well.
    datacenter, node: names. token: what `request` sends where it is given none; None, or set by the caller.
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
        """Starts the agent and waits until it is ready."""
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
        """A leader, and in the catalog all that the agent writes of itself: nothing moves by itself from here on."""
        if not self._answered("/v1/status/leader"):
            return False
        if self._config.get("acl"):
            return True  # nothing else may be read yet
        health = self._answered(f"/v1/health/node/{self.node}") or ()
        nodes = self._answered("/v1/catalog/nodes") or ()
        return (
            any(check["CheckID"] == "serfHealth" and check["Status"] == "passing" for check in health)
            and any(node["Node"] == self.node and node["TaggedAddresses"] and node["Meta"] for node in nodes)
            and bool(self._answered("/v1/catalog/service/consul"))
        )

    def _answered(self, path: str) -> Any:
        try:
            return self.request("GET", path)
        except RequestError:
            return None

    def request(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        """The parsed JSON of the answer, None where it has none. Raises RequestError where it is not 2xx, or OSError.

        path: percent-encoded, with query.
        """
        headers = {}
        token = token or self.token
        if token:
            headers["X-Consul-Token"] = token
        body = None if json is None else json_module.dumps(json).encode()
        try:
            status, answer = self._send(method, path, body, headers)
        except (http.client.HTTPException, OSError):
            # An idle connection that the agent closed; or it is not there (yet).
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
        """The bytes of the answer, which must be 200; of a snapshot, for example."""
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
        """Registers an instance with the agent, on its own node, and waits until the catalog has it.

        id: default the name. weights: (passing, warning). kind: e.g. connect-proxy, mesh-gateway.
        status: of a check of the instance; None for no check. checks: further ones, as the agent takes them.
        settle=False: does not wait; for many registrations call `settle()` after the last.
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
        """Registers a node in the catalog and, where `service` is given, an instance on it.

        status: of a check of the instance, node_status: of one of the node; None: no such check.
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
        """Removes an instance of the agent's own node."""
        self.request("PUT", f"/v1/agent/service/deregister/{quote(id, safe='')}")
        if settle:
            self.settle()

    def catalog_deregister(self, node: str, id: str | None = None) -> None:
        """Removes a node of the catalog with all that is on it, or one instance on it."""
        body = {"Node": node, "Datacenter": self.datacenter}
        if id is not None:
            body["ServiceID"] = id
        self.request("PUT", "/v1/catalog/deregister", body)

    def maintenance(self, id: str | None = None, *, enable: bool = True, reason: str = "test") -> None:
        """Puts the agent's node, or one instance on it, into maintenance, or out of it."""
        where = "/v1/agent/maintenance" if id is None else f"/v1/agent/service/maintenance/{quote(id, safe='')}"
        self.request("PUT", f"{where}?enable={str(enable).lower()}&reason={quote(reason)}")
        self.settle()

    def reset(self) -> None:
        """Removes all that was registered, on this node and on others; takes the node out of maintenance.

        Starts the agent where a test has ended it, and failed before it started it again.
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
            # An id such as ".." can't be written into a path: the agent can't be told to forget it.
            self.stop()
            self.start()
        for node in self.request("GET", "/v1/catalog/nodes"):
            if node["Node"] != self.node:
                self.catalog_deregister(node["Node"])
        self.settle()

    def settle(self) -> None:
        """Waits until the catalog has what the agent has.

        Consul 1.8.7 writes to it before it answers; but where that fails, and in other versions, a moment later.
        """
        end = time.monotonic() + 30
        while self._of_the_agent() != self._of_the_catalog():
            if time.monotonic() > end:
                raise TimeoutError(f"the catalog does not follow the agent\n{self.server.log_end()}")
            time.sleep(0.01)

    def _of_the_agent(self) -> tuple[dict[str, Any], dict[str, Any]]:
        services = self.request("GET", "/v1/agent/services")
        checks = self.request("GET", "/v1/agent/checks")
        return compared(services), {check_id: check["Status"] for check_id, check in checks.items()}

    def _of_the_catalog(self) -> tuple[dict[str, Any], dict[str, Any]]:
        services = self.request("GET", f"/v1/catalog/node/{self.node}")["Services"]
        checks = self.request("GET", f"/v1/health/node/{self.node}")
        services.pop("consul", None)
        return compared(services), {
            check["CheckID"]: check["Status"] for check in checks if check["CheckID"] != "serfHealth"
        }

    def stop(self) -> None:
        """Ends the agent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.server.stop(politely=False)  # it keeps nothing, and takes seconds to say goodbye


class AclAgent(ConsulAgent):
    """An agent with ACLs on, which deny by default. token: the bootstrap token, which may do all."""

    def __init__(self, binary: str, folder: Path) -> None:
        acl = {"enabled": True, "default_policy": "deny", "enable_token_persistence": False}
        super().__init__(binary, folder, config={"acl": acl})
        self._policies = 0
        try:
            self.server.wait_until(self._bootstrapped, "ACLs of consul")
            # With it the agent may write of its own node; instances are written with the token that registers them.
            self.request("PUT", "/v1/agent/token/agent", {"Token": self.token})
            self.server.wait_until(self._registered, "consul agent with ACLs")
        except NotStartedError:
            self.stop()
            raise

    def _bootstrapped(self) -> bool:
        try:
            self.token = self.request("PUT", "/v1/acl/bootstrap")["SecretID"]
        except RequestError:
            return False  # "The ACL system is currently in legacy mode", for a moment
        return True

    def _registered(self) -> bool:
        return any(node["Node"] == self.node and node["Meta"] for node in self.request("GET", "/v1/catalog/nodes"))

    def create_token(self, rules: str) -> str:
        """The secret of a new token that may do what `rules` say (Consul's ACL rules in HCL; "": nothing)."""
        self._policies += 1
        policy = self.request("PUT", "/v1/acl/policy", {"Name": f"test-{self._policies}", "Rules": rules})
        token = self.request("PUT", "/v1/acl/token", {"Policies": [{"ID": policy["ID"]}]})
        return str(token["SecretID"])


class WanPair:
    """Two datacenters, dc1 (`primary`) and dc2 (`secondary`), joined over WAN: each answers for the other."""

    def __init__(
        self,
        binary: str,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        secondary: Mapping[str, Any] | None = None,
    ) -> None:
        """config, secondary: further settings of the primary, and of the other."""
        self.primary = ConsulAgent(binary, folder / "1", config=config)
        try:
            self.secondary = ConsulAgent(binary, folder / "2", datacenter="dc2", node="node-b", config=secondary)
        except NotStartedError:
            self.primary.stop()
            raise
        try:
            self.join()
            self.primary.server.wait_until(self._joined, "joining dc1 and dc2")
        except NotStartedError:
            self.stop()
            raise

    def join(self) -> None:
        """Let the secondary find the primary: by themselves they do it again half a minute after a restart."""
        self.secondary.request("PUT", f"/v1/agent/join/127.0.0.1:{self.primary.wan_port}?wan=1")

    def _joined(self) -> bool:
        for agent in self.agents:
            try:
                known = agent.request("GET", "/v1/catalog/datacenters")
                if sorted(known) != ["dc1", "dc2"]:
                    return False
                for datacenter in known:
                    agent.request("GET", f"/v1/catalog/nodes?dc={datacenter}")
            except RequestError:
                return False
        return True

    @property
    def agents(self) -> tuple[ConsulAgent, ConsulAgent]:
        return (self.primary, self.secondary)

    def reset(self) -> None:
        """Removes all that was registered in both."""
        for agent in self.agents:
            agent.reset()

    def stop(self) -> None:
        for agent in self.agents:
            agent.stop()


def tls_agent(binary: str, folder: Path) -> ConsulAgent:
    """An agent that speaks https only, to clients with a certificate of its authority only (see `tls`)."""
    tls = created_certificates(binary, folder)
    config = {
        "verify_incoming": True,
        "ca_file": str(tls.ca_file),
        "cert_file": str(tls.agent_cert_file),
        "key_file": str(tls.agent_key_file),
    }
    return ConsulAgent(binary, folder, config=config, tls=tls)
