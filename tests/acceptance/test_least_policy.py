"""`sources --policy` on a Consul with ACLs: a token with that policy alone is enough, with less it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from consul_agent import AclAgent
from consul_peers import PeeredPair
from consul_wan import WanPair
from faulty_proxy import FaultyProxy
from project import Project, Run, consul_config

from frostline.sources.consul import reading

NAMES = ("pay-v1", "web", 'qu"ote ${x} \\', "größe")


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def acl_agent(consul_acl: AclAgent) -> AclAgent:
    consul_acl.reset()
    for number, name in enumerate(NAMES):
        consul_acl.catalog_register(f"n{number}", name, address="10.0.0.1", port=8000 + number)
    return consul_acl


def rules_of(project: Project) -> list[str]:
    """The rules of the policy that the command prints, without its comments."""
    text = project.done("sources", "--policy").stdout
    return [line for line in text.splitlines() if not line.startswith("#")]


def frozen(project: Project, agent: AclAgent, rules: list[str]) -> Run:
    token = agent.create_token("\n".join(rules))
    return project.run("freeze", "--out", project.folder / "out.lock", env={"T": token})


SOURCES: dict[str, dict[str, Any]] = {
    "strict": {},
    "strict, with globs": {"select": {"services": ["pay-*", "web"]}},
    "scoped": {"acl": "scoped", "select": {"services": list(NAMES)}},
    "scoped, one name": {"acl": "scoped", "select": {"services": ["web"]}},
}


@pytest.mark.parametrize("few", [50, 0], ids=["by service", "by node"])
@pytest.mark.parametrize("name", SOURCES)
def test_the_policy_is_enough_and_no_rule_of_it_too_much(
    project: Project, acl_agent: AclAgent, monkeypatch: pytest.MonkeyPatch, name: str, few: int
) -> None:
    monkeypatch.setattr(reading, "_FEW", few)
    source = {"token": {"env": "T"}, **SOURCES[name]}
    project.configure(consul_config(acl_agent.address, source=source))
    rules = rules_of(project)
    done = frozen(project, acl_agent, rules)
    assert done.returncode == 0, done.stderr
    enough = project.read("out.lock")
    (project.folder / "out.lock").unlink()
    assert frozen(project, acl_agent, [*rules, 'operator = "read"']).returncode == 0
    assert project.read("out.lock") == enough
    (project.folder / "out.lock").unlink()
    for number in range(len(rules)):
        less = [*rules[:number], *rules[number + 1 :]]
        refused = frozen(project, acl_agent, less)
        assert refused.returncode in (3, 4), (less, refused.stderr)
        assert not (project.folder / "out.lock").exists(), less


def test_the_policy_is_enough_for_what_a_peer_exports(project: Project, peered_consuls: PeeredPair) -> None:
    peered_consuls.reset()
    peered_consuls.west.catalog_register("n1", "ledger-v1", address="10.0.1.1", port=9000)
    peered_consuls.export("ledger-v1")
    peered_consuls.east.catalog_register("n1", "web", address="10.0.0.1", port=8080)
    source = {"token": {"env": "T"}, "peers": ["west"]}
    project.configure(consul_config(peered_consuls.east.address, source=source))
    rules = rules_of(project)
    assert rules[-1] == 'peering = "read"'
    done = frozen(project, peered_consuls.east, rules)
    assert done.returncode == 0, done.stderr
    assert "ledger-v1" in project.read("out.lock").decode()
    for rule in rules[:-1]:  # without the last, the state of the peering is unknown, not what it exports
        less = [other for other in rules if other != rule]
        assert frozen(project, peered_consuls.east, less).returncode in (3, 4)


def test_a_scoped_token_that_does_not_see_a_sidecar_is_told_the_rule_for_it(
    project: Project, acl_agent: AclAgent
) -> None:
    destination = {"DestinationName": "pay-v1", "LocalBindPort": 9102}
    acl_agent.catalog_register(
        "n1",
        "web-sidecar-proxy",
        kind="connect-proxy",
        port=21000,
        proxy={"DestinationServiceName": "web", "Upstreams": [destination]},
    )
    project.configure(consul_config(acl_agent.address, source={"token": {"env": "T"}, **SOURCES["scoped, one name"]}))
    policy = project.done("sources", "--policy").stdout
    done = frozen(project, acl_agent, [policy])
    assert done.returncode == 0
    if acl_agent.version >= (1, 11):  # X-Consul-Results-Filtered-By-ACLs
        assert "ACLs hide sidecars in `dc1`, and so the upstreams of `web`" in done.stderr
    assert "9102" not in project.read("out.lock").decode()
    done = frozen(project, acl_agent, [policy.replace("# service", "service")])
    assert (done.returncode, "ACLs" in done.stderr) == (0, False)
    assert "9102" in project.read("out.lock").decode()


def test_no_token_and_no_server_are_needed_to_print_it(project: Project) -> None:
    project.configure(consul_config("http://127.0.0.1:1", source={"token": {"env": "NOT_SET"}}))
    assert rules_of(project) == ['node_prefix "" { policy = "read" }', 'service_prefix "" { policy = "read" }']


def test_json_has_the_policy_of_each_source_by_name(project: Project) -> None:
    config = consul_config("http://127.0.0.1:1")
    config["sources"] |= {"live": {"type": "nomad"}, "partners": {"type": "static", "services": {"a": "http://a"}}}
    project.configure(config)
    policies = project.document(0, "sources", "--policy")["policies"]
    assert [(policy["source"], policy["type"]) for policy in policies] == [("live", "nomad"), ("mesh", "consul")]
    assert project.done("sources", "--policy=live").stdout == (
        '# ACL policy of the source `live` (nomad)\nnamespace "default" { capabilities = ["list-jobs", "read-job"] }\n'
    )


@pytest.mark.oldest_consul("the agent's refusal is the proxy's")
def test_a_token_that_may_not_ask_the_agent_reads_the_datacenter_of_its_nodes(
    project: Project, consul_wan: WanPair, proxied: Callable[..., FaultyProxy]
) -> None:
    consul_wan.reset()
    for agent, name in zip(consul_wan.agents, ("here", "there"), strict=True):
        agent.catalog_register("n1", name, address="10.0.0.1", port=8080)
    proxy = proxied(
        consul_wan.primary, lambda path, token: (403, "Permission denied") if "/v1/agent/self" in path else None
    )
    project.configure(consul_config(proxy.address)).done("freeze")
    lock = [json.loads(line) for line in project.read("frostline.lock").decode().splitlines()]
    assert "here" in str(lock)
    assert "there" not in str(lock)
