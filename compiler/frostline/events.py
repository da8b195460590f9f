"""The stages of a run as they begin and end, for whoever listens: a log, timings, bars. Nobody does unless asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Protocol

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Told of one stage after the other, in the thread that runs them; no stage holds another."""

    def started(self, stage: str) -> None:
        """A stage begins."""

    def progressed(self, what: str, done: int, expected: int) -> None:
        """In the stage that is at work, so many of the expected are done. Called often: it must cost nothing."""

    def finished(self, stage: str) -> None:
        """A stage ended, or was left by an error."""


_LISTENERS: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(listeners: Sequence[Listener]) -> Iterator[None]:
    """These, and no others, are told within."""
    token = _LISTENERS.set(tuple(listeners))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """What is done within is this stage, such as `reading source mesh`."""
    _log.info("%s", name)
    with ExitStack() as ends:
        for listener in _LISTENERS.get():
            listener.started(name)
            ends.callback(listener.finished, name)
        yield


def report_progress(what: str, done: int, expected: int) -> None:
    """So many of the expected are done of what the stage is about, such as a datacenter."""
    for listener in _LISTENERS.get():
        listener.progressed(what, done, expected)
