"""Requests of tests over a Transport."""

from __future__ import annotations

import pytest

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits
from frostline.sources.http.address import Address
from frostline.sources.http.connection import Response
from frostline.sources.http.credentials import Secret
from frostline.sources.http.transport import Transport

PLACE = FileOrigin("frostline.yaml", 3, 3)


TOKEN = '7f1c-<secret>/"token"'


def transport_to(address: Address, *, secret: str | None = None, **limits: float) -> Transport:
    settings = {"connect_timeout": 5.0, "timeout": 5.0, "deadline": 30.0, "retries": 0} | limits
    return Transport(
        "mesh",
        PLACE,
        address,
        LiveLimits(**settings),
        token_header="X-Consul-Token",
        secret=Secret(secret) if secret else None,
    )


def get(transport: Transport, target: str) -> Response:
    """Send one request."""
    return transport.in_parallel(transport.get, [target])[0]


def failure(transport: Transport, target: str = "/v1/x") -> SourceError:
    """Send a request that fails, and return its error."""
    with transport, pytest.raises(SourceError) as caught:
        get(transport, target)
    error = caught.value
    assert error.status == 3
    assert error.origin == PLACE
    assert error.help
    assert error.message.startswith("source mesh: ")
    return error
