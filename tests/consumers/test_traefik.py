"""The template `traefik` in the real Traefik: calls reach the right servers, and no name is run as a Go template."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError

import pytest
from catalog import freeze_catalog, names_of, odd_instances, server_of
from loopback import LoopbackServer, call, read_json
from processes import Server, free_port
from project import Project

from frostline.outputs.template.names import PLACES

pytestmark = pytest.mark.more_readers

TRAEFIK = {"type": "template", "builtin": "traefik", "path": "dynamic/services.yaml"}


def test_calls_reach_the_servers_of_each_name(
    compiled: Callable[..., Project],
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    names = names_of("traefik")
    project = compiled(TRAEFIK, instances=odd_instances(servers, names))
    services = [
        PLACES["traefik"].name(name)
        for name in (*names, "payments-v1", "payments-v2", "weights-v1", "ledger", "mail", "empty-v1")
    ]
    routers = {
        f"r{number}": {"rule": f"PathPrefix(`/{number}/`)", "service": service}
        for number, service in enumerate(services)
    }
    (project.folder / "dynamic" / "routers.yaml").write_text(json.dumps({"http": {"routers": routers}}))
    port, api = free_port(), free_port()
    options = {
        "entryPoints.web.address": f"127.0.0.1:{port}",
        "entryPoints.traefik.address": f"127.0.0.1:{api}",
        "api.insecure": "true",
        "providers.file.directory": str(project.folder / "dynamic"),
        "global.checkNewVersion": "false",
        "global.sendAnonymousUsage": "false",
    }
    command = [program("traefik"), *(f"--{name}={value}" for name, value in options.items())]
    started(command, lambda: len(read_json(f"http://127.0.0.1:{api}/api/http/routers?per_page=999")) > len(services))

    def answer(service: str, calls: int = 1) -> Counter[str]:
        number = services.index(service)
        return Counter(call(f"http://127.0.0.1:{port}/{number}/x").server for _ in range(calls))

    for name in names:
        assert answer(PLACES["traefik"].name(name)) == {server_of(name, servers).name: 1}, name
    first, second, third, *_, six = (server.name for server in servers)
    assert answer("payments-v1", 10) == {first: 5, second: 5}
    assert answer("payments-v2") == {third: 1}
    assert answer("ledger") == {six: 1}
    assert answer("mail") == {first: 1}
    assert first not in answer("weights-v1", 20)
    with pytest.raises(HTTPError) as caught:
        answer("empty-v1")
    caught.value.close()
    assert caught.value.code == 503

    found = {one["name"]: one for one in read_json(f"http://127.0.0.1:{api}/api/http/services?per_page=999")}
    assert found.keys() >= {f"{service}@file" for service in services}
    assert len(found["many@file"]["loadBalancer"]["servers"]) == 1000
    assert found["weights-v1@file"]["loadBalancer"]["servers"] == sorted(
        ({"url": f"http://{server}", "weight": weight} for server, weight in ((first, 0), (second, 65535), (third, 1))),
        key=lambda one: str(one["url"]),
    )


def test_names_that_become_one_are_refused(project: Project, servers: tuple[LoopbackServer, ...]) -> None:
    freeze_catalog(project.folder, [TRAEFIK], odd_instances(servers, ["a.b", "a-b"])[:2])
    done = project.refused(4, "compile", "--offline")
    assert "`a-b` and `a.b` both become the name `a-b` (traefik)" in done.stderr
