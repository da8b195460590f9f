"""Live sources before which faults are put: each a server with something to freeze, and how it is configured."""

from __future__ import annotations

from typing import Any, Protocol

from consul_agent import ConsulAgent
from nomad_replay import NomadReplay

LIMITS = {"timeout": "1s", "connect_timeout": "1s", "deadline": "5s", "retries": 1, "connections": 3}
DEADLINE = 5.0


class World(Protocol):
    """port: where the server listens once it was started. tolerated: beginnings of paths whose failure is no error."""

    port: int
    tolerated: tuple[str, ...]

    def start(self) -> None: ...

    def move(self) -> None:
        """Changes what there is to freeze a little: no guard minds."""

    def source(self, address: str) -> dict[str, Any]:
        """The source, as the configuration has it."""

    def stop(self) -> None: ...


class ConsulWorld:
    """A catalog of this many services (50 or fewer are read by name), some with a name that only the dump can have."""

    tolerated = ("/v1/status/leader",)  # asked to hear of a missing leader soon; every other answer says so too

    def __init__(self, agent: ConsulAgent, services: int, hostile: str = "") -> None:
        self._agent = agent
        self._names = [f"shop{number:02}-v1" for number in range(services)] + ([hostile] if hostile else [])
        self.port = agent.port

    def start(self) -> None:
        self._agent.reset()
        for number, name in enumerate(self._names):
            # Of six, guards see a half go; of one, the proof.
            for node in range(6 if number % 2 == 0 else 1):
                self._register(name, node)

    def move(self) -> None:
        self._register(self._names[0], 6)

    def _register(self, name: str, node: int) -> None:
        self._agent.catalog_register(
            f"n{node}", name, port=80 + node, node_address=f"10.0.0.{node}", status="passing", meta={"owner": "us"}
        )

    def source(self, address: str) -> dict[str, Any]:
        return {"type": "consul", "address": address, "datacenters": ["dc1"], **LIMITS}

    def stop(self) -> None:
        self._agent.reset()


class NomadWorld:
    """What was recorded of a Nomad."""

    tolerated = ("/v1/client/",)  # a client that does not answer makes its services critical

    def start(self) -> None:
        self._server = NomadReplay()
        self.port = self._server.port

    def move(self) -> None:
        pass

    def source(self, address: str) -> dict[str, Any]:
        return {"type": "nomad", "address": address, "namespaces": ["*"], **LIMITS}

    def stop(self) -> None:
        self._server.stop()
