"""`frostline-ci drift`: compare the sources with the lock, and keep one issue open while they differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from frostline import errors
from frostline.ci.hosts import Host
from frostline.ci.running import run_frostline
from frostline.ci.texts import join_parts, mark_of

_TITLE = "The registry has moved since it was frozen"
_OPEN = (
    "The sources have changed since they were frozen. Run `frostline compile`, and review what it writes. "
    "This issue closes by itself when the sources and the lock agree again."
)
_SETTLED = "The sources agree with the lock."


def drift(host: Host, config: Path | None, reading: tuple[str, ...], say: Callable[[str], None]) -> int:
    """Compare, update the issue, and return the status of `frostline check --live`.

    With any status other than 0 and 1 nothing is known, so the issue stays as it is. reading: options for the check.
    """
    arguments = ("--live", "--format", "markdown", *reading)
    live = run_frostline("check", *arguments, config=config)
    mark = mark_of("drift", config)
    if live.status == errors.DIFFERENT:
        url = host.report(mark, _TITLE, join_parts(mark, (_OPEN, live.text), host.longest))
        say(f"The registry has moved: {url}")
    elif live.status == errors.DONE:
        say(f"{_SETTLED}{' The issue is closed.' if host.settle(mark, _SETTLED) else ''}")
    return live.status
