"""The plan as lines of text for people. Text from servers and files is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.model import version_label
from frostline.plan.changes import Effect, Plan, ServiceChange, summary
from frostline.text import CHANGE_SIGNS, UNKNOWN_ENDPOINTS, escape_control, pluralize

_ORDER: tuple[Effect, ...] = ("remove", "shrink", "change", "add", "move")
"""What matters most to the callers of a service comes first."""

_FIELD_WORDS = {"number": "how many endpoints have this URL"}


def plan_lines(plan: Plan, *, verbose: bool = False) -> Iterator[str]:
    """Yield what publishing would change, line by line. verbose: with the endpoints of services that only moved."""
    if plan.held:
        yield f"Held as in the lock: {', '.join(map(escape_control, plan.held))}"
    if not plan.has_changes:
        yield "No changes. Everything published is up to date."
        return
    if plan.lock == "update" and not plan.changes_registry:
        yield "Only the lock changes: services, endpoints and files stay as they are."
        return
    yield from _services(plan, verbose)
    if plan.files or plan.lock:
        yield "Files:"
        for file in plan.files:
            note = f"  (refused: {file.refusal})" if file.refusal else ""
            yield f"  {CHANGE_SIGNS[file.action]} {escape_control(file.path)}{note}"
        if plan.lock:
            yield f"  {CHANGE_SIGNS[plan.lock]} the lock"
    if plan.verified:
        yield f"Verified: {', '.join(map(escape_control, plan.verified))}"
    if plan.unverified:
        yield f"Not verified, as --allow says: {', '.join(map(escape_control, plan.unverified))}"
    counts = summary(plan)
    yield (
        f"Plan: {counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove; "
        f"{pluralize(counts['write'], 'file')} to write, {counts['delete']} to delete."
    )


def difference_lines(difference: Plan, *, verbose: bool = False) -> Iterator[str]:
    """Yield what differs between two locks, line by line. verbose: with the endpoints of services that only moved."""
    if not difference.has_changes:
        yield "No difference."
        return
    if not difference.services:
        yield "The locks differ, but their services and endpoints are the same."
        return
    yield from _services(difference, verbose)
    counts = summary(difference)
    yield f"{counts['add']} added, {counts['change']} changed, {counts['remove']} removed."


def _services(plan: Plan, verbose: bool) -> Iterator[str]:
    if plan.services:
        yield "Services:"
    for change in sorted(plan.services, key=lambda change: _ORDER.index(change.effect)):
        yield _service_line(change)
        for note in change.overrides:
            yield f"      ! {escape_control(f'override until {note.until}: {note.why} ({note.place})')}"
        if verbose or change.effect != "move" or change.overrides:
            yield from _detail_lines(change)
    if not all(change.known for change in plan.services):
        yield UNKNOWN_ENDPOINTS


def _service_line(change: ServiceChange) -> str:
    sign, name = CHANGE_SIGNS[change.action], escape_control(f"{change.service} {version_label(change.version)}")
    if change.effect == "move":
        number = sum(change.moved.values())
        places = [f", {escape_control(name)} {count}" for name, count in change.moved.items() if name]
        return f"  {sign} {name}: {number} of {change.after} moved{''.join(places)}"
    counts = f"{change.before} -> {change.after}" if change.before != change.after else f"{change.after}"
    if change.action == "add":
        counts = str(change.after)
    return f"  {sign} {name}  ({counts} {'endpoint' if counts == '1' else 'endpoints'})"


def _detail_lines(change: ServiceChange) -> Iterator[str]:
    for sign, urls in (("+", change.added), ("-", change.removed)):
        for url in urls:
            yield f"      {sign} {escape_control(url)}"
    for endpoint in change.changed:
        names = ", ".join(_FIELD_WORDS.get(name, name) for name in endpoint.fields)
        if endpoint.url is None:
            yield f"      ~ its {names}"
        else:
            yield f"      ~ {escape_control(endpoint.url)}  ({names})"
    for consumer in change.dependents:
        yield f"      ! {escape_control(consumer)} depends on it"
    if not change.known:
        yield "      (its published endpoints are not known)"
