"""The checks and guards of a configuration as settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from frostline.checks.addresses import InvalidPolicyValue, addresses, port_ranges
from frostline.config.cursor import Cursor, as_is, glob, integer, regex, share, texts
from frostline.config.paths import is_file, resolved
from frostline.settings import CheckSettings, Guards, PolicySetting, Waiver
from frostline.text import display_path


def checks_of(at: Cursor | None, folder: Path) -> CheckSettings:
    """`checks`, or what holds without it."""
    if at is None:
        return CheckSettings()
    return CheckSettings(
        **at.present(schema=lambda files: _schema_files(files, folder), policies=_policies, waivers=_waivers)
    )


def guards_of(at: Cursor | None) -> Guards:
    """`guards`, or what holds without it."""
    if at is None:
        return Guards()
    return Guards(**at.present(delete=share, update=share, instances=share, floor=integer, empty=as_is))


def _schema_files(at: Cursor, folder: Path) -> tuple[Path, ...]:
    files = [(item, resolved(folder, item.value)) for item in at.items()]
    for item, path in files:
        if not is_file(path):
            item.refuse(
                f"there is no file {display_path(path)}", "a schema is a JSON file; its path is relative to this file"
            )
    return tuple(path for _, path in files)


def _policies(at: Cursor) -> dict[str, PolicySetting]:
    return {entry.key: setting for entry in at.entries() if (setting := _policy_setting(entry)) is not None}


def _policy_setting(at: Cursor) -> PolicySetting | None:
    """The policy's value without its severity: what is beside `severity`, or below `value`."""
    if not isinstance(at.value, dict):
        value = _policy_value(at, at)
        return None if value is None else PolicySetting(value=value, origin=at.origin)
    severity = at.get("severity")
    word: Any = "error" if severity is None else severity.value
    if at.key in ("required", "names"):
        inner = at.get("value")
        value = None if inner is None else _policy_value(at, inner)
    else:
        value = {entry.key: _policy_value(at, entry) for entry in at.entries() if entry.key != "severity"}
    return None if value is None else PolicySetting(value=value, origin=at.origin, severity=word)


def _policy_value(policy: Cursor, at: Cursor) -> Any:
    """A value in a policy."""
    if policy.key == "min_instances":
        if at is policy:
            return {"default": integer(at)}
        if at.key != "default":
            _check_glob_key(at)
        return integer(at)
    if policy.key == "names":
        return regex(at)
    if policy.key == "required":
        return [text for item in at.items() if (text := glob(item)) is not None]
    if policy.key == "ports":
        return [str(item.value) for item in at.items() if _is_set(item, port_ranges)]
    if policy.key == "addresses":
        return [item.value for item in at.items() if _is_set(item, addresses)]
    return list(texts(at))


def _is_set(at: Cursor, read: Callable[[Sequence[str]], object]) -> bool:
    """Whether `read` makes a set of this text; says why not."""
    try:
        read((str(at.value),))
    except InvalidPolicyValue as problem:
        at.refuse(problem.message, problem.help)
        return False
    return True


def _check_glob_key(at: Cursor) -> None:
    if at.key.startswith("!"):
        at.refuse(
            "a glob that excludes cannot have a number", "give the services that it is about a number", at_key=True
        )


def _waivers(at: Cursor) -> tuple[Waiver, ...]:
    return tuple(waiver for item in at.items() if (waiver := _waiver(item)) is not None)


def _waiver(at: Cursor) -> Waiver | None:
    fields = at.present(rule=as_is, until=_day, why=as_is, service=glob)
    return Waiver(origin=at.origin, **fields) if {"rule", "until", "why"} <= fields.keys() else None


def _day(at: Cursor) -> str | None:
    try:
        return date.fromisoformat(at.value).isoformat()
    except ValueError:
        at.refuse(f"`until` is no day of the calendar: `{at.value}`", "write YEAR-MONTH-DAY, such as 2027-01-31")
        return None
