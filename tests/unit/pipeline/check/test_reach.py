"""What `check --reach` finds and how every format says it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from project import assert_fits

from frostline.cli.main import run
from frostline.model import Endpoint, Entry, FileOrigin, InstanceOrigin, Key, registry_of
from frostline.pipeline.check import connecting
from frostline.pipeline.check.reach import Unreached, reach_endpoints
from frostline.settings import Waiver

TODAY = date(2026, 1, 1)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`published({"billing": URL or [URL, …]})`: these static services, compiled, in the current folder."""
    monkeypatch.chdir(tmp_path)

    def publish(services: dict[str, Any]) -> None:
        sources = {"partners": {"type": "static", "services": services}}
        value = {"version": 1, "sources": sources, "outputs": [{"type": "yaml", "path": "services.yaml"}]}
        (tmp_path / "frostline.yaml").write_text(json.dumps(value))
        assert run(["compile", "-q"]) == 0

    return publish


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def endpoint(url: str, **more: Any) -> Endpoint:
    return Endpoint(url=url, address="192.0.2.1", port=9, source="mesh", datacenter="dc1", node="n1", id="a-1", **more)


def test_the_host_and_port_of_the_url_are_tried_and_not_those_of_the_instance(listener: int) -> None:
    registry = registry_of({Key("a", "v1"): entry(endpoint(f"http://localhost:{listener}/v1"))})
    reach = reach_endpoints(registry, (), TODAY)
    assert (reach.endpoints, reach.reached, reach.unreached) == (1, 1, ())


def test_an_endpoint_that_refuses_is_named_with_its_place_and_declared_services_are_left_out(
    listener: int, closed_port: int
) -> None:
    bad = f"http://127.0.0.1:{closed_port}"
    registry = registry_of(
        {
            Key("b", None): entry(endpoint(f"http://127.0.0.1:{listener}"), endpoint(bad)),
            Key("a", "v1"): entry(endpoint(bad)),
            Key("known", None): entry(),
        }
    )
    origin = InstanceOrigin("mesh", "dc1", "", "n1", "a-1")
    reach = reach_endpoints(registry, (), TODAY)
    assert (reach.endpoints, reach.reached) == (3, 1)
    assert reach.unreached == (
        Unreached(key=Key("a", "v1"), url=bad, reason="connection refused", origin=origin),
        Unreached(key=Key("b", None), url=bad, reason="connection refused", origin=origin),
    )


@pytest.mark.parametrize("scheme", ["udp", "UDP", "quic", "ntp"])
def test_urls_of_datagram_schemes_are_left_out(scheme: str) -> None:
    registry = registry_of({Key("statsd", None): entry(endpoint(f"{scheme}://127.0.0.1:1"))})
    assert reach_endpoints(registry, (), TODAY).endpoints == 0


def test_each_host_and_port_is_connected_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []

    def failed(targets: Any, timeout: float) -> dict[Any, None]:
        tried.extend(targets)
        return dict.fromkeys(targets)

    monkeypatch.setattr("frostline.pipeline.check.connecting.failed_connections", failed)
    registry = registry_of({Key(f"s{n}", "v1"): entry(endpoint(f"http://router/s{n}/v1")) for n in range(5)})
    assert reach_endpoints(registry, (), TODAY).endpoints == 5
    assert set(tried) == {("router", 80)}


def test_a_waiver_silences_an_unreachable_endpoint_until_its_day(closed_port: int) -> None:
    bad = entry(endpoint(f"http://127.0.0.1:{closed_port}"))
    registry = registry_of({Key("a", "v1"): bad, Key("b", "v1"): bad})
    place = FileOrigin("frostline.yaml", 9, 7)
    waiver = Waiver(rule="endpoint-unreached", service="a/*", until="2026-01-01", why="inner", origin=place)
    reach = reach_endpoints(registry, [waiver], TODAY)
    assert (reach.endpoints, reach.reached, reach.waived) == (2, 0, 1)
    assert [missed.key.service for missed in reach.unreached] == ["b"]
    assert len(reach_endpoints(registry, [waiver], date(2026, 1, 2)).unreached) == 2


def test_the_finding_reads_as_recorded(matches_golden: Any) -> None:
    origin = InstanceOrigin("mesh", "dc1", "", "n1", "payments-1")
    url = "http://10.0.0.1:8080/v1"
    missed = [
        Unreached(key=Key("payments", "v1"), url=url, reason="connection refused", origin=origin),
        Unreached(
            key=Key("billing", None),
            url="https://billing.example",
            reason="its name cannot be resolved",
            origin=FileOrigin("frostline.yaml", 4, 16),
        ),
    ]
    matches_golden("endpoint-unreached", [endpoint.finding() for endpoint in missed])


def test_without_the_option_nothing_is_connected_to(published: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published({"billing": "http://127.0.0.1:1"})
    monkeypatch.setattr(socket, "socket", None)
    assert run(["check"]) == 0


def test_endpoints_that_all_answer_are_counted(published: Any, listener: int, capsys: Any) -> None:
    published({"billing": f"http://127.0.0.1:{listener}"})
    assert run(["check", "--reach"]) == 0
    assert capsys.readouterr().out == "1 of 1 endpoint takes a connection.\n"


def test_endpoints_that_fail_are_listed_and_the_status_is_1(
    published: Any, listener: int, closed_port: int, capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = connecting._look_up
    nowhere = "its name cannot be resolved"
    monkeypatch.setattr(connecting, "_look_up", lambda host: nowhere if host == "nobody.invalid" else known(host))
    bad = f"http://127.0.0.1:{closed_port}"
    published({"web": {"v1": [f"http://127.0.0.1:{listener}", bad]}, "billing": "http://nobody.invalid"})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(["check", "--reach"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "billing unversioned http://nobody.invalid: its name cannot be resolved",
        f"web v1 {bad}: connection refused",
        "1 of 3 endpoints takes a connection.",
    ]
    assert "`frostline plan` shows where it is now" in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_long_list_is_cut_for_people_and_whole_in_json(published: Any, closed_port: int, capsys: Any) -> None:
    published({f"s{number:02}": f"http://127.0.0.1:{closed_port}/{number}" for number in range(32)})
    assert run(["check", "--reach"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[-2:] == ["and 12 more, which `--format json` lists", "0 of 32 endpoints take a connection."]
    assert run(["check", "--reach", "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert_fits(value)
    assert (value["reach"]["endpoints"], value["reach"]["reached"]) == (32, 0)
    assert [missed["service"] for missed in value["reach"]["unreached"]] == [f"s{number:02}" for number in range(32)]


@pytest.mark.parametrize("name", ["github", "markdown", "sarif", "junit"])
def test_every_format_names_the_endpoints_that_fail(published: Any, closed_port: int, capsys: Any, name: str) -> None:
    published({"web": f"http://127.0.0.1:{closed_port}"})
    assert run(["check", "--reach", "--format", name]) == 1
    out = capsys.readouterr().out
    assert "endpoint-unreached" in out
    assert "connection refused" in out
    if name == "sarif":
        assert json.loads(out)["runs"][0]["results"][0]["ruleId"] == "endpoint-unreached"
    if name == "junit":
        assert len(ElementTree.fromstring(out).findall(".//failure")) == 1
