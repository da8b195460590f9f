"""Plug-ins, which are modules of other packages: finding them, and calling them safely.

frostline checks what a plug-in returns before it relies on it, and turns whatever a plug-in raises into an error that
names the plug-in. So only frostline decides how a run ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout, suppress
from functools import cache, wraps
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import Entry, FileOrigin, InstanceOrigin, Registry
from frostline.rules import Rule
from frostline.text import list_names, pluralize, quote
from frostline.value_types import MisfitError, require

COMMON_VALUES: Mapping[str, Any] = {"SCHEMA": Mapping[str, Any], "RULES": tuple[Rule, ...] | list[Rule]}
"""Module-level values, with their types, that a plug-in of any room may define."""

Finish = Callable[..., Any]
"""Checks what a plug-in's function returned: (plug-in, result, arguments of the call …) -> the result to use.

It raises MisfitError if the result is wrong.
"""

_ABSENT = object()


class Seam(Struct, frozen=True, kw_only=True):
    """What frostline uses of the plug-ins in one group of entry points.

    group: the name of the group, such as `frostline.outputs`.
    noun: what messages call such a plug-in.
    table: the names that frostline's own modules already use.
    functions: name of a function -> the check of its result.
    values: name of a module-level value -> its type.
    one_of: a plug-in needs at least one of these functions.
    besides: function -> another function that a plug-in with the first one needs too.
    error: the class of error to raise if a function fails.
    """

    group: str
    noun: str
    table: Mapping[str, str]
    functions: Mapping[str, Finish]
    values: Mapping[str, Any]
    one_of: tuple[str, ...]
    besides: Mapping[str, str] = {}
    error: type[FrostlineError]


class PlugIn:
    """A plug-in's module. It has only the functions and values that its `Seam` lists; each use of them is checked."""

    def __init__(self, seam: Seam, entry: EntryPoint, module: Any) -> None:
        self._seam, self._entry, self._module = seam, entry, module

    def __getattr__(self, name: str) -> Any:
        finish = self._seam.functions.get(name)
        if name.startswith("_") or (finish is None and name not in self._seam.values):
            raise AttributeError(name)
        with _blamed(self._seam, self._entry, name, UsageError):
            value: Any = getattr(self._module, name, _ABSENT)
            if value is not _ABSENT:
                require(value, Callable[..., Any] if finish else self._seam.values[name], name)
        if value is _ABSENT:
            raise AttributeError(name)
        return self._guarded(name, value, finish) if finish else value

    def _guarded(self, name: str, function: Callable[..., Any], finish: Finish) -> Callable[..., Any]:
        error = UsageError if name in ("configure", "claims") else self._seam.error

        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            with _blamed(self._seam, self._entry, name, error):
                return finish(self, function(*arguments, **options), *arguments)

        return call

    def blamed(self, name: str, kind: type[FrostlineError] | None = None) -> AbstractContextManager[None]:
        """Return a context that blames a fault on the function `name` of this plug-in."""
        return _blamed(self._seam, self._entry, name, kind or self._seam.error)


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of this group, sorted by name. Cached, because the lookup takes 7 ms."""
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))


def names(seam: Seam) -> tuple[str, ...]:
    """Return the names of frostline's own modules and of the plug-ins, sorted.

    Raises UsageError if a plug-in has the name of one of frostline's own modules.
    """
    for entry in installed(seam.group):
        if entry.name in seam.table:
            _refuse_duplicate(seam, entry.name, [entry])
    return tuple(sorted({*seam.table, *(entry.name for entry in installed(seam.group))}))


def plug_in(seam: Seam, name: str) -> PlugIn:
    """Import the plug-in of this name. Raises KeyError if there is none, UsageError if it cannot be used."""
    entries = [entry for entry in installed(seam.group) if entry.name == name]
    if not entries:
        raise KeyError(name)
    if len(entries) > 1 or name in seam.table:
        _refuse_duplicate(seam, name, entries)
    entry = entries[0]
    with _blamed(seam, entry, "the import", UsageError):
        module = PlugIn(seam, entry, entry.load())
    missing = [] if any(hasattr(module, function) for function in seam.one_of) else [list_names(seam.one_of, "or")]
    missing += [
        quote(needed)
        for function, needed in seam.besides.items()
        if hasattr(module, function) and not hasattr(module, needed)
    ]
    if missing:
        raise UsageError(f"{_described(seam, entry)} has no function {missing[0]}", help=_help(entry))
    return module


def _refuse_duplicate(seam: Seam, name: str, entries: list[EntryPoint]) -> None:
    theirs = sorted(f"{quote(entry.value)} of {_package(entry)}" for entry in entries)
    ours = ["frostline itself"] if name in seam.table else []
    raise UsageError(
        f"{pluralize(len(theirs) + len(ours), seam.noun)} have the name {quote(name)}: {'; '.join(ours + theirs)}",
        help=f"uninstall all but one, or give the entry point of `{seam.group}` another name",
    )


@contextmanager
def _blamed(seam: Seam, entry: EntryPoint, what: str, kind: type[FrostlineError]) -> Iterator[None]:
    """Blame a fault in the block on this plug-in. What it prints goes to stderr, because stdout is for data."""
    try:
        with redirect_stdout(sys.stderr), _descriptor_1_to_stderr():
            yield
    except FrostlineError as error:
        if not _is_valid_error(error):
            problem = f"{what} raised an invalid {type(error).__name__}: a plug-in's error has a status of 2, 3 or 4, "
            problem += "and its message, origin and help have the documented types"
            raise kind(f"{_described(seam, entry)}: {problem}", help=_help(entry)) from None
        raise
    except MisfitError as misfit:
        raise kind(f"{_described(seam, entry)}: the result of {what} is wrong: {misfit}", help=_help(entry)) from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and _is_signal(error.__traceback__):
            raise
        raise _fault(seam, entry, what, kind, error) from None


@contextmanager
def _descriptor_1_to_stderr() -> Iterator[None]:
    """Redirect descriptor 1 to stderr within the block. That includes programs that the plug-in starts."""
    saved = None
    _flush()
    with suppress(OSError):  # one of the two is closed
        saved = os.dup(1)
        os.dup2(2, 1)
    try:
        yield
    finally:
        _flush()
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def _flush() -> None:
    """Write buffered text before descriptor 1 changes its target."""
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):  # the reader is gone, or the stream is closed or missing
            stream.flush()  # type: ignore[union-attr]


def _is_valid_error(error: Any) -> bool:
    """Whether this FrostlineError has a status that a plug-in may end a run with, and fields that can be shown."""
    try:
        require(error.status, Literal[2, 3, 4], "status")
        if isinstance(error, ErrorGroup):
            return bool(error.errors) and all(map(_is_valid_error, error.errors))
        require(error.message, str, "message")
        require(error.help, str | None, "help")
        require(error.origin, FileOrigin | InstanceOrigin | None, "origin")
    except (AttributeError, MisfitError, TypeError):
        return False
    return True


def _fault(
    seam: Seam, entry: EntryPoint, what: str, kind: type[FrostlineError], error: BaseException
) -> FrostlineError:
    """Make the error about an exception. It leaves out the exception's text, which may quote a server's secrets."""
    module = f" ({error.name})" if isinstance(error, ImportError) and error.name else ""
    line = _blamed_line(entry, error.__traceback__)
    problem = f"{what} failed: {type(error).__name__}{module}{f' at {line}' if line else ''}"
    if isinstance(error, SystemExit | KeyboardInterrupt):
        problem += "; only frostline decides how a run ends"
    return kind(f"{_described(seam, entry)}: {problem}", help=_help(entry))


def _blamed_line(entry: EntryPoint, traceback: TracebackType | None) -> str:
    """Return FILE:LINE of the innermost frame in the plug-in's package, else of the innermost one outside frostline."""
    package, in_package, elsewhere = entry.module.partition(".")[0], "", ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        line = f"{Path(code.co_filename).name}:{traceback.tb_lineno}"
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == package:
            in_package = line
        elif not module.startswith(("frostline", "importlib")):
            elsewhere = line
        traceback = traceback.tb_next
    return in_package or elsewhere


