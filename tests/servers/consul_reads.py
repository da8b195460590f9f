"""Read the source `consul` from a real agent."""

from __future__ import annotations

from typing import Any

import pytest
from consul_agent import ConsulAgent

from frostline.errors import SourceError
from frostline.model import FileOrigin, Registration
from frostline.settings import LiveLimits, Select
from frostline.sources.consul import source as consul
from frostline.sources.consul.settings import ConsulSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)
LIMITS = LiveLimits(retries=0)


def settings_of(address: str, services: tuple[str, ...] = ("*", "!consul"), **more: Any) -> ConsulSettings:
    more = {"limits": LIMITS, "origin": PLACE, "name": "mesh"} | more
    return ConsulSettings(address=address, select=Select(services=services), **more)


def read(agent: ConsulAgent, *services: str, **more: Any) -> tuple[Registration, ...]:
    """Read the registrations of the agent's own datacenter."""
    (answer,) = consul.read(settings_of(agent.address, services or ("*", "!consul"), **more)).answers
    assert (answer.source, answer.datacenter) == ("mesh", agent.datacenter)
    return answer.registrations


def names_of(registrations: tuple[Registration, ...]) -> list[str]:
    return [registration.service for registration in registrations]


def refused(settings: ConsulSettings, kind: type[Exception] = SourceError, **more: Any) -> str:
    with pytest.raises(kind) as caught:
        consul.read(settings, **more)
    error: Any = caught.value
    assert error.help
    assert error.origin == PLACE
    return str(error.message)
