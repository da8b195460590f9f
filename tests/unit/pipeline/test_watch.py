"""When a watch takes its next turn, by a clock that the tests set."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import SourceError
from frostline.pipeline import watch
from frostline.pipeline.load.config import load_config
from frostline.pipeline.watch import CONFIRM, LocalFiles, Schedule, SourceWatcher, Watching
from frostline.settings import Config
from frostline.sources.base import Watch

STATIC = {"type": "static", "services": {"billing": "https://billing.example"}}


def schedule(**more: float) -> Schedule:
    """Return a schedule after its first turn, which began and ended at 0."""
    made = Schedule(0, quiet_for=5, **{"every": 1000.0, **more})
    made.begin()
    made.end(0, failed=False, every=more.get("every", 1000.0))
    return made


def test_the_first_turn_is_due_at_once_and_the_next_one_after_an_hour() -> None:
    made = Schedule(7, quiet_for=5, every=CONFIRM)
    assert made.due() == 7
    made.begin()
    made.end(9, failed=False, every=CONFIRM)
    assert made.due() == 9 + 3600


def test_a_turn_is_due_once_nothing_has_changed_for_quiet_for() -> None:
    made = schedule()
    made.note_change(100)
    assert made.due() == 105
    made.note_change(104)
    assert made.due() == 109


def test_a_turn_waits_at_most_four_times_quiet_for() -> None:
    made = schedule()
    for now in range(100, 140):
        made.note_change(now)
    assert made.due() == 120


def test_a_change_during_a_turn_is_for_the_next_one() -> None:
    made = schedule()
    made.note_change(100)
    made.begin()
    made.note_change(106)
    made.end(110, failed=False, every=1000)
    assert made.due() == 111
    made.begin()
    made.end(112, failed=False, every=1000)
    assert made.due() == 1112


def test_a_failed_turn_is_tried_again_after_longer_and_longer_pauses_until_it_succeeds() -> None:
    made = schedule()
    steps = []
    for _ in range(8):
        made.begin()
        made.end(0, failed=True, every=1000)
        steps.append(made.due())
    assert steps == [1, 2, 4, 8, 16, 32, 60, 60]
    made.begin()
    made.end(0, failed=False, every=1000)
    made.end(0, failed=True, every=1000)
    assert made.due() == 1


def test_a_change_does_not_wait_for_the_next_try() -> None:
    made = schedule()
    for _ in range(8):
        made.end(0, failed=True, every=1000)
    made.note_change(1)
    assert made.due() == 6


class Server:
    """Stand in for `watch` of a source: each call returns or raises the next answer, then waits forever."""

    def __init__(self, *outcomes: Mapping[str, int] | Exception) -> None:
        self.outcomes = list(outcomes)
        self.seen: list[Mapping[str, int] | None] = []
        self.done = threading.Event()

    def __call__(self, seen: Mapping[str, int] | None, wait: float) -> Mapping[str, int]:
        self.seen.append(seen)
        if not self.outcomes:
            self.done.set()
            threading.Event().wait()
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def notices_of(server: Server) -> list[Exception | None]:
    """Return the notices of a watcher until it has no more answers, or has failed."""
    found: list[Exception | None] = []
    watcher = SourceWatcher(Watch(server), found.append, pause=0.0, retry=0.0)
    end = threading.Event()
    for _ in range(500):
        if server.done.is_set() or any(found):
            break
        end.wait(0.01)
    watcher.stop()
    return found


DOWN = SourceError("down")


@pytest.mark.parametrize(
    ("outcomes", "notices"),
    [
        ([{"a": 1}], 1),
        ([{"a": 1}, {"a": 1}, {"a": 1}], 1),
        ([{"a": 1}, {"a": 2}], 2),
        ([{"a": 2}, {"a": 1}], 2),
        ([{"a": 1}, {"a": 1, "b": 1}], 2),
        ([{"a": 1}, DOWN, DOWN, DOWN], 2),
        ([{"a": 1}, DOWN, DOWN, {"a": 1}, {"a": 1}], 3),
        ([DOWN, {"a": 1}, DOWN, {"a": 1}], 4),
    ],
)
def test_a_watcher_notifies_of_a_change_a_failure_and_its_end(outcomes: list[Any], notices: int) -> None:
    assert notices_of(Server(*outcomes)) == [None] * notices


def test_a_watcher_starts_again_after_a_failure() -> None:
    server = Server({"a": 5}, DOWN, {"a": 3})
    notices_of(server)
    assert server.seen == [None, {"a": 5}, None, {"a": 3}]


def test_a_bug_in_a_watcher_ends_the_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = ZeroDivisionError("a bug")
    assert notices_of(Server(bug)) == [bug]
    config = configured(tmp_path, {"mesh": {"type": "consul", "address": "http://127.0.0.1:9"}})
    monkeypatch.setattr(watch, "watch_of", lambda settings: Watch(Server(bug)))
    with pytest.raises(ZeroDivisionError):
        Watching(config, quiet_for=5, poll=60).wait()


def configured(folder: Path, sources: Mapping[str, Any], **more: Any) -> Config:
    path = folder / "frostline.yaml"
    outputs = [{"type": "yaml", "path": "out/services.yaml"}]
    path.write_text(json.dumps({"version": 1, "sources": sources, "outputs": outputs, **more}), encoding="utf-8")
    return load_config(path)


def touch(path: Path, text: str = "x") -> None:
    """Write the file, and give it a new time: the file system's clock is coarse."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


