from __future__ import annotations

import logging

import pytest

from frostline.events import listening, report_progress, stage


class Recorder:
    """A listener that keeps what it received."""

    def __init__(self) -> None:
        self.received: list[tuple[object, ...]] = []

    def started(self, stage: str) -> None:
        self.received.append(("started", stage))

    def progressed(self, what: str, done: int, expected: int) -> None:
        self.received.append((what, done, expected))

    def finished(self, stage: str) -> None:
        self.received.append(("finished", stage))


def test_every_listener_receives_a_stage_and_its_progress() -> None:
    first, second = Recorder(), Recorder()
    with listening([first, second]), stage("reading"):
        report_progress("dc1", 1, 2)
    assert first.received == [("started", "reading"), ("dc1", 1, 2), ("finished", "reading")]
    assert second.received == first.received


def test_a_stage_that_an_error_ends_is_finished_too() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="no"), listening([recorder]), stage("reading"):
        raise ValueError("no")
    assert recorder.received == [("started", "reading"), ("finished", "reading")]


def test_listeners_receive_nothing_after_their_block() -> None:
    recorder = Recorder()
    with listening([recorder]):
        pass
    with stage("reading"):
        report_progress("dc1", 1, 2)
    assert recorder.received == []


def test_listeners_receive_nothing_after_an_error_left_their_block() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="no"), listening([recorder]):
        raise ValueError("no")
    with stage("reading"):
        pass
    assert recorder.received == []


def test_an_inner_block_replaces_the_listeners_until_it_ends() -> None:
    outer, inner = Recorder(), Recorder()
    with listening([outer]):
        with listening([inner]), stage("inner"):
            pass
        with stage("outer"):
            pass
    assert inner.received == [("started", "inner"), ("finished", "inner")]
    assert outer.received == [("started", "outer"), ("finished", "outer")]


class Messages(logging.Handler):
    """A log handler that keeps what it was given; pytest's own depends on what other tests did to the loggers."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.received.append(record.getMessage())


def test_a_stage_is_logged_whether_or_not_somebody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = Messages()
    logger = logging.getLogger("frostline.events")
    monkeypatch.setattr(logger, "handlers", [messages])
    before = logger.level
    logger.setLevel(logging.INFO)
    with stage("reading"):
        pass
    logger.setLevel(before)
    assert messages.received == ["reading"]
