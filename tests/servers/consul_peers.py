"""Two real Consul clusters that are peered (1.14), one of which exports services to the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consul_agent import AclAgent, ConsulAgent, RequestError
from processes import NotStartedError, free_port

EAST, WEST = "east", "west"


class _Peerable:
    """An agent that can be peered: its gRPC port is open to the other cluster."""

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = super()._settings()  # type: ignore[misc]
        settings["ports"]["grpc_tls"] = free_port()
        return {**settings, "peering": {"enabled": True}, "connect": {"enabled": True}}


class _Agent(_Peerable, ConsulAgent):
    pass


class _AclAgent(_Peerable, AclAgent):
    pass


class PeeredPair:
    """`east`, with ACLs on, and `west` (datacenter dc2), which exports services to east as the peer `west`.

    establish() makes a peering; end() deletes it. Both clusters stay.
    """

    def __init__(self, binary: str, folder: Path) -> None:
        self.east = _AclAgent(binary, folder / EAST)
        try:
            self.west = _Agent(binary, folder / WEST, datacenter="dc2", node="node-b")
        except NotStartedError:
            self.east.stop()
            raise

    def establish(self, peer: str = WEST) -> None:
        """Make east know west as this peer, and wait until it is active."""
        token = self.west.request("POST", "/v1/peering/token", {"PeerName": f"to-{peer}"})["PeeringToken"]
        self.east.request("POST", "/v1/peering/establish", {"PeerName": peer, "PeeringToken": token})
        self.wait_for(lambda: self.peering(peer).get("State") == "ACTIVE", f"the peering {peer}")

    def end(self) -> None:
        """Delete all peerings of both."""
        for agent in (self.east, self.west):
            for peering in agent.request("GET", "/v1/peerings"):
                agent.request("DELETE", f"/v1/peering/{peering['Name']}")
            self.wait_for(lambda agent=agent: not agent.request("GET", "/v1/peerings"), "the end of the peerings")

    def export(self, *services: str, to: str = WEST) -> None:
        """Export only these services of west, and wait until east knows."""
        consumers = [{"Peer": f"to-{to}"}]
        exported = [{"Name": service, "Consumers": consumers} for service in services]
        if exported:
            entry = {"Kind": "exported-services", "Name": "default", "Services": exported}
            self.west.request("PUT", "/v1/config", entry)
        else:
            self.west.request("DELETE", "/v1/config/exported-services/default")
        self.wait_for(lambda: self.imported(to) == sorted(services), f"the services {services}")

    def imported(self, peer: str = WEST) -> list[str]:
        """Return what east imports from this peer, or nothing until the instances have arrived too."""
        names = sorted((self.peering(peer).get("StreamStatus") or {}).get("ImportedServices") or ())
        here = {service["Name"] for service in self.east.request("GET", f"/v1/internal/ui/services?peer={peer}")}
        there = set(self.west.request("GET", "/v1/catalog/services")) & set(names)
        return names if here == there else []

    def peering(self, peer: str = WEST) -> dict[str, Any]:
        """Return what east says of this peer, or {} if it does not know the peer."""
        try:
            found: dict[str, Any] = self.east.request("GET", f"/v1/peering/{peer}")
        except RequestError:
            return {}
        return found

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 20
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} did not come\n{self.east.server.log_end()}")
            time.sleep(0.02)

    def reset(self) -> None:
        """Restore the beginning: one active peering, nothing registered, nothing exported."""
        self.end()
        for agent in (self.east, self.west):
            agent.reset()
        self.west.request("DELETE", "/v1/config/exported-services/default")
        self.establish()

    def stop(self) -> None:
        self.east.stop()
        self.west.stop()
