"""The catalog and the servers do what the tests of the consumers rely on."""

from __future__ import annotations

import json
from collections.abc import Callable

from catalog import HOSTILE, server_of
from loopback import LoopbackServer, Said, call
from project import Project


def test_each_server_says_who_it_is(servers: tuple[LoopbackServer, ...]) -> None:
    names = {server.name for server in servers}
    assert len(names) == len(servers)
    assert any(name.startswith("[::1]:") for name in names)
    for server in servers:
        assert call(f"http://{server.name}/a?b=c", host="x.example") == Said(server.name, "/a?b=c", "x.example")


def test_the_registry_has_every_hostile_name_as_it_is(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...]
) -> None:
    project = compiled({"type": "yaml", "format": "json", "path": "services.json"})
    services = json.loads(project.read("services.json"))["services"]
    for name in HOSTILE:
        (endpoint,) = services[name]["unversioned"]["endpoints"]
        assert (endpoint["port"], endpoint["tags"], endpoint["meta"]) == (
            server_of(name, servers).port,
            [name, "web"],
            {"owner": name},
        )
    assert len(services["payments"]["v1"]["endpoints"]) == 2
    assert len(services["many"]["unversioned"]["endpoints"]) == 1000
    assert [endpoint["weight"] for endpoint in services["weights"]["v1"]["endpoints"]].count(65535) == 1
    assert services["ledger"]["unversioned"]["url"].startswith("http://[::1]:")
    assert services["empty"]["v1"]["declared"]
