"""The source `nomad` on answers recorded from a real Nomad, behind a proxy that fails."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from faulty_proxy import Fault, FaultyProxy
from nomad_replay import NomadReplay

from frostline.errors import SourceError
from frostline.model import FileOrigin
from frostline.settings import LiveLimits, Token
from frostline.sources.nomad import source as nomad
from frostline.sources.nomad.settings import NomadSettings

PLACE = FileOrigin("frostline.yaml", 3, 3)


@pytest.fixture
def replay() -> Iterator[NomadReplay]:
    server = NomadReplay()
    yield server
    server.stop()
    assert server.unknown == []


@pytest.fixture
def proxy(replay: NomadReplay) -> Iterator[FaultyProxy]:
    server = FaultyProxy(replay.port)
    yield server
    server.stop()


def settings_of(proxy: FaultyProxy, **more: Any) -> NomadSettings:
    default = {"name": "live", "origin": PLACE, "address": proxy.address, "namespaces": ("*",)}
    return NomadSettings(**(default | {"limits": LiveLimits(retries=0)} | more))


def refused(proxy: FaultyProxy, **more: Any) -> str:
    with pytest.raises(SourceError) as caught:
        nomad.read(settings_of(proxy, **more))
    assert (caught.value.status, caught.value.origin) == (3, PLACE)
    assert caught.value.help
    return caught.value.message


def failing(path: str, status: int, times: int = 1000) -> Fault:
    """Answer the first `times` requests of this path, whatever their query, with this status."""
    left = [True] * times

    def fault(target: str, _: str) -> tuple[int, str] | None:
        return (status, "no") if target.partition("?")[0] == path and left and left.pop() else None

    return fault


def test_what_a_proxy_passes_on_is_what_the_server_says(replay: NomadReplay, proxy: FaultyProxy) -> None:
    behind = nomad.read(settings_of(proxy))
    assert behind == nomad.read(settings_of(proxy, address=replay.address))
    assert [len(answer.registrations) for answer in behind.answers] == [4, 0]
    assert [len(answer.upstreams) for answer in behind.answers] == [0, 3]


PATHS = ["/v1/regions", "/v1/namespaces", "/v1/services", "/v1/service/live-native", "/v1/jobs", "/v1/job/shop"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_request_that_fails_is_refused(proxy: FaultyProxy, path: str, status: int) -> None:
    proxy.fault = failing(path, status)
    message = refused(proxy)
    assert f"GET {path}" in message
    assert f": {status} " in message


@pytest.mark.parametrize("path", PATHS)
def test_a_transient_fault_is_retried(proxy: FaultyProxy, path: str) -> None:
    whole = nomad.read(settings_of(proxy))
    proxy.fault = failing(path, 500, times=1)
    assert nomad.read(settings_of(proxy, limits=LiveLimits(retries=1))) == whole


def test_a_proxy_that_takes_nomads_headers_away_is_refused(proxy: FaultyProxy) -> None:
    proxy.fault = lambda target, _: (200, "[]") if target.startswith("/v1/services") else None
    assert "the header X-Nomad-KnownLeader is missing" in refused(proxy)


def test_a_body_that_is_changed_on_its_way_is_refused(proxy: FaultyProxy) -> None:
    proxy.change = lambda body: body[: len(body) // 2]
    assert "not the JSON expected from Nomad" in refused(proxy)


def test_a_client_that_fails_makes_its_services_critical(proxy: FaultyProxy) -> None:
    proxy.fault = lambda target, _: (500, "rpc error") if target.endswith("/checks") else None
    reading = nomad.read(settings_of(proxy))
    assert {registration.health for answer in reading.answers for registration in answer.registrations} == {"critical"}
    assert len(reading.warnings) == 1


def test_a_server_that_never_answers_ends_with_the_deadline(proxy: FaultyProxy) -> None:
    proxy.hang = True
    message = refused(proxy, limits=LiveLimits(retries=9, timeout=60, deadline=0.5))
    assert "not read within the `deadline` of 0.5 s" in message


def test_the_token_is_sent_and_never_shown(proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    nomad.read(settings_of(proxy, token=Token(env="MY_TOKEN")))
    assert {token for _, token in proxy.asked} == {"s3cret"}
    proxy.fault = lambda _, token: (500, f"panic: {token}")
    message = refused(proxy, token=Token(env="MY_TOKEN"))
    assert "panic: ***" in message
    assert "s3cret" not in message


def test_many_reads_at_once_give_the_same(proxy: FaultyProxy) -> None:
    found: list[Any] = []
    threads = [Thread(target=lambda: found.append(nomad.read(settings_of(proxy)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(result == found[0] for result in found)
