"""Read the source `nomad` from a replay, and from a small region."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from nomad_replay import NomadReplay, Reply, instance, job, state, stub

from frostline.errors import SourceError
from frostline.model import Bind, FileOrigin, Registration, SegmentAnswer, Upstream
from frostline.settings import LiveLimits
from frostline.sources.base import ReadResult
from frostline.sources.nomad import source as nomad
from frostline.sources.nomad.settings import NomadSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)
SHOP = "/v1/job/shop"


def settings_of(replay: NomadReplay, **more: Any) -> NomadSettings:
    default = {"name": "live", "origin": PLACE, "address": replay.address, "limits": LiveLimits(retries=0)}
    return NomadSettings(**(default | {"namespaces": ("*",)} | more))


def read(replay: NomadReplay, **more: Any) -> ReadResult:
    return nomad.read(settings_of(replay, **more))


def by_namespace(reading: ReadResult) -> dict[str, SegmentAnswer]:
    return {answer.namespace: answer for answer in reading.answers}


def healths(reading: ReadResult) -> dict[str, str]:
    """Return the health of each allocation."""
    return {
        registration.id[12:48]: registration.health
        for answer in reading.answers
        for registration in answer.registrations
    }


def refused(replay: NomadReplay, kind: type[Exception] = SourceError, **more: Any) -> str:
    only = more.pop("datacenters", ())
    with pytest.raises(kind) as caught:
        nomad.read(settings_of(replay, **more), datacenters=only)
    error: Any = caught.value
    assert error.origin == PLACE
    assert error.help
    return f"{error.message}\n{error.help}"


@contextmanager
def small_region() -> Iterator[NomadReplay]:
    """Serve one namespace with one service, `web`, and one job, `shop`, which has one upstream."""
    server = NomadReplay()
    server.fix("/v1/namespaces", state([{"Name": "default"}]))
    server.fix("/v1/services", names("web"))
    server.fix("/v1/service/web", state([instance("web")]))
    server.fix("/v1/job/j/allocations", state(None))
    server.fix("/v1/client/allocation/a1/checks", Reply(None))
    server.fix("/v1/jobs", state([stub("shop")]))
    server.fix(SHOP, state(job("shop", {"DestinationName": "stock", "LocalBindPort": 9000})))
    yield server
    server.stop()
    assert server.unknown == []


def names(*services: str, index: int = 70) -> Reply:
    return state(
        [{"Namespace": "default", "Services": [{"ServiceName": name, "Tags": []} for name in services]}], index
    )


def jobs(*stubs: dict[str, Any], index: int = 70) -> Reply:
    return state(list(stubs), index)


def read_default(replay: NomadReplay, **more: Any) -> tuple[tuple[Registration, ...], tuple[Upstream, ...]]:
    (answer,) = read(replay, **({"namespaces": ("default",)} | more)).answers
    return answer.registrations, answer.upstreams


def upstream(destination: str, port: int = 9000, name: str = "shop", **more: Any) -> Upstream:
    bind = Bind(address="127.0.0.1", port=port)
    default = {"region": "global", "namespace": "default", "job": name, "group": "g", "bind": bind}
    return Upstream(destination=destination, **(default | more))


def refused_default(replay: NomadReplay, **more: Any) -> str:
    """Read the namespace `default`, and return the message of the request that failed."""
    message = refused(replay, **({"namespaces": ("default",)} | more))
    assert message.startswith("source live: GET ")
    return message
