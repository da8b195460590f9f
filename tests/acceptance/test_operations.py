"""A night and the morning after: thirty services in two joined datacenters of real Consuls."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from consul_wan import WanPair
from project import Project, Run, consul_config

INSTANCES = 3
"""Of each service in each datacenter."""


def register(wan: WanPair, number: int, *, first_port: int = 20000, status: str = "passing") -> None:
    """svcNN with three instances in each of the two datacenters, ports counted from `first_port`."""
    for agent in wan.agents:
        for place in range(INSTANCES):
            agent.catalog_register(
                f"n{place}",
                f"svc{number:02}",
                id=f"svc{number:02}-{place}",
                address=f"10.0.0.{place + 1}",
                port=first_port + number,
                tags=["api"],
                status=status,
            )


@pytest.fixture
def town(project: Project, consul_wan: WanPair) -> tuple[Project, WanPair]:
    """The services as they were in the evening, published."""
    consul_wan.reset()
    for number in range(30):
        register(consul_wan, number)
    configure(project, consul_wan)
    project.done("compile")
    return project, consul_wan


def configure(project: Project, wan: WanPair, *, keep: dict[str, Any] | None = None, **guards: Any) -> None:
    source = {"datacenters": ["*"], "keep": keep or {}}
    project.configure(consul_config(wan.primary.address, source=source, guards=guards))


def retire(wan: WanPair, number: int) -> None:
    for agent in wan.agents:
        for place in range(INSTANCES):
            agent.catalog_deregister(f"n{place}", f"svc{number:02}-{place}")


def endpoints(project: Project) -> dict[str, list[int]]:
    """The ports of the published endpoints, by service."""
    services = yaml.safe_load(project.read("services.yaml"))["services"]
    return {name: [e["port"] for e in entry["unversioned"]["endpoints"]] for name, entry in services.items()}


def play_the_night(wan: WanPair) -> None:
    """Twenty services are rescheduled, svc29 is retired, and the checks of svc25 fail."""
    for number in range(20):
        register(wan, number, first_port=30000)
    retire(wan, 29)
    register(wan, 25, status="critical")


HELD = "warning[guard-held]: svc25: 0 passing, 6 critical; held as in the lock: 6 instances in `dc1` and `dc2`"


def manifest_line(project: Project, service: str) -> bytes:
    lines = project.read("frostline.manifest").splitlines()
    (found,) = (line for line in lines if f'"service":"{service}"'.encode() in line)
    return found


def redeploy(wan: WanPair, number: int) -> None:
    """New ids, on the next node, at the same addresses."""
    retire(wan, number)
    for agent in wan.agents:
        for place in range(INSTANCES):
            agent.catalog_register(
                f"n{(place + 1) % INSTANCES}",
                f"svc{number:02}",
                id=f"svc{number:02}-{place}-again",
                address=f"10.0.0.{place + 1}",
                port=20000 + number,
                tags=["api"],
            )


REFUSAL = "error[guard-instances]: svc25: 0 passing, 6 critical; it had 6 endpoints"


def test_a_night_of_moves_passes(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    for number in range(20):
        register(wan, number, first_port=30000)
    assert project.run("plan").returncode == 1
    project.done("compile")
    assert endpoints(project)["svc00"] == [30000] * 6


def test_a_service_that_is_retired_passes_below_the_floor(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    retire(wan, 29)
    project.done("compile")
    assert "svc29" not in endpoints(project)


def test_a_night_of_moves_passes_when_lock_and_outputs_are_written_apart(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    for number in range(20):
        register(wan, number, first_port=30000)
    project.done("freeze")
    project.done("compile", "--offline")
    assert endpoints(project)["svc00"] == [30000] * 6


def test_a_service_whose_checks_fail_is_refused_with_the_reason_and_both_ways_to_consent(
    town: tuple[Project, WanPair],
) -> None:
    project, wan = town
    play_the_night(wan)
    for command in ("compile", "freeze", "plan"):
        said: Run = project.refused(4, command, "--today", "2026-01-01")
        assert REFUSAL in said.stderr
        assert "svc29" not in said.stderr
        assert said.stderr.count("error[") == 1
    words = said.stderr.split("help: ")[1].split("`")
    assert words[1] == "--allow deletes=svc25"
    entries = yaml.safe_load(words[3])
    assert [(entry["rule"], entry["service"]) for entry in entries] == [("guard-instances", "svc25")]
    project.refused(4, "compile", "--allow", "deletes=svc29")
    assert project.run("plan", "--allow", "deletes=svc25").returncode == 1

    accepted = [{**entry, "until": entry["until"].isoformat()} for entry in entries]
    configure(project, wan, accept=accepted)
    project.refused(4, "compile", "--today", "2026-01-16")
    project.done("compile", "--today", "2026-01-15")
    assert endpoints(project)["svc25"] == []
    assert endpoints(project)["svc00"] == [30000] * 6


def test_offline_a_refusal_says_that_the_reason_is_not_known(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    register(wan, 25, status="critical")
    project.done("freeze", "--allow", "deletes=svc25")
    said = project.refused(4, "compile", "--offline").stderr
    assert "svc25: 0 endpoints (the reason is unknown offline" in said


@pytest.mark.parametrize("form", ["text", "json", "github", "markdown", "sarif", "junit"])
def test_a_refused_plan_shows_plan_and_refusal_in_every_format(town: tuple[Project, WanPair], form: str) -> None:
    project, wan = town
    play_the_night(wan)
    done = project.refused(4, "plan", "--format", form)
    assert "0 passing, 6 critical" in (done.stderr if form == "text" else done.stdout)
    if form in ("text", "json", "markdown"):
        assert "svc29" in done.stdout


def test_a_refused_freeze_gives_its_plan_as_json(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    play_the_night(wan)
    value = project.document(4, "freeze")
    assert value["segments"] == []
    assert [finding["rule"] for finding in value["findings"]] == ["guard-instances"]
    assert value["plan"]["summary"]["remove"] == 1
    assert len(value["plan"]["services"]) == 22
    assert "plan" not in project.document(0, "freeze", "--allow", "deletes=svc25")


def test_a_failing_service_is_held_and_let_go_when_it_recovers(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    evening = endpoints(project)["svc25"]
    line = manifest_line(project, "svc25")
    configure(project, wan, refused="hold")
    play_the_night(wan)
    for _ in range(2):
        said = project.done("compile").stderr
        assert HELD in said
        assert said.count("warning[") == 1
        night = endpoints(project)
        assert (night["svc25"], night["svc00"], "svc29" in night) == (evening, [30000] * 6, False)
        assert manifest_line(project, "svc25") == line
        assert project.read("frostline.lock").count(b'"held":true') == 6
    assert HELD in project.done("freeze").stderr
    assert HELD in project.done("check", "--live").stdout
    assert project.document(0, "plan")["held"] == ["svc25"]
    assert "svc25    unversioned  6 (held)" in project.done("list").stdout
    explained = project.done("explain", "svc25").stdout
    assert "held as in the lock" in explained
    assert "its health is critical" in explained

    register(wan, 25, first_port=30000)
    assert "guard-held" not in project.done("compile").stderr
    assert endpoints(project)["svc25"] == [30025] * 6
    assert b"held" not in project.read("frostline.lock")


def test_a_saved_plan_publishes_what_it_holds(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    evening = endpoints(project)["svc25"]
    configure(project, wan, refused="hold")
    play_the_night(wan)
    assert HELD in project.run("plan", "--out", "night.plan").stderr
    said = project.done("compile", "--plan", "night.plan").stderr
    assert (
        "svc25: held as in the lock: 6 instances in `dc1` and `dc2` (the reason is unknown: the source was not" in said
    )
    assert (endpoints(project)["svc25"], endpoints(project)["svc00"]) == (evening, [30000] * 6)
    project.done("compile", "--locked")
    assert project.read("frostline.lock").count(b'"held":true') == 6


def test_a_held_service_that_is_retired_or_consented_to_goes(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    configure(project, wan, refused="hold")
    for number in (24, 25):
        register(wan, number, status="critical")
    assert project.done("compile").stderr.count("warning[guard-held]") == 2
    retire(wan, 24)
    said = project.done("compile", "--allow", "deletes=svc25").stderr
    assert "guard-held" not in said
    assert "svc24" not in endpoints(project)
    assert endpoints(project)["svc25"] == []
    assert b"held" not in project.read("frostline.lock")


def test_a_redeployment_at_the_same_addresses_leaves_a_lock_without_ids_and_nodes_as_it_is(
    town: tuple[Project, WanPair],
) -> None:
    project, wan = town
    outputs = project.read("services.yaml")
    configure(project, wan, keep={"ids": False, "nodes": False})
    project.done("compile")
    assert project.read("services.yaml") == outputs
    lock = project.read("frostline.lock")
    assert b'"node"' not in lock
    assert lock.count(b'"service":"svc00"') == INSTANCES * 2
    redeploy(wan, 0)
    assert project.run("plan").returncode == 0
    project.done("compile")
    assert project.read("frostline.lock") == lock


def lines_changed(before: bytes, after: bytes) -> tuple[int, int]:
    """How many lines go and how many come."""
    had, has = Counter(before.splitlines()), Counter(after.splitlines())
    return (had - has).total(), (has - had).total()


def test_a_plan_of_the_lock_alone_says_so_in_every_format(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    lock, outputs = project.read("frostline.lock"), project.read("services.yaml")
    for number in range(20):
        redeploy(wan, number)
    only = "Only the lock changes: services, endpoints and files stay as they are.\n"
    told = project.run("plan")
    assert (told.returncode, told.stdout) == (1, only)
    assert project.done("plan", "--registry-only").stdout == only
    told = project.done("plan", "--registry-only", "--format", "markdown")
    assert told.stdout.startswith("**frostline**: only the lock changes, 0 errors, 0 warnings\n\n")
    plan = project.document(1, "plan")
    assert (plan["changes"], plan["lock"], plan["services"], plan["files"]) == (True, True, [], [])
    project.done("compile")
    assert lines_changed(lock, project.read("frostline.lock")) == (120, 120)
    assert project.read("services.yaml") == outputs


def test_a_night_changes_as_many_lines_as_the_page_says(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    lock = project.read("frostline.lock")
    for number in range(20):
        register(wan, number, first_port=30000)
    plan = project.run("plan")
    assert plan.returncode == 1
    assert plan.stdout.count(": 6 of 6 moved, dc1 3, dc2 3\n") == 20
    assert len(plan.stdout.splitlines()) < 30
    unfolded = re.sub(r"\n *<details>.*?</details>", "", project.run("plan", "--format", "markdown").stdout, flags=re.S)
    assert len(unfolded.splitlines()) < 35
    project.done("compile")
    assert lines_changed(lock, project.read("frostline.lock")) == (120, 120)


NO_GUARDS = {"delete": "100%", "instances": "100%", "update": "100%"}
NARROWER = {"services": ["svc0?", "svc2?", "!svc09"], "tags": ["api"], "health": ["passing"]}


def test_a_selection_that_takes_less_is_applied_offline_as_a_freeze_would(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    register(wan, 25, status="critical")
    wide = {"datacenters": ["*"], "select": {"health": ["passing", "critical"]}}
    project.configure(consul_config(wan.primary.address, source=wide)).done("compile")
    narrow = {"datacenters": ["dc2"], "select": NARROWER}
    project.configure(consul_config(wan.primary.address, source=narrow, guards=NO_GUARDS))
    assert project.run("check").returncode == 1
    assert project.run("plan", "--offline").returncode == 1
    shown = project.done("list").stdout
    project.done("explain", "--offline", "svc00")
    project.done("compile", "--offline")
    project.done("check")
    offline = {name: project.read(name) for name in ("frostline.lock", "services.yaml", "frostline.manifest")}
    assert project.done("list").stdout == shown
    project.done("compile")
    assert {name: project.read(name) for name in offline} == offline


def test_names_alone_serve_a_router_and_are_guarded(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    mesh = {"type": "consul", "address": wan.primary.address, "datacenters": ["*"], "keep": {"endpoints": False}}
    edge = {"type": "router", "url": "http://r/{service}", "unversioned_url": "http://{service}.service.consul:8080"}
    outputs = [{"type": "yaml", "path": "services.yaml"}, {"type": "python", "path": "registry.py"}]
    project.configure({"sources": {"mesh": mesh}, "outputs": outputs})
    assert "error[address-not-kept]" in project.refused(4, "compile", "--allow", "deletes,updates").stderr

    project.configure({"sources": {"mesh": mesh, "edge": {**edge, "services": {"from": ["mesh"]}}}, "outputs": outputs})
    project.done("compile", "--allow", "deletes,updates")
    lock = project.read("frostline.lock")
    assert b"10.0.0." not in lock
    assert lock.count(b'{"service":"svc00","tags":["api"]}') == 2  # one in each datacenter
    assert b"http://svc00.service.consul:8080" in project.read("registry.py")
    register(wan, 0, first_port=30000, status="critical")
    assert project.run("plan").returncode == 0
    assert "freezes only its name" in project.done("explain", "svc00").stdout
    for number in range(10):
        retire(wan, number)
    assert "error[guard-delete]: 10 of 30 services are not registered any more" in project.refused(4, "freeze").stderr


DOCS = Path(__file__).parents[2] / "docs"


def parts_of(page: str) -> tuple[list[list[str]], list[str], list[Any]]:
    """The commands that a page has typed, the texts that it shows, and its configurations."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line)[1:] for kind, block in blocks if kind == "sh" for line in block.splitlines()]
    configs = [yaml.safe_load(block) for kind, block in blocks if kind == "yaml"]
    return commands, [block for kind, block in blocks if kind == "text"], configs


