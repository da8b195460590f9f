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


def test_check_waits_for_a_publishing_run_and_says_so_once(config: Config) -> None:
    said: list[str] = []
    seen: list[bool] = []
    with run_lock(config.root):
        journal = config.root / NAME
        journal.write_text("x")
        threading.Timer(0.3, journal.unlink).start()
        other_runs.look(config, lambda: seen.append(journal.exists()), said.append)
    assert seen == [False]
    assert said == ["Another run is publishing here: waiting until it is done."]


def test_check_does_not_wait_for_a_killed_run(config: Config) -> None:
    (config.root / NAME).write_text("x")
    said: list[str] = []
    assert other_runs.look(config, lambda: 1, said.append) == 1
    assert said == []


def test_check_looks_again_if_another_run_published_meanwhile(config: Config) -> None:
    times: list[int] = []

    def find() -> int:
        times.append(1)
        if len(times) == 1:
            config.manifest.write_text("new")
            raise UsageError("mixed")
        return len(times)

    assert other_runs.look(config, find, pytest.fail) == 2


def test_check_warns_of_a_mixed_result_if_other_runs_keep_publishing(config: Config) -> None:
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


def test_an_error_counts_only_if_nobody_has_published(config: Config) -> None:
    def find() -> None:
        raise UsageError("wrong")

    with pytest.raises(UsageError, match="wrong"):
        other_runs.look(config, find, pytest.fail)


def test_asking_whether_a_run_is_at_work_sees_it_and_stops_nobody(config: Config) -> None:
    assert not is_at_work(config.root)
    with run_lock(config.root):
        assert is_at_work(config.root)
    assert not is_at_work(config.root / "missing")
    with run_lock(config.root):
        pass
