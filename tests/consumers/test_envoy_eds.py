"""The template `envoy-eds` in the real Envoy: each file is the endpoints of its cluster, and calls reach them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from catalog import HOSTILE, freeze_catalog, odd_instances, server_of
from envoy import bootstrap, hosts_of
from loopback import LoopbackServer, call, read_json
from processes import Server, free_port
from project import Project

EDS = {"type": "template", "builtin": "envoy-eds", "path": "envoy/{name}.json", "split": "entry"}


def cluster(file: Path) -> dict[str, Any]:
    """The cluster whose endpoints are in this file, as a bootstrap has it."""
    (assignment,) = json.loads(file.read_text())["resources"]
    source = {"path_config_source": {"path": str(file)}, "resource_api_version": "V3"}
    return {
        "name": assignment["cluster_name"],
        "type": "EDS",
        "connect_timeout": "5s",
        "eds_cluster_config": {"eds_config": source},
    }


def test_calls_reach_the_servers_of_each_name(
    compiled: Callable[..., Project],
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    names = [name for name in HOSTILE if name != "UPPER"]  # its file would be that of `upper` on some file systems
    instances = [one for one in odd_instances(servers, names) if one.service != "mail"]
    project = compiled(EDS, instances=tuple(instances))
    port, admin = free_port(), free_port()
    clusters = [cluster(file) for file in sorted((project.folder / "envoy").iterdir())]
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps(bootstrap(clusters, port, admin)))
    command = [program("envoy"), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
    started(command, lambda: read_json(f"http://127.0.0.1:{admin}/server_info")["state"] == "LIVE")

    def answer(name: str, calls: int = 1) -> Counter[str]:
        number = [one["name"] for one in clusters].index(name)
        return Counter(call(f"http://127.0.0.1:{port}/{number}/x").server for _ in range(calls))

    for name in names:
        assert answer(name) == {server_of(name, servers).name: 1}, name
    first, second, third, *_, six = (server.name for server in servers)
    assert answer("payments-v1", 10) == {first: 5, second: 5}
    assert answer("ledger") == {six: 1}
    assert first not in answer("weights-v1", 20)
    with pytest.raises(HTTPError) as caught:
        answer("empty-v1")
    caught.value.close()
    assert caught.value.code == 503

    hosts = hosts_of(admin)
    assert hosts.keys() == {one["name"] for one in clusters}
    assert hosts["weights-v1"] == {second: 65535, third: 1}
    assert (len(hosts["many"]), hosts["empty-v1"]) == (1000, {})


def test_a_host_name_is_refused(project: Project, servers: tuple[LoopbackServer, ...]) -> None:
    freeze_catalog(project.folder, [EDS], odd_instances(servers, ["a b"]))
    done = project.refused(2, "compile", "--offline")
    assert (
        "service `mail`: EDS takes IP addresses only, not names\n  help: write clusters of type STRICT_DNS, or leave it"
        in done.stderr
    )


def test_it_is_refused_without_a_file_for_each_entry(project: Project) -> None:
    output = {name: value for name, value in EDS.items() if name != "split"} | {"path": "envoy.json"}
    project.configure({"version": 1, "sources": {"mesh": {"type": "consul"}}, "outputs": [output]})
    assert "split: entry" in project.refused(2, "compile", "--offline").stderr
