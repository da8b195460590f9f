"""`frostline-ci drift`: compares the sources with the lock, and keeps one issue open while they differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frostline import errors
from frostline.ci.hosts import Host
from frostline.ci.running import run_frostline
from frostline.ci.texts import joined, mark_of

_TITLE = "The registry has moved since it was frozen"
_OPEN = (
    "What is frozen is not what the sources say now. Run `frostline compile`, and review what it writes. "
    "This closes by itself when they agree again."
)
_SETTLED = "The sources are as they are frozen."


def drift(host: Host, config: Path | None, reading: tuple[str, ...], say: Callable[[str], None]) -> int:
    """The status of `frostline check --live`; with any other than 0 and 1 nothing is known, and the issue stays."""
    arguments = ("--live", "--format", "markdown", *reading)
    live = run_frostline("check", *arguments, config=config)
    mark = mark_of("drift", config)
    if live.status == errors.DIFFERENT:
        url = host.report(mark, _TITLE, joined(mark, (_OPEN, live.text), host.longest))
        say(f"The registry has moved: {url}")
    elif live.status == errors.DONE:
        say(f"{_SETTLED}{' The issue is closed.' if host.settle(mark, _SETTLED) else ''}")
    return live.status
