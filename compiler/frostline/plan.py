"""The plan: what publishing would change, as services and endpoints first, then files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from frostline.diagnostics import printable
from frostline.model import FileChange, Key, Registry, ServiceLine, version_label

FORMAT = "frostline.plan/1"

_SIGNS = {"add": "+", "change": "~", "remove": "-", "create": "+", "update": "~", "delete": "-", "adopt": "="}


class ServiceChange(Struct, frozen=True, kw_only=True):
    """One (service, version) that appears, changes or vanishes.

    before, after: how many endpoints it has. added, removed: URLs, sorted; both empty where only tags, meta or weights
    change, or where what was published is not known endpoint by endpoint (the lock has moved on since).
    """

    service: str
    version: str | None
    action: Literal["add", "change", "remove"]
    before: int
    after: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """services, files: what changes, sorted; lock: whether the lock file would be written anew."""

    services: tuple[ServiceChange, ...]
    files: tuple[FileChange, ...]
    lock: bool

    @property
    def changes(self) -> bool:
        return bool(self.services or self.files or self.lock)


def plan_of(
    published: Iterable[ServiceLine],
    wanted: Iterable[ServiceLine],
    known: Registry,
    new: Registry,
    files: tuple[FileChange, ...],
    lock: bool,
) -> Plan:
    """The plan from what is published to what is wanted, the lines of the registry `new`.

    known: the registry of the committed lock, to name endpoints; it may differ from what is published.
    """
    before = {(line.service, line.version): line for line in published}
    after = {(line.service, line.version): line for line in wanted}
    keys = sorted({*before, *after}, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    changes = [
        _service_change(key, before.get(key), after.get(key), known, new)
        for key in keys
        if key not in before or key not in after or before[key].digest != after[key].digest
    ]
    return Plan(services=tuple(changes), files=tuple(file for file in files if file.action != "keep"), lock=lock)


def _service_change(
    key: Key, before: ServiceLine | None, after: ServiceLine | None, known: Registry, new: Registry
) -> ServiceChange:
    old_urls, new_urls = _urls(known, key) if before else [], _urls(new, key) if after else []
    if before and len(old_urls) != before.endpoints:
        old_urls = new_urls = []
    return ServiceChange(
        service=key[0],
        version=key[1],
        action="add" if before is None else "remove" if after is None else "change",
        before=before.endpoints if before else 0,
        after=after.endpoints if after else 0,
        added=tuple(sorted(set(new_urls) - set(old_urls))),
        removed=tuple(sorted(set(old_urls) - set(new_urls))),
    )


def _urls(registry: Registry, key: Key) -> list[str]:
    entry = registry.services.get(key[0], {}).get(key[1])
    return [endpoint.url for endpoint in entry.endpoints] if entry else []


def plan_value(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values (schemas/plan.schema.json)."""
    return {
        "format": FORMAT,
        "changes": plan.changes,
        "summary": summary(plan),
        "services": [msgspec.to_builtins(change) for change in plan.services],
        "files": [
            {"path": file.path, "output": file.output, "action": file.action, "refusal": file.refusal}
            for file in plan.files
        ],
        "lock": plan.lock,
    }


def summary(plan: Plan) -> dict[str, int]:
    """How many services are added, changed and removed, and how many files are written and deleted."""
    actions = [change.action for change in plan.services]
    writes = sum(file.action in ("create", "update") for file in plan.files)
    deletes = sum(file.action == "delete" for file in plan.files)
    counts = {name: actions.count(name) for name in ("add", "change", "remove")}
    return {**counts, "write": writes, "delete": deletes}


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan for a person, a line each; hostile text escaped."""
    if not plan.changes:
        yield "No changes: what is published is what would be."
        return
    if plan.services:
        yield "Services:"
        for change in plan.services:
            yield from _service_lines(change)
    if plan.files or plan.lock:
        yield "Files:"
        for file in plan.files:
            note = f"  (refused: {file.refusal})" if file.refusal else ""
            yield f"  {_SIGNS[file.action]} {printable(file.path)}{note}"
        if plan.lock:
            yield "  ~ the lock"
    counts = summary(plan)
    yield (
        f"Plan: {counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove; "
        f"{counts['write']} files to write, {counts['delete']} to delete."
    )


def _service_lines(change: ServiceChange) -> Iterator[str]:
    name = printable(f"{change.service} {version_label(change.version)}")
    counts = f"{change.before} -> {change.after}" if change.before != change.after else f"{change.after}"
    if change.action == "add":
        counts = str(change.after)
    yield f"  {_SIGNS[change.action]} {name}  ({counts} {'endpoint' if counts == '1' else 'endpoints'})"
    for sign, urls in (("+", change.added), ("-", change.removed)):
        for url in urls:
            yield f"      {sign} {printable(url)}"
