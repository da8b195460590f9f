"""`frostline watch` beside real Consuls: it publishes what changed, once, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from project import STATIC, Project, consul_config

QUIET = "0.2s"


class Watch:
    """A `frostline watch` at work, and the lines that it has said so far."""

    def __init__(self, folder: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self._log = folder.parent / "watch.log"
        words = [sys.executable, "-m", "frostline", "watch", "-v", "--quiet-for", QUIET, *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                words, cwd=folder, stderr=log, stdout=log, env={**os.environ, **(env or {})}
            )

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def count(self, text: str) -> int:
        return self.said().count(text)

    def until(self, text: str, times: int = 1) -> None:
        """Wait until it has said this so often."""
        end = time.monotonic() + 30
        while self.count(text) < times:
            assert time.monotonic() < end, f"{text!r} not said {times} times:\n{self.said()}"
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def turns(self) -> int:
        """How often it has read the source."""
        return self.count("reading source mesh")

    def settle(self) -> None:
        """Wait until it has read nothing for three times what it calls quiet."""
        seen, since = self.turns(), time.monotonic()
        while time.monotonic() - since < 0.7:
            time.sleep(0.05)
            if self.turns() != seen:
                seen, since = self.turns(), time.monotonic()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def watch(project: Project) -> Iterator[Callable[..., Watch]]:
    started: list[Watch] = []

    def start(*options: str, env: dict[str, str] | None = None) -> Watch:
        started.append(Watch(project.folder, *options, env=env))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def names_in(project: Project) -> set[str]:
    return {path.name for path in project.folder.iterdir()}


def test_a_watch_publishes_what_changed_once_and_keeps_what_it_refuses(
    shop: ConsulAgent, project: Project, watch: Callable[..., Watch]
) -> None:
    select = {"select": {"services": ["*", "!consul", "!other*"]}}
    project.configure(consul_config(shop.address, source=select))
    command = "sh -c 'echo ran:$CONSUL_HTTP_TOKEN: >>../ran'"
    watching = watch("--exec", command, env={"CONSUL_HTTP_TOKEN": "secret-token"})
    watching.until("Published 3 services")
    watching.settle()
    assert (project.folder.parent / "ran").read_text() == "ran::\n"

    # What is not selected: read, and not published.
    turns, before = watching.turns(), project.tree()
    shop.catalog_register("n1", "other-thing", address="10.0.0.1", port=1)
    watching.until("reading source mesh", turns + 1)
    watching.settle()
    assert project.tree() == before

    # A service that flaps: one publication.
    for port in (9201, 9202, 9203):
        shop.catalog_register("n1", "search", address="10.0.0.1", port=port, tags=["api"])
    watching.until("Published", 2)
    watching.settle()
    assert watching.count("Published") == 2
    assert "(0 added, 1 changed, 0 removed): 2 files written, 0 deleted. search changed." in watching.said()
    assert b":9203" in project.read("services.yaml")
    assert (project.folder.parent / "ran").read_text() == "ran::\n" * 2

    # A change of a local file.
    project.configure(consul_config(shop.address, source=select, checks={"policies": {"required": ["gone/v1"]}}))
    watching.until("Refused: error[")
    before = project.contents()
    shop.catalog_register("n3", "extra", address="10.0.0.3", port=80)
    turns = watching.turns()
    watching.until("reading source mesh", turns + 1)
    watching.settle()
    assert project.contents() == before
    assert watching.count("Refused: ") == 1

    # A server that starts anew, with other services.
    shop.stop()
    watching.until("Not published: ")
    shop.start()
    for node, name in (("n1", "payments-v1"), ("n1", "search"), ("n2", "ledger"), ("n1", "fresh")):
        shop.catalog_register(node, name, address="10.0.0.9", port=8080)
    project.configure(consul_config(shop.address, source=select, guards={"instances": "100%", "update": "100%"}))
    watching.until("fresh added")
    assert watching.count("Not published: ") <= 2

    names = names_in(project)
    assert watching.end() == 130
    assert watching.said().endswith("error: interrupted\n1 error\n")
    assert (
        names_in(project)
        == names
        == {"frostline.yaml", "frostline.lock", "frostline.manifest", "registry.py", "registry.pyi", "services.yaml"}
    )


def test_a_configuration_that_is_wrong_at_the_start_ends_a_watch(project: Project) -> None:
    project.configure(STATIC | {"version": 7}).refused(2, "watch")
    project.configure(STATIC).refused(2, "watch", "--exec", "no-such-program-here x")
    for words in ("", "'unclosed", "'' x"):
        assert "--exec" in project.refused(2, "watch", "--exec", words).stderr
    assert "longer than 0" in project.refused(2, "watch", "--quiet-for", "0s").stderr
