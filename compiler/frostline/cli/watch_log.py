"""What `frostline watch` says about its turns: each thing once, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.cli.console import Invocation, info, print_err
from frostline.cli.invoking import print_warnings
from frostline.durations import without_durations
from frostline.errors import ErrorGroup, FrostlineError
from frostline.model import Finding
from frostline.pipeline.compile.compiling import Compilation
from frostline.plan.changes import Plan, published_line
from frostline.reporters.text import line_of
from frostline.text import escape_for_log, pluralize, shorten

_STAYS = "what is published stays as it is"
_ACTIONS = {"add": "added", "change": "changed", "remove": "removed"}
_MOST_NAMED = 10

_Warning = tuple[str, str | None, str | None, str]
"""What identifies a warning while its numbers change: its rule, service, version and place."""


class WatchLog:
    """The log of one watch. It remembers what it has said, so that it says it only once."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._trouble: str | None = None
        self._metrics_error: str | None = None
        self._source_warnings: tuple[str, ...] = ()
        self._findings: dict[_Warning, str] = {}
        """The warnings of the latest compilation, each with its line."""

    def say_published(self, compilation: Compilation) -> None:
        """Say what was published."""
        services = sum(1 for _ in compilation.registry.entries())
        self._trouble = None
        changes = _describe_changes(compilation.plan)
        line = published_line(compilation.plan, services)
        info(self._invocation, f"{line} {changes}" if changes else line)

    def say_failed(self, error: FrostlineError) -> None:
        """Say why nothing was published: something could not be read or written."""
        self._say_trouble(f"Not published: {_describe_error(error)}; {_STAYS}.")

    def say_refused(self, findings: Sequence[Finding]) -> None:
        """Say which findings refuse the turn."""
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        self._say_trouble(f"Refused: {line_of(findings[0])}{more}; {_STAYS}. `frostline plan` says what to do.")

    def _say_trouble(self, line: str) -> None:
        """Print the line, but not again while only an age in it differs."""
        if self._trouble is None or without_durations(line) != without_durations(self._trouble):
            print_err(escape_for_log(line))
        self._trouble = line

    def say_recovered(self) -> None:
        """Say that the trouble is over, if there was any."""
        if self._trouble is not None:
            info(self._invocation, "Up to date again: nothing has changed.")
        self._trouble = None

    def say_source_warnings(self, warnings: tuple[str, ...]) -> None:
        """Print the warnings, but not again while only ages in them differ; say once that there are none any more."""
        if [*map(without_durations, warnings)] != [*map(without_durations, self._source_warnings)]:
            print_warnings(self._invocation, warnings)
        if self._source_warnings and not warnings:
            info(self._invocation, "The sources were read without warnings again.")
        self._source_warnings = warnings

    def say_warnings(self, findings: Sequence[Finding]) -> None:
        """Print each warning when it is new and when it is over, but not when only its numbers change.

        Nothing else in the log says that a service is held.
        """
        lines = {_warning_of(finding): line_of(finding) for finding in findings}
        new = [line for warning, line in lines.items() if warning not in self._findings]
        over = [f"Over: {line}" for warning, line in self._findings.items() if warning not in lines]
        self._say_first(new, "{}; `frostline plan` shows all")
        self._say_first(over, "Over: {}")
        self._findings = lines

    def _say_first(self, lines: Sequence[str], rest: str) -> None:
        """Print the first lines. rest: the line for the number of the others."""
        for line in lines[:_MOST_NAMED]:
            info(self._invocation, line)
        if len(lines) > _MOST_NAMED:
            info(self._invocation, rest.format(f"{pluralize(len(lines) - _MOST_NAMED, 'warning')} more"))

    def say_metrics(self, error: FrostlineError | None) -> None:
        """Say why the metrics could not be written. error: None if they were written."""
        line = f"No metrics: {_describe_error(error)}." if error else None
        if line and line != self._metrics_error:
            print_err(escape_for_log(line))
        self._metrics_error = line


def _describe_error(error: FrostlineError) -> str:
    """Return the first error in one line, and how many more there are."""
    first, *others = error.errors if isinstance(error, ErrorGroup) else (error,)
    more = f" (and {len(others)} more)" if others else ""
    return f"{f'{first.origin}: ' if first.origin else ''}{first.message}{more}"


def _warning_of(finding: Finding) -> _Warning:
    return finding.rule, finding.service, finding.version, str(finding.origin)


def _describe_changes(plan: Plan) -> str:
    """Name the first services that changed: `payments v1 changed, search added.`; "" if there are none."""
    changes = [
        f"{shorten(' '.join(filter(None, (change.service, change.version))))} {_ACTIONS[change.action]}"
        for change in plan.services
    ]
    more = f" and {len(changes) - _MOST_NAMED} more" if len(changes) > _MOST_NAMED else ""
    return f"{', '.join(changes[:_MOST_NAMED])}{more}." if changes else ""
