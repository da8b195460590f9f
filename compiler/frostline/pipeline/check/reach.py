"""Whether frozen endpoints take a TCP connection now. Nothing is sent over the connection, and nothing is written.

A connection goes straight to the host and port of the endpoint's URL, never through a proxy ($HTTPS_PROXY): it shows
what a program on this machine meets without a proxy. Declared services have no endpoint, and URLs with a scheme for
datagrams take no connections, so both are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from frostline.checks.waivers import apply_waivers, last_days
from frostline.events import stage
from frostline.model import Finding, Key, Origin, Registry
from frostline.patterns import host_and_port
from frostline.rules import Rule
from frostline.settings import Waiver

TIMEOUT = 2.0
"""Seconds for resolving a name, and again for a connection."""

_DATAGRAMS = ("udp:", "quic:", "ntp:")
"""URLs that begin so are never called over TCP (RFC 768, 9000, 5905)."""

UNREACHED = Rule(
    name="endpoint-unreached",
    summary="a frozen endpoint takes no TCP connection",
    why=(
        "A program that calls the frozen URL fails. The service moved, is down, or cannot be reached from the "
        "machine that checks. Only `frostline check --reach` has this finding; it exits with 1."
    ),
    example="mesh(datacenter=dc1, node=n1, id=payments-1): error[endpoint-unreached]: payments v1: "
    "`http://10.0.0.1:8080/v1` takes no connection: connection refused\n"
    "  help: freeze it again if it moved: `frostline plan` shows where it is now",
    mend="freeze it again if it moved: `frostline plan` shows where it is now",
)
RULES = (UNREACHED,)


class Unreached(Struct, frozen=True, kw_only=True):
    """An endpoint that takes no connection. reason: a clause, such as `connection refused`."""

    key: Key
    url: str
    reason: str
    origin: Origin

    def finding(self) -> Finding:
        """Return the same as a finding, for the formats that show only findings."""
        return UNREACHED.finding(
            f"`{self.url}` takes no connection: {self.reason}",
            service=self.key.service,
            version=self.key.version,
            value=self.url,
            origin=self.origin,
        )


class Reach(Struct, frozen=True, kw_only=True):
    """The result of connecting to endpoints.

    endpoints: how many were tried. reached: how many took a connection.
    unreached: the others, except those that waivers silence, in the registry's order.
    """

    endpoints: int
    reached: int
    unreached: tuple[Unreached, ...]

    @property
    def waived(self) -> int:
        return self.endpoints - self.reached - len(self.unreached)


def reach_endpoints(registry: Registry, waivers: Sequence[Waiver], today: date) -> Reach:
    """Connect to every endpoint of the registry, once to each host and port, and apply the waivers that hold today."""
    # Imported here because no other command needs asyncio, which takes as long to load as the configuration.
    from frostline.pipeline.check.connecting import failed_connections

    valid = [waiver for waiver, last in zip(waivers, last_days(waivers), strict=True) if today <= last]
    endpoints = [
        (key, endpoint)
        for key, entry in registry.entries()
        for endpoint in entry.endpoints
        if not endpoint.url.lower().startswith(_DATAGRAMS)
    ]
    targets = {endpoint.url: host_and_port(endpoint.url) for _, endpoint in endpoints}
    with stage("connecting to endpoints"):
        reasons = failed_connections(targets.values(), TIMEOUT)
    unreached = [
        Unreached(key=key, url=endpoint.url, reason=reason, origin=endpoint.origin)
        for key, endpoint in endpoints
        if (reason := reasons[targets[endpoint.url]]) is not None
    ]
    return Reach(
        endpoints=len(endpoints),
        reached=len(endpoints) - len(unreached),
        unreached=tuple(missed for missed in unreached if apply_waivers([missed.finding()], valid, today)),
    )
