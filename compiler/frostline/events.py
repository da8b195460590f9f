"""The stages of a run, for listeners such as timings and progress bars, and for the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Protocol

_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Receives the stages one after the other, in the thread that runs them. Stages do not nest."""

    def started(self, stage: str) -> None:
        """The stage begins."""

    def progressed(self, what: str, done: int, expected: int) -> None:
        """The current stage has finished `done` of `expected` steps of `what`. Called often: it must be cheap."""

    def finished(self, stage: str) -> None:
        """The stage ended, by itself or with an error."""

    def tried(self, source: str, datacenter: str) -> None:
        """A live source begins to read this datacenter, or reads it anew, for it changed meanwhile."""


_LISTENERS: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(listeners: Sequence[Listener]) -> Iterator[None]:
    """Within the block these listeners, and no others, receive the stages."""
    token = _LISTENERS.set(tuple(listeners))
    try:
        yield
    finally:
        _LISTENERS.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The block is this stage, such as `reading source mesh`."""
    _log.info("%s", name)
    with ExitStack() as ends:
        for listener in _LISTENERS.get():
            listener.started(name)
            ends.callback(listener.finished, name)
        yield


def report_try(source: str, datacenter: str) -> None:
    """This datacenter of a live source is read, or read anew, for it changed meanwhile."""
    for listener in _LISTENERS.get():
        listener.tried(source, datacenter)


def report_progress(what: str, done: int, expected: int) -> None:
    """The current stage has finished `done` of `expected` steps of `what`, such as a datacenter."""
    for listener in _LISTENERS.get():
        listener.progressed(what, done, expected)
