from __future__ import annotations

from typing import Any

import pytest
from nomad_reads import SHOP, read_default, upstream
from nomad_replay import NomadReplay, job, state

from frostline.model import Bind


def test_an_upstream_has_all_that_the_job_says_of_it(region: NomadReplay) -> None:
    query = {"DestinationName": "q", "DestinationType": "prepared_query", "LocalBindSocketPath": "/run/q.sock"}
    peer = {"DestinationName": "p", "DestinationPeer": "west", "DestinationNamespace": "ops", "Datacenter": "dc2"}
    region.fix(SHOP, state(job("shop", query, peer | {"LocalBindAddress": "::1", "LocalBindPort": 1}, query)))
    elsewhere = {"peer": "west", "destination_namespace": "ops", "datacenter": "dc2"}
    assert read_default(region)[1] == (
        upstream("p", bind=Bind(address="::1", port=1), **elsewhere),
        upstream("q", kind="prepared_query", bind=Bind(socket="/run/q.sock")),
    )


@pytest.mark.parametrize(
    "connect",
    [
        None,
        {"Native": True, "SidecarService": None},
        {"SidecarService": {"Proxy": None}},
        {"SidecarService": {"Proxy": {"Upstreams": None, "TransparentProxy": {}}}},
        {"Gateway": {"Ingress": {"Listeners": [{"Port": 80, "Services": [{"Name": "web"}]}]}}},
    ],
)
def test_a_service_without_a_sidecar_that_names_upstreams_has_none(region: NomadReplay, connect: Any) -> None:
    services = [{"Name": "s", "Connect": connect}]
    groups = [{"Name": "g", "Services": None, "Tasks": [{"Services": services}, {"Services": None}]}, {"Name": "h"}]
    region.fix(SHOP, state(job("shop") | {"TaskGroups": groups}))
    assert read_default(region)[1] == ()


def test_a_service_of_a_task_declares_like_a_service_of_its_group(region: NomadReplay) -> None:
    inner = job("shop", {"DestinationName": "x", "LocalBindPort": 1})["TaskGroups"][0]["Services"]
    region.fix(SHOP, state(job("shop") | {"TaskGroups": [{"Name": "g", "Tasks": [{"Services": inner}]}]}))
    assert read_default(region)[1] == (upstream("x", 1),)
