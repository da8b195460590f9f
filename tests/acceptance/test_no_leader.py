"""Real Consul servers without a leader: a run says so in seconds, or waits for one on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from consul_voter import Voter
from project import Project, consul_config


@pytest.fixture
def voters(consul_binary: str, tmp_path: Path) -> Iterator[Callable[[], Voter]]:
    """`voters()` starts one more; they do not know each other."""
    started: list[Voter] = []

    def start() -> Voter:
        started.append(Voter(consul_binary, tmp_path / f"voter-{len(started)}", len(started)))
        return started[-1]

    yield start
    for voter in started:
        voter.server.stop(politely=False)


AT_MOST = 15.0
"""Seconds of a run on a busy machine; four retries of a request that the server holds for 7 s take 39."""


def test_no_leader_is_known_in_seconds_and_waited_for_on_purpose(project: Project, voters: Callable[[], Voter]) -> None:
    first, second = voters(), voters()
    project.configure(consul_config(first.address, source={"retries": 4}))
    started = time.monotonic()
    said = project.refused(3, "compile").stderr
    assert time.monotonic() - started < AT_MOST
    assert f"GET /v1/status/leader?dc=dc1 at {first.address}: Consul has no leader" in said
    assert "--wait 30s" in said

    join = threading.Timer(1.0, second.join, (first,))
    join.start()
    # A new catalog is empty: that it can be read is what counts.
    assert "no selected service" in project.refused(4, "compile", "--wait", "60s").stderr
    join.join()

    second.server.stop(politely=False)
    first.server.wait_until(first.has_no_leader, "the loss of the leader")
    project.configure(consul_config(first.address))
    assert "Consul has no leader" in project.refused(3, "freeze", "--allow", "empty").stderr


@pytest.mark.oldest_consul(why="nobody answers")
def test_wait_waits_for_an_agent_that_is_down(project: Project, consul_binary: str, tmp_path: Path) -> None:
    agent = ConsulAgent(consul_binary, tmp_path / "agent")
    agent.stop()
    project.configure(consul_config(agent.address))
    started = time.monotonic()
    assert "cannot reach" in project.refused(3, "compile", "--wait", "300ms").stderr
    assert time.monotonic() - started < AT_MOST
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(project.run, "compile", "--wait", "60s")
        time.sleep(0.5)
        agent.start()  # in this thread: a server ends with the thread that started it
        done = waiting.result()
    agent.stop()
    assert done.returncode == 4
    assert "no selected service" in done.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["compile", "--offline", "--wait", "1s"], "--offline and --wait exclude each other"),
        (["compile", "--lock", "*.lock", "--wait", "1s"], "--lock and --wait exclude each other"),
        (["compile", "--plan", "p", "--wait", "1s"], "--plan and --wait exclude each other"),
        (["plan", "--offline", "--wait", "1s"], "--offline and --wait exclude each other"),
        (["check", "--wait", "1s"], "--wait needs --live"),
        (["compile", "--wait", "soon"], "--wait: `soon` is not a duration\n  help: write one such as 30s, 5m or 24h"),
        (["compile", "--wait", "30"], "is not a duration"),
        (["freeze", "--wait", "-1s"], "is not a duration"),
    ],
)
def test_wait_where_nobody_is_asked_or_without_a_duration_is_a_usage_error(
    project: Project, words: list[str], reason: str
) -> None:
    project.configure(consul_config("http://127.0.0.1:1"))
    assert reason in project.refused(2, *words).stderr