def _is_signal(traceback: TracebackType | None) -> bool:
    """Whether frostline's own signal handler raised the KeyboardInterrupt while the plug-in ran."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") in ("frostline.__main__", "__main__")


def _described(seam: Seam, entry: EntryPoint) -> str:
    return f"the {seam.noun} {quote(entry.name)} of {_package(entry)} ({entry.value})"


def _help(entry: EntryPoint) -> str:
    return f"report it to the authors of {_package(entry)}, or uninstall it; nothing was published"


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module


def returns(annotation: Any) -> Finish:
    """Return the check that a function's result has this type."""

    def finish(plug_in: PlugIn, result: Any, *arguments: Any) -> Any:
        return require(result, annotation, "the result")

    return finish


MOST_ITEMS = 1_000_000
"""How many items one call of a plug-in may return."""


def items_of(result: Any, kind: type) -> tuple[Any, ...]:
    """Return the items of a list, tuple, generator …; raise MisfitError unless all are of this kind.

    A generator runs here, inside the context that blames the plug-in for its faults.
    """
    if isinstance(result, str | bytes | Mapping) or not isinstance(result, Iterable):
        raise MisfitError(f"it must be a list of {kind.__name__}, not {type(result).__name__}")
    items = tuple(islice(result, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise MisfitError(f"it has more than {MOST_ITEMS:,} items")
    for number, item in enumerate(items):
        require(item, kind, f"item {number}")
    return items


def isolated(registry: Registry) -> Registry:
    """Copy the registry for a plug-in, so that its changes affect nobody else."""
    services = {
        name: {version: _copy(entry) for version, entry in versions.items()}
        for name, versions in registry.services.items()
    }
    return replace(registry, services=services)


def _copy(entry: Entry) -> Entry:
    endpoints = tuple(
        replace(endpoint, meta=dict(endpoint.meta)) if endpoint.meta else endpoint for endpoint in entry.endpoints
    )
    return replace(entry, endpoints=endpoints)
