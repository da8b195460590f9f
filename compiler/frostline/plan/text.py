"""The plan for people: lines of text, hostile text escaped."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.model import version_label
from frostline.plan.changes import Plan, ServiceChange, summary
from frostline.text import escape_control

_SIGNS = {"add": "+", "change": "~", "remove": "-", "create": "+", "update": "~", "delete": "-", "adopt": "="}


def plan_lines(plan: Plan) -> Iterator[str]:
    """What publishing would change, a line each."""
    if not plan.changes:
        yield "No changes. Everything published is up to date."
        return
    if plan.services:
        yield "Services:"
        for change in plan.services:
            yield from _service_lines(change)
    if plan.files or plan.lock:
        yield "Files:"
        for file in plan.files:
            note = f"  (refused: {file.refusal})" if file.refusal else ""
            yield f"  {_SIGNS[file.action]} {escape_control(file.path)}{note}"
        if plan.lock:
            yield f"  {_SIGNS[plan.lock]} the lock"
    counts = summary(plan)
    writes = "1 file" if counts["write"] == 1 else f"{counts['write']} files"
    yield (
        f"Plan: {counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove; "
        f"{writes} to write, {counts['delete']} to delete."
    )


def difference_lines(difference: Plan) -> Iterator[str]:
    """What differs between two locks, a line each."""
    if not difference.changes:
        yield "No difference."
        return
    if not difference.services:
        yield "The locks differ, but the services and endpoints that they give are the same."
        return
    yield "Services:"
    for change in difference.services:
        yield from _service_lines(change)
    counts = summary(difference)
    yield f"{counts['add']} added, {counts['change']} changed, {counts['remove']} removed."


def _service_lines(change: ServiceChange) -> Iterator[str]:
    name = escape_control(f"{change.service} {version_label(change.version)}")
    counts = f"{change.before} -> {change.after}" if change.before != change.after else f"{change.after}"
    if change.action == "add":
        counts = str(change.after)
    yield f"  {_SIGNS[change.action]} {name}  ({counts} {'endpoint' if counts == '1' else 'endpoints'})"
    for sign, urls in (("+", change.added), ("-", change.removed)):
        for url in urls:
            yield f"      {sign} {escape_control(url)}"
    for endpoint in change.changed:
        names = ", ".join(endpoint.fields)
        yield f"      ~ its {names}" if endpoint.url is None else f"      ~ {escape_control(endpoint.url)}  ({names})"
    for consumer in change.dependents:
        yield f"      ! {escape_control(consumer)} depends on it"
    if not change.known:
        yield "      (endpoint details unavailable: published from a different lock or configuration)"
