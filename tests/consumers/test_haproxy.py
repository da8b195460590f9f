"""The template `haproxy` in the real HAProxy: calls reach the right servers, and no name becomes syntax."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from csv import DictReader
from pathlib import Path
from urllib.error import HTTPError

import pytest
from catalog import freeze_catalog, names_of, odd_instances, server_of
from loopback import LoopbackServer, call, read_text
from processes import Server, free_port
from project import Project

from frostline.outputs.template.names import PLACES

HAPROXY = {"type": "template", "builtin": "haproxy", "path": "backends.cfg", "vars": {"check": False}}

FRONTEND = """
global
    stats socket {folder}/s mode 600
defaults
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend here
    mode http
    bind 127.0.0.1:{port}
    stats enable
    stats uri /stats
    use_backend %[req.hdr(x-service)]
"""


def test_calls_reach_the_servers_of_each_name(
    compiled: Callable[..., Project],
    servers: tuple[LoopbackServer, ...],
    program: Callable[[str], str],
    started: Callable[..., Server],
    tmp_path: Path,
) -> None:
    names = names_of("haproxy")
    project = compiled(HAPROXY, instances=odd_instances(servers, names))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    frontend = tmp_path / "frontend.cfg"
    frontend.write_text(FRONTEND.format(port=port, folder=tmp_path))
    command = [program("haproxy"), "-f", str(frontend), "-f", str(project.folder / "backends.cfg")]
    tested = subprocess.run([*command, "-c"], capture_output=True, text=True, check=False)
    assert (tested.returncode, tested.stderr) == (0, "")
    started([*command, "-db"], lambda: bool(read_text(f"{address}/stats;csv")))

    def answer(backend: str, calls: int = 1) -> Counter[str]:
        return Counter(call(f"{address}/x", headers={"x-service": backend}).server for _ in range(calls))

    for name in names:
        assert answer(PLACES["haproxy"].name(name)) == {server_of(name, servers).name: 1}, name
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

    rows = list(DictReader(read_text(f"{address}/stats;csv").removeprefix("# ").splitlines()))
    servers_of = Counter(row["pxname"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND"))
    assert (servers_of["many"], servers_of["payments-v1"]) == (1000, 2)
    assert sorted(
        int(row["weight"]) for row in rows if row["pxname"] == "weights-v1" and row["svname"] != "BACKEND"
    ) == [0, 1, 256]


def test_two_names_that_haproxy_would_take_for_one_are_refused(
    project: Project, servers: tuple[LoopbackServer, ...]
) -> None:
    freeze_catalog(project.folder, [HAPROXY], odd_instances(servers, ["a/b", "a_b"]))
    done = project.refused(4, "compile", "--offline")
    assert "`a/b` and `a_b` both become the name `a_b` (haproxy)" in done.stderr
