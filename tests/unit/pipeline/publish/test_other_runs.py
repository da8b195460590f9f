"""Looking at what is published while another run publishes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from frostline.errors import UsageError
from frostline.pipeline.publish import other_runs
from frostline.publish.journal import NAME
from frostline.publish.run_lock import is_at_work, run_lock
from frostline.settings import Config

Configure = Callable[..., Config]
STATIC = {"type": "static", "services": {"billing": "https://billing.example"}}


@pytest.fixture
def config(configure: Configure) -> Config:
    return configure(sources={"partners": STATIC})


def test_a_run_that_publishes_is_waited_for_and_said_once(config: Config) -> None:
    said: list[str] = []
    seen: list[bool] = []
    with run_lock(config.root):
        journal = config.root / NAME
        journal.write_text("x")
        threading.Timer(0.3, journal.unlink).start()
        other_runs.look(config, lambda: seen.append(journal.exists()), said.append)
    assert seen == [False]
    assert said == ["Another run is publishing here: waiting until it is done."]


def test_what_a_killed_run_left_is_not_waited_for(config: Config) -> None:
    (config.root / NAME).write_text("x")
    said: list[str] = []
    assert other_runs.look(config, lambda: 1, said.append) == 1
    assert said == []


def test_it_looks_again_where_another_run_has_published_meanwhile(config: Config) -> None:
    times: list[int] = []

    def find() -> int:
        times.append(1)
        if len(times) == 1:
            config.manifest.write_text("new")
            raise UsageError("mixed")
        return len(times)

    assert other_runs.look(config, find, pytest.fail) == 2


def test_it_says_that_what_it_found_may_be_mixed_where_others_publish_again_and_again(config: Config) -> None:
    said: list[str] = []

    def find() -> int:
        new = config.manifest.with_name("new")
        new.write_text("x")
        new.replace(config.manifest)
        os.utime(config.manifest, ns=(len(times), len(times)))
        times.append(1)
        return 7

    times: list[int] = []
    assert other_runs.look(config, find, said.append) == 7
    assert len(times) == 3
    assert "another run published meanwhile" in said[-1]


def test_an_error_counts_where_nobody_has_published(config: Config) -> None:
    def find() -> None:
        raise UsageError("wrong")

    with pytest.raises(UsageError, match="wrong"):
        other_runs.look(config, find, pytest.fail)


def test_whether_a_run_is_at_work_is_seen_and_stops_nobody(config: Config) -> None:
    assert not is_at_work(config.root)
    with run_lock(config.root):
        assert is_at_work(config.root)
    assert not is_at_work(config.root / "missing")
    with run_lock(config.root):
        pass
