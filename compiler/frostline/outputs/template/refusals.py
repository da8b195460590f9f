"""Collects all services that a built-in template refuses, not only the first one.

Users cannot correct such a template. They can only leave these services out, so they should learn of all at once. When
a filter or `fail` refuses a value of a service, rendering goes on, and its result is thrown away.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Container, Mapping, Sequence
from functools import wraps
from typing import Any

from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.outputs.template.records import subject_of
from frostline.outputs.template.text import TemplateFault, trusted
from frostline.service_keys import glob_of
from frostline.settings import OutputSettings
from frostline.text import escape_json, name_first, pluralize, quote

_MOST_REASONS = 10
_MOST_WRITTEN = 5


def subject_in(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """The service, and version, being written: the most specific subject among the variables of a template's frame."""
    return max((subject_of(value) for value in variables.values()), key=len, default=())


class Refusals:
    """The refusals so far. templates: the paths of the rendered templates."""

    def __init__(self, templates: Container[str]) -> None:
        self._templates = templates
        self._subjects: dict[tuple[str, str], dict[tuple[str, ...], None]] = {}

    def noting(self, function: Callable[..., str], *, keeps_help: bool = False) -> Callable[..., str]:
        """The filter or function, changed so that it notes the values of a service that it refuses, and goes on.

        keeps_help: whether its help is for users. The help of filters is for authors of templates.
        """

        @wraps(function)
        def noted(*arguments: Any, **named: Any) -> str:
            try:
                return function(*arguments, **named)
            except TemplateFault as fault:
                subject = self._subject()
                if not subject:
                    raise
                ways = (fault.help or "") if keeps_help else ""
                self._subjects.setdefault((fault.message, ways), {})[subject] = None
                return trusted("")

        return noted

    def _subject(self) -> tuple[str, ...]:
        """The service, and version, that the template writes at this moment."""
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename in self._templates and (subject := subject_in(frame.f_locals)):
                return subject
            frame = frame.f_back  # type: ignore[assignment]
        return ()

    def raise_all(self, output: OutputSettings) -> None:
        """Raises UsageError, or ErrorGroup with one error for each reason, if anything was refused."""
        reasons = [*self._subjects.items()]
        errors: list[FrostlineError] = [
            _error(output, message, [*subjects], ways) for (message, ways), subjects in reasons[:_MOST_REASONS]
        ]
        if len(reasons) > _MOST_REASONS:
            more = pluralize(len(reasons) - _MOST_REASONS, "reason")
            message = f"the output {quote(output.name)}: its template refuses services for {more} more"
            errors.append(UsageError(message, origin=output.origin, help="leave out the services above first"))
        if errors:
            raise errors[0] if len(errors) == 1 else ErrorGroup(errors)


def _error(output: OutputSettings, message: str, subjects: Sequence[tuple[str, ...]], ways: str) -> UsageError:
    names = ["/".join(subject) for subject in subjects]
    which = f"{'service' if len(names) == 1 else 'services'} {name_first(names)}"
    services = [*dict.fromkeys(subject[0] for subject in subjects)]
    return UsageError(
        f"the output {quote(output.name)}: {which}: {message}",
        origin=output.origin,
        help=f"{f'{ways}, or ' if ways else ''}{_without(output, services)}",
    )


def _without(output: OutputSettings, services: Sequence[str]) -> str:
    """How to leave these services out of this output."""
    them = "it" if len(services) == 1 else "them"
    if len(services) > _MOST_WRITTEN:
        return f"leave {them} out of the output with globs that begin with `!`, in its `select`"
    globs = [*output.select.services, *(f"!{glob_of(service)}" for service in services)]
    listed = escape_json(json.dumps(globs, ensure_ascii=False))
    if output.select.judges_endpoints:
        return f"leave {them} out of the output: write `services: {listed}` under its `select`"
    return f"leave {them} out of the output: `select: {listed}`"
