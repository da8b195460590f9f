"""Find and read frostline.yaml, and report everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from frostline.checks.base import inputs_of
from frostline.checks.configuring import checks_of, guards_of
from frostline.config.context import Context
from frostline.config.cursor import Cursor, ParseState
from frostline.config.paths import is_file, is_folder, is_other, path_reader, resolved, working_folder
from frostline.config.readers import globs, texts
from frostline.config.reading import ConfigText, read_config_text
from frostline.config.schema_errors import schema_errors
from frostline.config.yaml_reader import read_yaml
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.files.reading import is_out_of_bounds
from frostline.files.targets import MANIFEST
from frostline.model import FileOrigin
from frostline.outputs.configuring import Reserved, outputs_of
from frostline.pipeline.load.config_schema import schema_for
from frostline.pipeline.load.override_file import overrides_of
from frostline.settings import CalledGlob, CheckSettings, Config, Consumer, LiveSettings, SourceSettings
from frostline.sources.base import patterned_sources
from frostline.sources.configuring import sources_of
from frostline.text import display_path, quote

NAME = "frostline.yaml"
_OTHER_NAME = "frostline.yml"
LOCK = "frostline.lock"
CONFIRMED = "frostline.confirmed"


def find_config(explicit: Path | None, start: Path) -> Path:
    """Return the explicit path of the configuration, else of frostline.yaml in `start` or the nearest folder above.

    Raises UsageError if there is no such file.
    """
    if explicit is not None:
        return explicit
    for folder in (start, *start.parents):
        path = folder / NAME
        if is_file(path) or (path.is_symlink() and not path.exists()):  # reading a broken link reports it
            return path
    way = "name one with -c FILE; `frostline init` writes one to start with"
    if is_file(start / _OTHER_NAME):
        way = f"rename {_OTHER_NAME} to {NAME}, or name it with -c FILE"
    raise UsageError(f"there is no {NAME} in {start} or a folder above it", help=way)


def load_config(path: Path) -> Config:
    """Read the configuration from this file, pipe or device; from standard input if the path is `-`.

    Raises an ErrorGroup of all its UsageErrors, sorted by position.
    """
    try:
        text = read_config_text(path, working_folder())
    except UsageError as error:
        raise ErrorGroup([error]) from None
    return config_in(text)


def config_in(text: ConfigText) -> Config:
    """Parse a configuration. Raises an ErrorGroup of all its UsageErrors, sorted by position."""
    try:
        state = ParseState(read_yaml(text.content, text.shown))
    except ErrorGroup as group:
        raise ErrorGroup(_sorted(group.errors)) from None
    except UsageError as error:
        raise ErrorGroup([error]) from None
    document = state.document
    for refused in schema_errors(document, schema_for(document.value)):
        if refused.path not in document.broken:  # the YAML reader has reported a broken one already
            state.errors.append(refused.error)
        if not refused.usable:
            state.unusable.add(refused.path)
    config = None if () in state.unusable else _config(state.top(), text)
    if state.errors or config is None:
        raise ErrorGroup(_sorted(state.errors))
    return config


def _sorted(errors: list[FrostlineError] | tuple[FrostlineError, ...]) -> list[FrostlineError]:
    """Sort the errors by position, without repeats: a YAML alias repeats one place."""

    def position(error: FrostlineError) -> tuple[str, int, int, str]:
        origin = error.origin if isinstance(error.origin, FileOrigin) else FileOrigin("")
        return (origin.path, origin.line, origin.column, error.message)

    return sorted({position(error): error for error in errors}.values(), key=position)


def _config(cursor: Cursor, text: ConfigText) -> Config:
    """Read the settings. Errors are collected in the cursor's state; an invalid value is treated as absent."""
    folder = text.path.parent
    root = cursor.present(root=path_reader(folder)).get("root", folder)
    _check_root(cursor, root)
    lock, lock_is_folder = _lock(cursor, folder)
    sources = cursor.get("sources")
    context = Context(folder=folder, root=root, source_types=_source_types(sources.value if sources else {}))
    checks = checks_of(cursor.get("checks"), context)
    reserved = [
        Reserved(text.path, "this configuration"),
        Reserved(lock, "the lock", lock_is_folder),
        Reserved(root / MANIFEST, "the manifest"),
        *_reserved_by(checks),
    ]
    overrides, overrides_file = overrides_of(cursor.get("overrides"), folder)
    if overrides_file is not None:
        reserved.append(Reserved(overrides_file, "the file of `overrides`"))
    _check_lock(cursor, lock, reserved)
    confirmed = _confirmed(cursor, folder, reserved)
    if confirmed is not None:
        reserved.append(Reserved(confirmed, "the file of confirmations"))
    configured = sources_of(sources, context) if sources else {}
    patterned = patterned_sources(configured)
    outputs_context = replace(
        context,
        unkept=_unkept(configured.values()),
        keeps={name: getattr(patterned.get(name), "keep", None) for name in configured},
    )
    return Config(
        path=text.path,
        digest=text.digest,
        root=root,
        lock=lock,
        lock_is_folder=lock_is_folder,
        confirmed=confirmed,
        manifest=root / MANIFEST,
        sources=configured,
        precedence=_precedence(cursor.get("precedence"), context),
        checks=checks,
        guards=guards_of(cursor.get("guards")),
        consumers=tuple(_consumer(entry) for entry in _entries(cursor.get("consumers"))),
        overrides=overrides,
        overrides_file=overrides_file,
        outputs=outputs_of(cursor.get("outputs"), outputs_context, reserved),
        **cursor.present(merge=texts),
    )