def test_the_page_about_a_bad_address_is_what_happens(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    before = yaml.safe_load(project.read("services.yaml"))["services"]
    (write, plan, publish, *looks), (line, planned), (config,) = parts_of("one-bad-address.md")
    project.write(config["overrides"], "# of the night\n")
    project.configure(consul_config(wan.primary.address, source={"datacenters": ["*"]}, overrides="overrides.yaml"))
    day = ["--today", "2027-01-20"]
    assert project.done(*write, *day).stdout == line
    assert project.read("overrides.yaml").decode() == f"# of the night\n{line}"
    said = project.run(*plan, *day)
    assert said.returncode == 1
    assert planned.replace("overrides.yaml:1:3", "overrides.yaml:2:3") in said.stdout
    assert "warning[override]" in project.done(*publish, *day).stderr
    after = yaml.safe_load(project.read("services.yaml"))["services"]
    entry = before["svc07"]["unversioned"]
    left = [endpoint for endpoint in entry["endpoints"] if endpoint["address"] != "10.0.0.3"]
    expected = {**entry, "endpoints": left, "url": after["svc07"]["unversioned"]["url"]}
    assert after == {**before, "svc07": {"unversioned": expected}}
    listed, explained = (project.done(*words, *day).stdout for words in looks)
    assert "until 2027-01-31: disk full" in listed
    assert "http://10.0.0.3:20007" in explained.split("left out:")[1]
    project.done("check", *day)
    assert "override-expired" in project.refused(4, "check", "--today", "2027-02-01").stdout
    retire(wan, 7)
    assert "override-unused" in project.done("compile", *day).stderr


def test_the_page_about_refusals_is_what_happens(town: tuple[Project, WanPair]) -> None:
    project, wan = town
    play_the_night(wan)
    commands, shown, (config, holding) = parts_of("guard-refuses.md")
    *looks, consent = commands
    assert [words[0] for words in commands] == ["plan", "plan", "freeze", "compile"]
    for words in looks:
        project.refused(4, *words)
    refusal, warning = shown
    assert refusal in project.refused(4, *looks[0]).stderr
    assert "svc29" in project.refused(4, *looks[0]).stdout
    (entry,) = config["guards"]["accept"]
    configure(project, wan, accept=[{**entry, "until": entry["until"].isoformat()}])
    assert project.run("plan", "--today", "2027-01-31").returncode == 1
    assert project.run("plan", "--today", "2027-02-01").returncode == 4
    configure(project, wan, **holding["guards"])
    assert warning in project.done("compile").stderr
    configure(project, wan)
    project.done(*consent)
    assert endpoints(project)["svc25"] == []
