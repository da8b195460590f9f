"""`frostline watch` where something stays wrong: a program that fails, a datacenter that is away, a killed run."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from consul_agent import ConsulAgent
from consul_wan import WanPair
from processes import start_on_free_ports
from project import STATIC, Project, consul_config
from watching import Watch, assert_nothing_staged, until

from frostline.durations import without_durations


def test_the_program_runs_once_for_each_publication_whoever_published_and_again_until_it_ends_well(
    project: Project, watch: Callable[..., Watch], tmp_path: Path
) -> None:
    project.configure(STATIC)
    project.done("compile")
    ran, works = tmp_path / "ran", tmp_path / "works"

    def times() -> int:
        return ran.read_text().count("ran") if ran.exists() else 0

    watching = watch("--exec", f"sh -c 'echo ran $$ | tee -a {ran} && test -e {works}'", hour=0.3)
    watching.until("Up to date: ")  # published by a run that was killed, for all that a watch knows
    until(lambda: times() >= 3, "a program that fails is run again")
    assert watching.count("--exec: `sh` ended with status 1") == 1
    works.touch()
    watching.until("--exec: `sh` succeeded again.")
    done = times()
    watching.until("publishing\n", watching.count("publishing\n") + 3)
    assert times() == done

    # Somebody else publishes, and the watch finds nothing to do.
    changed = dict(STATIC) | {"sources": {"many": {"type": "static", "services": {"new": "https://new.example"}}}}
    works.unlink()
    publish_meanwhile(watching, project, changed | {"guards": {"floor": 9}})
    watching.until("--exec: `sh` ended with status 1", 2)
    assert watching.count("Published ") == 0
    assert watching.end() == 130


def publish_meanwhile(watching: Watch, project: Project, config: Mapping[str, Any]) -> None:
    """Publish while the watch is stopped between two turns, when it does not hold the run lock."""

    def published() -> bool:
        watching.process.send_signal(signal.SIGSTOP)
        project.configure(config)
        done = project.run("compile", "--allow", "deletes,updates")
        watching.process.send_signal(signal.SIGCONT)
        assert done.returncode in (0, 5), done.stderr
        return done.returncode == 0

    until(published, "the watch is stopped between two turns")


DIES = """
import os
from frostline import __main__
from frostline.publish import publishing
publishing.finish = lambda *_: os._exit(9)
__main__.main()
"""


def test_what_a_killed_run_left_is_finished_and_the_program_runs_though_no_source_can_be_read(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch], tmp_path: Path
) -> None:
    project.configure(consul_config(shop.address))
    project.done("compile")
    shop.catalog_register("n1", "extra", address="10.0.0.3", port=80)
    assert subprocess.run([sys.executable, "-c", DIES, "compile"], cwd=project.folder).returncode == 9
    assert b"extra" not in project.read("services.yaml")
    shop.stop()
    ran = tmp_path / "ran"
    watching = watch("--exec", f"cp services.yaml {ran}")
    watching.until("Not published: ")
    until(lambda: ran.exists() and ran.read_bytes() == project.read("services.yaml"), "the program has run")
    assert watching.count("An interrupted publication was finished or undone.") == 1
    assert b"extra" in ran.read_bytes()
    assert_nothing_staged(project)
    shop.start()


def test_a_datacenter_that_stays_away_is_said_once_and_that_it_is_back(
    consul_binary: str, project: Project, watch: Callable[..., Watch], tmp_path: Path
) -> None:
    pair = start_on_free_ports(lambda: WanPair(consul_binary, tmp_path / "wan"))
    for agent in pair.agents:
        agent.catalog_register("n1", "web", address="10.0.0.1", port=80)
    keys = {"datacenters": ["*"], "partial": True}
    project.configure(consul_config(pair.primary.address, source=keys, confirmed="frostline.confirmed"))
    watching = watch(hour=0.5)
    watching.until("Published ")
    pair.secondary.stop()
    watching.until("keeps what the lock has")
    watching.until("publishing\n", watching.count("publishing\n") + 3)
    ages = [without_durations(line) for line in watching.output().splitlines() if "was confirmed" in line]
    said = [line for line in watching.output().splitlines() if "keeps what the lock has" in line]
    assert len(ages) == len(set(said)) == len(said)
    pair.secondary.start()
    pair.join()
    watching.until("The sources were read without warnings again.")
    assert watching.end() == 130
    pair.stop()


def test_a_service_that_a_watch_holds_is_said_once_and_that_the_hold_is_over(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch]
) -> None:
    project.configure(consul_config(shop.address, guards={"refused": "hold"}))
    watching = watch(hour=0.3)
    watching.until("Published ")
    for node in ("n1", "n2"):
        shop.catalog_register(node, "payments-v1", address="10.0.0.1", port=8080, status="critical")
    held = "warning[guard-held]: payments: 0 passing, 2 critical; held as in the lock: 2 instances in `dc1`"
    watching.until(held)
    watching.until("publishing\n", watching.count("publishing\n") + 3)
    assert watching.count("warning[guard-held]") == 1
    for node in ("n1", "n2"):
        shop.catalog_register(node, "payments-v1", address="10.0.0.1", port=8080, status="passing")
    watching.until(f"Over: {held}")
    assert watching.end() == 130
