"""Two real Consul datacenters that are joined over WAN, for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consul_agent import ConsulAgent, RequestError
from processes import NotStartedError


class WanPair:
    """Two datacenters, dc1 (`primary`) and dc2 (`secondary`). Each answers for the other."""

    def __init__(
        self,
        binary: str,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        secondary: Mapping[str, Any] | None = None,
    ) -> None:
        """config: further settings of the primary. secondary: of the secondary."""
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
        """Join the secondary to the primary. After a restart they find each other only half a minute later."""
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
        """Remove everything that was registered in both."""
        for agent in self.agents:
            agent.reset()

    def stop(self) -> None:
        for agent in self.agents:
            agent.stop()
