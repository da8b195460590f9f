"""The stages of a run, reported to listeners (timings, progress bars) and to the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Protocol

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Receives the stages in order, in the thread that runs them. Stages do not nest."""

    def started(self, stage: str) -> None:
        """The stage begins."""

    def progressed(self, what: str, done: int, expected: int) -> None:
        """The current stage has finished `done` of `expected` steps of `what`. Called often: it must be cheap."""

    def finished(self, stage: str) -> None:
        """The stage ended, with or without an error."""

    def tried(self, source: str, datacenter: str) -> None:
        """A live source begins to read this datacenter, or reads it again because it changed during the read."""


_LISTENERS: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(listeners: Sequence[Listener]) -> Iterator[None]:
    """Report the stages within the block to these listeners only."""
    token = _LISTENERS.set(tuple(listeners))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Report the block as one stage, such as `reading source mesh`."""
    _log.info("%s", name)
    with ExitStack() as ends:
        for listener in _LISTENERS.get():
            listener.started(name)
            ends.callback(listener.finished, name)
        yield


def report_try(source: str, datacenter: str) -> None:
    """Report that a live source begins to read a datacenter, or reads it again because it changed during the read."""
    for listener in _LISTENERS.get():
        listener.tried(source, datacenter)


def report_progress(what: str, done: int, expected: int) -> None:
    """Report that the current stage has finished `done` of `expected` steps of `what`, such as a datacenter."""
    for listener in _LISTENERS.get():
        listener.progressed(what, done, expected)
