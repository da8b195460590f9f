"""The templates `dnsmasq` and `hosts` in the real dnsmasq and the C library: names resolve to the right addresses."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest
from catalog import freeze_catalog, names_of, odd_instances, server_of
from dns_questions import Ask, ask_at, listens
from loopback import LoopbackServer
from processes import Server, free_port
from project import Project

from frostline.model import Instance
from frostline.outputs.template.names import PLACES

pytestmark = pytest.mark.more_readers

DNSMASQ = {"type": "template", "builtin": "dnsmasq", "path": "services.conf"}
HOSTS = {"type": "template", "builtin": "hosts", "path": "hosts"}

NUMBERS = ("0", "007")
"""Names that the C library reads as addresses."""


@pytest.fixture
def dnsmasq(program: Callable[[str], str], readers: str, started: Callable[..., Server]) -> Callable[..., Ask]:
    """`dnsmasq("--conf-file=…")`: tests the configuration, starts a dnsmasq with it and gives what asks it."""

    def start(*arguments: str) -> Ask:
        port = free_port()
        command = [program("dnsmasq"), "--no-resolv", "--no-hosts", *arguments]
        subprocess.run([*command, "--test"], capture_output=True, check=True)
        own = ["--keep-in-foreground", "--no-daemon", "--pid-file", "--bind-interfaces", "--user=root"]
        started([*command, *own, f"--port={port}", "--listen-address=127.0.0.1"], lambda: listens(port))
        return ask_at(readers, port)

    return start


def test_the_names_of_consul_resolve_to_the_servers(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...], dnsmasq: Callable[..., Ask]
) -> None:
    names = names_of("dns")
    instances = [one for one in odd_instances(servers, names) if one.service != "many"]
    project = compiled(DNSMASQ, instances=tuple(instances))
    ask = dnsmasq(f"--conf-file={project.folder / 'services.conf'}")

    def full(name: str) -> str:
        return f"{PLACES['dns'].name(name)}.service.consul"

    records = {name: ask([(full(name), "SRV")])[full(name), "SRV"] for name in ("payments-v1", "weights-v1", "mail")}
    first, second, third, *_, six = servers
    assert [record.split()[:3] for record in records["payments-v1"]] == sorted(
        ["1", "1", str(server.port)] for server in (first, second)
    )
    assert len({record.split()[3] for record in records["payments-v1"]}) == 2
    assert [record.split()[:3] for record in records["weights-v1"]] == [
        ["1", "1", str(third.port)],
        ["1", "65535", str(second.port)],
    ]
    assert records["mail"] == [f"1 1 {first.port} localhost."]

    kinds = {name: "AAAA" if server_of(name, servers) is six else "A" for name in names}
    answers = ask(
        [
            *((full(name), kind) for name, kind in kinds.items()),
            *((full(name), "SRV") for name in names),
            *((f"_{PLACES['dns'].name(name)}._tcp.service.consul", "SRV") for name in names if len(name) < 63),
        ]
    )
    targets: dict[str, str] = {}
    for name in names:
        server = server_of(name, servers)
        assert answers[full(name), kinds[name]] == [server.address], name
        if len(name) < 63:  # longer ones have no label left for the `_`
            assert answers[full(name), "SRV"] == answers[f"_{full(name).replace('.service', '._tcp.service')}", "SRV"]
        (record,) = answers[full(name), "SRV"]
        *numbers, targets[name] = record.split()
        assert numbers == ["1", "1", str(server.port)], name
    found = ask([(targets[name], kinds[name]) for name in names])
    assert list(found.values()) == [[server_of(name, servers).address] for name in names]

    others = ask([(full("ledger"), "AAAA"), (full("empty-v1"), "A")])
    assert others[full("ledger"), "AAAA"] == ["::1"]
    assert others[full("empty-v1"), "A"] == ["NXDOMAIN"]


def test_more_srv_records_than_an_answer_of_dnsmasq_can_hold_are_refused(
    compiled: Callable[..., Project], dnsmasq: Callable[..., Ask]
) -> None:
    def instances(number: int) -> tuple[Instance, ...]:
        return tuple(
            Instance(
                service="many", node=f"n{n}", id="many", address=f"fd00:1111:2222:3333:4444:5555:6666:{n:x}", port=65535
            )
            for n in range(1, number + 1)
        )

    project = compiled(DNSMASQ, instances=instances(190))
    question = ("many.service.consul", "SRV")
    assert len(dnsmasq(f"--conf-file={project.folder / 'services.conf'}")([question])[question]) == 190
    freeze_catalog(project.folder, [DNSMASQ], instances(220))
    done = project.refused(2, "compile", "--offline")
    assert "service `many`: dnsmasq 2.90 cuts an answer with so many SRV records" in done.stderr


def test_a_domain_of_ones_own(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...], dnsmasq: Callable[..., Ask]
) -> None:
    variables = {"domain": "shop.internal"}
    project = compiled(
        {**DNSMASQ, "vars": variables},
        {**HOSTS, "vars": variables},
        instances=odd_instances(servers, ["UPPER"])[:1],
    )
    name = ("upper.shop.internal", "A")
    assert dnsmasq(f"--conf-file={project.folder / 'services.conf'}")([name]) == {name: ["127.0.0.1"]}
    assert dnsmasq(f"--addn-hosts={project.folder / 'hosts'}")([name]) == {name: ["127.0.0.1"]}


def test_names_in_hosts_resolve_to_the_servers(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...], dnsmasq: Callable[..., Ask]
) -> None:
    names = [name for name in names_of("dns") if name not in (*NUMBERS, "localhost")]
    project = compiled(HOSTS, instances=odd_instances(servers, names))
    answers = {name: server_of(name, servers).address for name in names} | {"ledger": "::1", "payments-v1": "127.0.0.1"}
    questions = {name: (PLACES["dns"].name(name), "AAAA" if ":" in answers[name] else "A") for name in answers}
    found = dnsmasq(f"--addn-hosts={project.folder / 'hosts'}")([*questions.values(), ("many", "A"), ("mail", "A")])
    assert {name: found[question] for name, question in questions.items()} == {
        name: [answers[name]] for name in answers
    }
    assert len(found["many", "A"]) == 1000
    assert found["mail", "A"] == ["REFUSED"]
    assert "# mail is at the name localhost\n" in project.read("hosts").decode()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root may mount another /etc/hosts")
def test_the_c_library_finds_names_in_hosts(
    compiled: Callable[..., Project], servers: tuple[LoopbackServer, ...]
) -> None:
    names = [name for name in names_of("dns") if name not in (*NUMBERS, "localhost")]
    project = compiled(HOSTS, instances=odd_instances(servers, names))
    script = 'mount --bind "$1" /etc/hosts && shift && getent ahosts "$@"'
    questions = [PLACES["dns"].name(name) for name in names]
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(project.folder / "hosts"), *questions]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [line.split()[0] for line in done.stdout.splitlines() if "STREAM" in line]
    assert found == [server_of(name, servers).address for name in names]


@pytest.mark.parametrize("name", [*NUMBERS, "0x7f000001", "0xA"])
def test_a_name_that_would_be_read_as_an_address_is_refused_in_hosts(name: str, project: Project) -> None:
    instance = Instance(service=name, node="n1", id="s", address="10.0.0.1", port=80)
    freeze_catalog(project.folder, [HOSTS], [instance])
    assert "its name would be read as an address" in project.refused(2, "compile", "--offline").stderr
    freeze_catalog(project.folder, [{**HOSTS, "vars": {"domain": "x.example"}}], [instance])
    project.done("compile", "--offline")


def test_names_that_become_one_are_refused(project: Project, servers: tuple[LoopbackServer, ...]) -> None:
    for output in (DNSMASQ, HOSTS):
        freeze_catalog(project.folder, [output], odd_instances(servers, ["a.b", "a_b"])[:2])
        done = project.refused(4, "compile", "--offline")
        assert "`a.b` and `a_b` both become the name `a-b` (dns)" in done.stderr


def test_an_instance_of_weight_0_has_no_address(compiled: Callable[..., Project]) -> None:
    instances = tuple(
        Instance(service="shop", node=f"n{weight}", id="s", address=f"10.0.0.{weight + 1}", port=80, weight=weight)
        for weight in (0, 1)
    )
    project = compiled(DNSMASQ, HOSTS, instances=instances)
    assert project.read("hosts") == b"10.0.0.2 shop\n"
    assert b"10.0.0.1" not in project.read("services.conf")
