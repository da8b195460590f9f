"""Two joined Consuls of which one dies and is forgotten, and the page that says what to do about it, word for word."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from consul_voter import Voter
from consul_wan import WanPair
from processes import start_on_free_ports
from project import Project, Run, consul_config

PAGE = Path(__file__).parents[2] / "docs" / "consul-is-down.md"
LEAVES_AT_ONCE = {"performance": {"leave_drain_time": "10ms"}}
CONFIRMED = "frostline.confirmed"


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


@pytest.fixture
def pair(consul_binary: str, tmp_path: Path) -> Iterator[WanPair]:
    """Two datacenters of this test alone: dc2 does not survive it."""
    pair = start_on_free_ports(lambda: WanPair(consul_binary, tmp_path / "wan", secondary=LEAVES_AT_ONCE))
    pair.primary.catalog_register("n1", "web", address="10.0.0.1", port=80)
    for number in range(5):
        pair.secondary.catalog_register("n2", f"west-{number}", address="10.0.1.1", port=80 + number)
    for agent in pair.agents:
        agent.catalog_register("n3", "mail", address="10.0.0.3", port=25)
    yield pair
    pair.stop()


def configure(project: Project, pair: WanPair, datacenters: Any = ("*",), **source: Any) -> None:
    keys = {"datacenters": list(datacenters), **source}
    project.configure(consul_config(pair.primary.address, source=keys, confirmed=CONFIRMED))


def make_older(project: Project, hours: float) -> None:
    """As if all was confirmed that many hours ago."""
    at = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = project.read(CONFIRMED).decode()
    project.write(CONFIRMED, re.sub(r'"at":"[^"]*"', f'"at":"{at}"', text))


def datacenters_of(project: Project) -> list[str]:
    return re.findall(r'"datacenter":"(dc.)"', project.read("frostline.lock").decode())


def kill(pair: WanPair) -> None:
    """dc2 dies; dc1 still knows its name."""
    pair.secondary.stop()


def forget(pair: WanPair) -> None:
    """dc1 no longer lists dc2, as 72 hours after its death."""
    pair.secondary.start()
    pair.join()
    pair.primary.server.wait_until(lambda: known(pair) == ["dc1", "dc2"], "joining dc1 and dc2 again")
    pair.secondary.request("PUT", "/v1/agent/leave")
    pair.primary.server.wait_until(lambda: known(pair) == ["dc1"], "dc1 to forget dc2")


def known(pair: WanPair) -> list[str]:
    return sorted(pair.primary.request("GET", "/v1/catalog/datacenters"))


def test_a_datacenter_that_dies_and_is_forgotten_is_kept_or_left_out_on_purpose(
    project: Project, pair: WanPair
) -> None:
    configure(project, pair)
    project.done("compile")
    published = project.read("services.yaml")
    make_older(project, 80)
    kill(pair)
    check_dead(project, pair)
    forget(pair)
    check_forgotten(project, pair)
    assert b"west-0" in published
    assert b"west-0" not in project.read("services.yaml")


def check_dead(project: Project, pair: WanPair) -> None:
    said = project.refused(3, "compile").stderr
    assert said.count("Nothing was written") == 1
    assert said.splitlines()[-1].startswith("Nothing was written: what is published stays as it is. `frostline check`")

    configure(project, pair, partial={"max_age": "72h"})
    said = project.refused(3, "compile").stderr
    assert "what the lock has of it was confirmed 3 days ago; `partial.max_age` is 3 days" in said
    assert "once with `--allow partial`, longer with another `partial.max_age`" in said
    make_older(project, 30)
    said = project.done("compile").stderr
    assert "`dc2` keeps what the lock has (`partial`)" in said
    assert "warning: source mesh: what the lock has of `dc2` was confirmed 30 hours ago" in said
    ages = {line["datacenter"]: line["age"] for line in project.document(0, "list")["lock_age"]}
    assert ages["dc1"] < 600
    assert ages["dc2"] >= 30 * 3600
    assert "datacenter `dc2`" in project.refused(1, "check", "--max-age", "24h").stdout

    (project.folder / CONFIRMED).rename(project.folder / "kept")
    assert "never confirmed; `partial.max_age`" in project.refused(3, "compile").stderr
    assert "what the lock has of `dc2` was never confirmed" in project.done("compile", "--allow", "partial").stderr
    (project.folder / "kept").rename(project.folder / CONFIRMED)

    configure(project, pair, partial=True)
    said = project.refused(3, "check", "--live").stderr
    assert "`mesh/dc2` could not be read" in said
    assert "agree" not in said
    assert said.count("Nothing was written") == 1
    (error,) = project.document(3, "check", "--live")["errors"]
    assert "could not be read" in error["message"]
    assert datacenters_of(project) == ["dc1", "dc2"]


def check_forgotten(project: Project, pair: WanPair) -> None:
    configure(project, pair)
    for command in ("compile", "freeze", "plan"):
        said = project.refused(3, command).stderr
        assert "source mesh: datacenter `dc2` is in the lock, and Consul no longer knows it" in said
        assert '`datacenters: ["*", "!dc2"]`' in said
        assert "`--allow empty=mesh/dc2`" in said
        assert said.count("Nothing was written") == 1
    assert "Consul no longer knows it" in project.refused(3, "check", "--live").stderr
    assert "`dc2` keeps what the lock has" in project.done("compile", "--allow", "partial").stderr
    assert datacenters_of(project) == ["dc1", "dc2"]
    assert "Consul no longer knows it" in project.refused(3, "compile", "--allow", "empty=mesh/dc1").stderr

    # The consent to the datacenter ends in that of the guards, which judge the services that go with it.
    said = project.refused(4, "compile", "--allow", "empty=mesh/dc2").stderr
    assert "guard-delete" in said
    assert "guard-segment" not in said
    words = next(word for word in said.split("`") if word.startswith("--allow deletes"))
    plan = project.run("plan", "--allow", "empty=mesh/dc2", *shlex.split(words))
    assert plan.returncode == 1, plan.stderr
    configure(project, pair, ["*", "!dc2"])
    assert "guard-segment" not in project.refused(4, "compile").stderr
    project.done("compile", *shlex.split(words))
    assert datacenters_of(project) == ["dc1"]
    assert project.read(CONFIRMED).count(b"\n") == 2


@pytest.mark.oldest_consul(why="both versions are played above")
def test_the_page_about_a_consul_that_is_down_is_what_happens(project: Project, pair: WanPair, tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for number in range(2, 5):  # so few go with dc2 that no guard has to be asked
        pair.secondary.catalog_deregister("n2", f"west-{number}")
    voter = Voter(pair.primary.binary, tmp_path / "voter", 0)
    events: dict[str, Callable[[], None]] = {
        "One datacenter is down": lambda: kill(pair),
        "Consul has forgotten the datacenter": lambda: forget(pair),
    }
    statuses = iter([0, 3, 3, 3, 0, 3, 1, 3, 0])
    try:
        play(project, text.partition("\n## ")[0], {}, statuses)
        project.done("compile", env={"CONSUL_HTTP_ADDR": pair.primary.address})
        make_older(project, 3)
        for section in re.split(r"^## ", text, flags=re.M)[1:]:
            title, _, body = section.partition("\n")
            leaderless = title == "Consul has no leader"
            env = {"CONSUL_HTTP_ADDR": voter.address if leaderless else pair.primary.address}
            events.get(title, lambda: None)()
            play(project, body, env, statuses)
    finally:
        voter.server.stop(politely=False)
    assert next(statuses, None) is None
    assert datacenters_of(project) == ["dc1"]


def play(project: Project, body: str, env: dict[str, str], statuses: Iterator[int]) -> None:
    """Do what a section says: its configurations, its commands, whose output has each line of the text after them."""
    printed = ""
    for kind, block in re.findall(r"^```(sh|text|yaml)\n(.*?)^```$", body, re.M | re.S):
        if kind == "yaml":
            config = yaml.safe_load(block)
            config["sources"]["mesh"]["retries"] = 0
            project.configure(config)
        elif kind == "text":
            assert [line for line in block.splitlines() if line not in printed] == []
        else:
            for line in block.splitlines():
                words = shlex.split(line.replace("--wait 30s", "--wait 1s"))[1:]
                done = project.run(*words, env=env)
                printed = done.stdout + done.stderr
                if env:
                    printed = printed.replace(env["CONSUL_HTTP_ADDR"], "http://127.0.0.1:8500")
                assert done.returncode == next(statuses), line + printed
