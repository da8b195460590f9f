"""Modules of other packages: how they are found, and the seam through which frostline calls them.

What they give is checked before anything relies on it, and whatever they raise becomes an error that names them: only
frostline decides how a run ends.
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
"""What the modules of every room may have."""

Finish = Callable[..., Any]
"""(plug-in, result, arguments of the call …) -> the result to rely on. MisfitError: it is not what it has to be."""

_ABSENT = object()


class Seam(Struct, frozen=True, kw_only=True):
    """What frostline uses of the plug-ins of one group of entry points.

    noun: what such a plug-in is. table: the names of our own. functions: name -> what its result goes through.
    values: name -> its type. one_of: a module needs one of these functions; besides: function -> another that it needs.
    error: a function failed.
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
    """The module of another package: what `Seam` lists of it, and nothing else."""

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
        """A context in which a fault is one of what this plug-in calls `name`."""
        return _blamed(self._seam, self._entry, name, kind or self._seam.error)


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of this group, by name. They are looked up once: that takes 7 ms."""
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))


def names(seam: Seam) -> tuple[str, ...]:
    """Our own and those of other packages, sorted. UsageError: one of these has the name of one of our own."""
    for entry in installed(seam.group):
        if entry.name in seam.table:
            _refuse_twice(seam, entry.name, [entry])
    return tuple(sorted({*seam.table, *(entry.name for entry in installed(seam.group))}))


def plug_in(seam: Seam, name: str) -> PlugIn:
    """The plug-in of this name, imported on first use. KeyError: there is none. UsageError: it cannot be used."""
    entries = [entry for entry in installed(seam.group) if entry.name == name]
    if not entries:
        raise KeyError(name)
    if len(entries) > 1 or name in seam.table:
        _refuse_twice(seam, name, entries)
    entry = entries[0]
    with _blamed(seam, entry, "the import", UsageError):
        found = PlugIn(seam, entry, entry.load())
    lacking = [] if any(hasattr(found, function) for function in seam.one_of) else [list_names(seam.one_of, "or")]
    lacking += [quote(more) for one, more in seam.besides.items() if hasattr(found, one) and not hasattr(found, more)]
    if lacking:
        raise UsageError(f"{_described(seam, entry)} has no function {lacking[0]}", help=_help(entry))
    return found


def _refuse_twice(seam: Seam, name: str, entries: list[EntryPoint]) -> None:
    bringers = sorted(f"{quote(entry.value)} of {_package(entry)}" for entry in entries)
    ours = ["frostline itself"] if name in seam.table else []
    raise UsageError(
        f"{pluralize(len(bringers) + len(ours), seam.noun)} have the name {quote(name)}: {'; '.join(ours + bringers)}",
        help=f"uninstall all but one, or give the entry point of `{seam.group}` another name",
    )


@contextmanager
def _blamed(seam: Seam, entry: EntryPoint, what: str, kind: type[FrostlineError]) -> Iterator[None]:
    """A fault in the block is one of this plug-in. What it prints goes to stderr: stdout is for data."""
    try:
        with redirect_stdout(sys.stderr), _descriptor_apart():
            yield
    except FrostlineError as error:
        if not _is_sound(error):
            said = f"{what} raises an error that is none of a plug-in's: it says what, where and what next, as text"
            raise kind(f"{_described(seam, entry)}: {said}", help=_help(entry)) from None
        raise
    except MisfitError as misfit:
        raise kind(f"{_described(seam, entry)}: what {what} gives is wrong: {misfit}", help=_help(entry)) from None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and _is_signal(error.__traceback__):
            raise
        raise _fault(seam, entry, what, kind, error) from None


@contextmanager
def _descriptor_apart() -> Iterator[None]:
    """In the block what is written to descriptor 1, by programs that the plug-in starts too, goes to stderr."""
    kept = None
    _flush()
    with suppress(OSError):  # one of the two is closed
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        yield
    finally:
        _flush()
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _flush() -> None:
    """Write what is buffered where it belongs now."""
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):  # the reader is gone, or the stream is closed or missing
            stream.flush()  # type: ignore[union-attr]


def _is_sound(error: Any) -> bool:
    """Whether it ends a run as a plug-in may, with 2, 3 or 4, and can be shown."""
    try:
        require(error.status, Literal[2, 3, 4], "status")
        if isinstance(error, ErrorGroup):
            return bool(error.errors) and all(map(_is_sound, error.errors))
        require(error.message, str, "message")
        require(error.help, str | None, "help")
        require(error.origin, FileOrigin | InstanceOrigin | None, "origin")
    except (AttributeError, MisfitError, TypeError):
        return False
    return True


def _fault(
    seam: Seam, entry: EntryPoint, what: str, kind: type[FrostlineError], error: BaseException
) -> FrostlineError:
    """Names the place, never a value: the text of an exception may quote a server."""
    missing = f" ({error.name})" if isinstance(error, ImportError) and error.name else ""
    where = _place(entry, error.__traceback__)
    said = f"{what} failed: {type(error).__name__}{missing}{f' at {where}' if where else ''}"
    if isinstance(error, SystemExit | KeyboardInterrupt):
        said += "; only frostline decides how a run ends"
    return kind(f"{_described(seam, entry)}: {said}", help=_help(entry))


def _place(entry: EntryPoint, frame: TracebackType | None) -> str:
    """The innermost line of the plug-in's own package, else of anything but frostline."""
    top, found, other = entry.module.partition(".")[0], "", ""
    while frame is not None:
        code = frame.tb_frame.f_code
        place = f"{Path(code.co_filename).name}:{frame.tb_lineno}"
        module = str(frame.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == top:
            found = place
        elif not module.startswith(("frostline", "importlib")):
            other = place
        frame = frame.tb_next
    return found or other


def _is_signal(frame: TracebackType | None) -> bool:
    """Whether a handler of ours raised it, for a signal that came while the plug-in was at work."""
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return frame is not None and frame.tb_frame.f_globals.get("__name__") in ("frostline.__main__", "__main__")


def _described(seam: Seam, entry: EntryPoint) -> str:
    return f"the {seam.noun} {quote(entry.name)} of {_package(entry)} ({entry.value})"


def _help(entry: EntryPoint) -> str:
    return f"report it to the authors of {_package(entry)}, or uninstall it; nothing was published"


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module


def returns(annotation: Any) -> Finish:
    """A function's result is of this type."""

    def finish(plug_in: PlugIn, result: Any, *arguments: Any) -> Any:
        return require(result, annotation, "the result")

    return finish


MOST_ITEMS = 1_000_000
"""How many items a plug-in may give in one call."""


def items_of(result: Any, kind: type) -> tuple[Any, ...]:
    """The items of a list, a tuple, a generator …, all of this kind. They are read here, where a fault has a name."""
    if isinstance(result, str | bytes | Mapping) or not isinstance(result, Iterable):
        raise MisfitError(f"it must be a list of {kind.__name__}, not {type(result).__name__}")
    items = tuple(islice(result, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise MisfitError(f"it has more than {MOST_ITEMS:,} items")
    for number, item in enumerate(items):
        require(item, kind, f"item {number}")
    return items


def isolated(registry: Registry) -> Registry:
    """A copy to give to a plug-in: what it changes in there, it changes for nobody else."""
    services = {
        name: {version: _copy(entry) for version, entry in of.items()} for name, of in registry.services.items()
    }
    return replace(registry, services=services)


def _copy(entry: Entry) -> Entry:
    endpoints = tuple(replace(one, meta=dict(one.meta)) if one.meta else one for one in entry.endpoints)
    return replace(entry, endpoints=endpoints)