JOBS = {"jobs": {"type": "jobspec", "files": ["jobs/*.nomad.hcl"]}}
JOB = 'job "shop" {}'


def test_local_files_notice_changed_new_and_removed_files_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/a.nomad.hcl").write_text(JOB, encoding="utf-8")
    files = LocalFiles(configured(tmp_path, JOBS))
    assert not files.has_changed()
    touch(tmp_path / "jobs/a.nomad.hcl", JOB + "\n")
    assert files.has_changed()
    assert not files.has_changed()
    touch(tmp_path / "jobs/notes.txt")
    touch(tmp_path / "frostline.lock")
    assert not files.has_changed()
    touch(tmp_path / "jobs/b.nomad.hcl", JOB)
    assert files.has_changed()
    (tmp_path / "jobs/a.nomad.hcl").unlink()
    assert files.has_changed()
    touch(tmp_path / "frostline.yaml", (tmp_path / "frostline.yaml").read_text() + " ")
    assert files.has_changed()
    assert not files.has_changed()


def test_a_file_that_changes_during_a_turn_is_seen_after_it(tmp_path: Path) -> None:
    config = configured(tmp_path, {"partners": STATIC})
    files = LocalFiles(config)
    touch(config.path, config.path.read_text(encoding="utf-8") + " ")
    files.follow(load_config(config.path))
    assert files.has_changed()


def test_only_sources_that_cannot_report_all_changes_are_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {name: {"type": "consul", "address": "http://127.0.0.1:9"} for name in ("all", "some", "nothing")}
    watches = {"all": Watch(Server({"a": 1})), "some": Watch(Server({"a": 1}), tells_all=False)}
    monkeypatch.setattr(watch, "watch_of", lambda settings: watches.get(settings.name))
    now = [100.0]
    watching = Watching(configured(tmp_path, sources), quiet_for=5, poll=60, clock=lambda: now[0])
    assert watching.polled == ["nothing", "some"]
    watching.wait()
    watching.end_turn(None, failed=False)
    assert watching._schedule.due() == 160
    watching.end_turn(configured(tmp_path, {"all": sources["all"]}), failed=False)
    assert (watching.polled, watching._schedule.due()) == ([], 100 + CONFIRM)
    watching.end_turn(None, failed=False, mendable=True)
    assert watching._schedule.due() == 100 + 300
