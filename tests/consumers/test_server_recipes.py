"""The recipes for servers: calls and names reach the right ones, in the real Caddy, Envoy and unbound."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError

import pytest
import yaml
from catalog import HOSTILE, freeze_catalog, names_of, odd_instances, server_of
from dns_questions import Ask, ask_at, listens
from envoy import bootstrap, hosts_of
from loopback import LoopbackServer, call, read_json
from processes import Server, free_port
from project import Project

from frostline.model import Instance
from frostline.outputs.template.names import PLACES

pytestmark = pytest.mark.more_readers

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
CONFIGURATION = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEMPLATE = re.compile(r"\.j2`:\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Written = Callable[..., Path]


@pytest.fixture
def written(project: Project) -> Written:
    """`written("unbound", instances)`: the file that this recipe's output makes of these instances."""

    def write(name: str, instances: tuple[Instance, ...]) -> Path:
        page = (RECIPES / f"{name}.md").read_text(encoding="utf-8")
        configuration, template = CONFIGURATION.search(page), TEMPLATE.search(page)
        assert configuration is not None
        assert template is not None
        (output,) = yaml.safe_load(configuration[1])["outputs"]
        project.write(output["template"], template[1])
        freeze_catalog(project.folder, [{**output, "select": ["*"]}], instances)
        project.done("compile", "--offline")
        return project.folder / str(output["path"])

    return write


def test_caddy_calls_the_servers_of_the_snippets_that_a_site_imports(
    written: Written,
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    hostile = names_of("dns")
    file = written("caddy", odd_instances(servers, hostile))
    names = [*hostile, "payments-v1", "weights-v1", "ledger", "mail", "many", "empty-v1"]
    port = free_port()
    paths = "".join(
        f"handle_path /{number}/* {{\n import {PLACES['dns'].name(name)}\n}}\n" for number, name in enumerate(names)
    )
    config = tmp_path / "Caddyfile"
    config.write_text(
        "{\n admin off\n auto_https off\n persist_config off\n}\n"
        f"import {file}\nhttp://:{port} {{\n bind 127.0.0.1\n{paths}}}\n"
    )
    command = ["env", f"HOME={tmp_path}", program("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]
    started(command, lambda: listens(port))

    def called(name: str, calls: int = 1) -> Counter[str]:
        return Counter(call(f"http://127.0.0.1:{port}/{names.index(name)}/x").server for _ in range(calls))

    for name in hostile:
        assert called(name) == {server_of(name, servers).name: 1}, name
    first, second, *_, six = (server.name for server in servers)
    assert called("payments-v1", 4) == {first: 2, second: 2}
    assert called("ledger") == {six: 1}
    assert called("mail") == {first: 1}
    assert called("weights-v1", 20) == {second: 20}
    for name, status in (("empty-v1", 503), ("many", 502)):
        with pytest.raises(HTTPError) as caught:
            called(name)
        caught.value.close()
        assert caught.value.code == status


def test_envoy_calls_the_servers_of_clusters_with_their_endpoints(
    written: Written,
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    file = written("envoy-cds", odd_instances(servers))
    port, admin = free_port(), free_port()
    names = [*HOSTILE, "payments-v1", "weights-v1", "ledger", "mail", "many", "empty-v1"]
    config = bootstrap([{"name": name} for name in names], port, admin)
    del config["static_resources"]["clusters"]
    source = {"path_config_source": {"path": str(file)}, "resource_api_version": "V3"}
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps({**config, "dynamic_resources": {"cds_config": source}}))
    command = [program("envoy"), "-c", str(path), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"]
    started(command, lambda: read_json(f"http://127.0.0.1:{admin}/server_info")["state"] == "LIVE")
    for name in HOSTILE:
        assert call(f"http://127.0.0.1:{port}/{names.index(name)}/x").server == server_of(name, servers).name, name
    first, second, third, *_, six = (server.name for server in servers)
    for name, server in (("ledger", six), ("mail", first)):
        assert call(f"http://127.0.0.1:{port}/{names.index(name)}/x").server == server
    hosts = hosts_of(admin)
    assert hosts["weights-v1"] == {second: 65535, third: 1}
    assert (len(hosts["many"]), hosts["empty-v1"]) == (1000, {})
    called = Counter(call(f"http://127.0.0.1:{port}/{names.index('payments-v1')}/x").server for _ in range(4))
    assert called == {first: 2, second: 2}


def test_unbound_answers_the_names_of_consul(
    written: Written,
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    readers: str,
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    names = names_of("dns")
    file = written("unbound", odd_instances(servers, names))
    port = free_port()
    config = tmp_path / "unbound.conf"
    settings = {
        "interface": f"127.0.0.1@{port}",
        "do-daemonize": "no",
        "chroot": '""',
        "username": '""',
        "pidfile": '""',
        "use-syslog": "no",
        "directory": f'"{tmp_path}"',
        "num-threads": "1",
    }
    lines = (f"    {name}: {value}\n" for name, value in settings.items())
    config.write_text(f"server:\n{''.join(lines)}include: {file}\nremote-control:\n    control-enable: no\n")
    subprocess.run([program("unbound-checkconf"), str(config)], capture_output=True, check=True)
    started([program("unbound"), "-c", str(config)], lambda: listens(port))
    ask: Ask = ask_at(readers, port)

    def full(name: str) -> str:
        return f"{PLACES['dns'].name(name)}.service.consul"

    six = servers[-1]
    kinds = {name: "AAAA" if server_of(name, servers) is six else "A" for name in names}
    found = ask([(full(name), kinds[name]) for name in names])
    assert list(found.values()) == [[server_of(name, servers).address] for name in names]
    records = ask([(full(name), "SRV") for name in names])
    assert [answer[0].split()[:3] for answer in records.values()] == [
        ["1", "1", str(server_of(name, servers).port)] for name in names
    ]
    targets = ask([(answer[0].split()[3], kinds[name]) for name, answer in zip(names, records.values(), strict=True)])
    assert list(targets.values()) == list(found.values())
    others = ask([(full("many"), "SRV"), (full("mail"), "SRV"), (full("empty-v1"), "A")])
    assert len(others[full("many"), "SRV"]) == 1000
    assert others[full("mail"), "SRV"] == [f"1 1 {servers[0].port} localhost."]
    assert others[full("empty-v1"), "A"] == ["NXDOMAIN"]