def _reserved_by(checks: CheckSettings) -> Iterator[Reserved]:
    for file, check in inputs_of(checks).items():
        yield Reserved(file, f"{display_path(file)}, which the check {quote(check)} reads")


def _unkept(sources: Iterable[SourceSettings]) -> dict[str, list[str]]:
    """Return field of endpoints -> names of the live sources that do not freeze it, sorted."""
    live = [(source.name, source.keep) for source in sources if isinstance(source, LiveSettings)]
    return {
        "id": sorted(name for name, keep in live if not keep.ids),
        "node": sorted(name for name, keep in live if not keep.nodes),
    }


def _entries(cursor: Cursor | None) -> list[Cursor]:
    return cursor.entries() if cursor else []


def _consumer(cursor: Cursor) -> Consumer:
    globs(cursor)  # refuses invalid globs, and a list that only excludes
    calls = tuple(CalledGlob(item.value, item.origin) for item in cursor.items())
    return Consumer(name=cursor.key, calls=calls)


def _source_types(sources: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> type of each source, as written; "" for a source without a type."""
    return {name: str(source.get("type", "")) if isinstance(source, dict) else "" for name, source in sources.items()}


def _check_root(cursor: Cursor, root: Path) -> None:
    written = cursor.get("root")
    if written is not None and is_other(root):
        written.refuse(f"`root` is a file: {display_path(root)}", "name a folder")
    if written is not None and is_out_of_bounds(root):
        written.refuse("`root` is outside the repository", "in a pull request, name a folder of the repository")


def _lock(cursor: Cursor, folder: Path) -> tuple[Path, bool]:
    """Return the path of the lock, and whether it is a folder."""
    written = cursor.get("lock")
    if written is None:
        return folder / LOCK, is_folder(folder / LOCK)
    lock = resolved(folder, written.value)
    with_slash = written.value.endswith("/")
    if with_slash and is_other(lock):
        written.refuse(f"`lock` is a file: {display_path(lock)}", "remove the slash at its end, or name another folder")
    return lock, with_slash or is_folder(lock)


def _check_lock(cursor: Cursor, lock: Path, reserved: Sequence[Reserved]) -> None:
    """Refuse a lock that would overwrite another file. reserved: configuration, lock, manifest, then input files."""
    written = cursor.get("lock")
    if written is None:
        return
    configuration, _, manifest, *inputs = reserved
    for file in (configuration, manifest, *inputs):
        if lock == file.path:
            written.refuse(f"the lock would overwrite {file.name}", f"its usual name is {LOCK}")
        elif file not in inputs and file.path.is_relative_to(lock):
            written.refuse(f"the lock is a folder with {file.name} in it", "name a folder for the lock alone: `locks/`")
            return


def _confirmed(cursor: Cursor, folder: Path, reserved: Sequence[Reserved]) -> Path | None:
    """Return the path of the confirmations; None without them.

    Refuses a path that another file of frostline has, and `partial.max_age` without confirmations.
    """
    written = cursor.get("confirmed")
    if written is None:
        if "confirmed" not in cursor.value:
            _refuse_max_ages(cursor.get("sources"))
        return None
    path = resolved(folder, written.value)
    for file in reserved:
        if path == file.path or (file.is_folder and path.is_relative_to(file.path)):
            written.refuse(f"the confirmations would overwrite {file.name}", f"their usual name is {CONFIRMED}")
            break
        if file.path.is_relative_to(path):
            written.refuse(f"the confirmations are a folder with {file.name} in it", "name a file of its own")
            break
    if written.value.endswith("/") or is_folder(path):
        written.refuse(f"`confirmed` is a folder: {display_path(path)}", f"name a file, such as {CONFIRMED}")
    return path


def _refuse_max_ages(sources: Cursor | None) -> None:
    for source in sources.entries() if sources else ():
        partial = source.get("partial") if isinstance(source.value, dict) else None
        if partial is not None and isinstance(partial.value, dict):
            partial.refuse(
                "`partial.max_age` needs `confirmed`, which knows how old the lock is",
                f"write `confirmed: {CONFIRMED}` at the top, then run `frostline freeze`",
            )


def _precedence(cursor: Cursor | None, context: Context) -> tuple[tuple[str, ...], ...]:
    """Read the tiers of `precedence`. Refuses a source that stands in two places."""
    first: dict[str, FileOrigin] = {}
    tiers: list[tuple[str, ...]] = []
    for tier in cursor.items() if cursor else []:
        members = tier.items() if isinstance(tier.value, list) else [tier]
        known = [member for member in members if context.is_source(member)]
        for member in known:
            if member.value in first:
                earlier = first[member.value]
                member.refuse(
                    f"`precedence` has the source `{member.value}` twice",
                    f"the first is in line {earlier.line}, column {earlier.column}; keep one of them",
                )
            first.setdefault(member.value, member.origin)
        tiers.append(tuple(member.value for member in known))
    return tuple(tiers)
