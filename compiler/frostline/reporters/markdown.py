"""Markdown for a comment on a pull request: counts first, then services, files and findings, cut to GitHub's limit.

Every value from a server or a file stands in a code span, whose fence is longer than any run of backticks in it
(CommonMark 6.1): it cannot become a link, a mention, HTML or a table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from frostline.model import Finding
from frostline.reporters.base import Report, subject_text
from frostline.text import CHANGE_SIGNS, UNKNOWN_ENDPOINTS, escape_for_log, pluralize

LONGEST = 65_535
"""Characters that GitHub takes in a comment. We count UTF-16 units, as no other way of counting gives more."""

_LONGEST_VALUE = 300
_LONGEST_HELP = 2000
"""A help line may hold text to copy, such as an entry of `guards.accept`."""
_ROOM_FOR_THE_CUT = 200
_MOST_URLS = 10
_ORDER = ("remove", "shrink", "change", "add", "move")


def lines(report: Report, *, color: bool = False) -> Iterator[str]:
    """Yield the comment's lines. `color` is ignored."""
    plan, findings = _plan_sections(report.plan), ("Findings", [*_problems(report), *_findings(report.findings)])
    # Errors stand before the changes, so that cutting the text to its limit never hides them.
    sections = [findings, *plan] if _number_of_errors(report) else [*plan, findings]
    yield from _cut([_title(report), ""], [(name, items) for name, items in sections if items])


def code(text: str, longest: int = _LONGEST_VALUE) -> str:
    """Return a code span with this text, escaped and shortened."""
    escaped = escape_for_log(text)
    if len(escaped) > longest:
        escaped = f"{escaped[: longest - 1]}…"
    fence = "`" * (max(map(len, re.findall("`+", escaped)), default=0) + 1)
    padding = " " if not escaped.strip() or escaped[0] in "` " or escaped[-1] in "` " else ""
    return f"{fence}{padding}{escaped or ' '}{padding}{fence}"


def _title(report: Report) -> str:
    plan = report.plan
    errors = _number_of_errors(report)
    warnings = len(report.findings) + len(report.errors) - errors
    counts = [pluralize(errors, "error"), pluralize(warnings, "warning")]
    if plan is None:
        return f"**frostline**: {', '.join(counts)}"
    if not plan["changes"]:
        return f"**frostline**: no changes, {', '.join(counts)}"
    if plan["lock"] and not plan["services"] and not plan["files"]:
        return f"**frostline**: only the lock changes, {', '.join(counts)}"
    number = plan["summary"]
    changes = f"{number['add']} to add, {number['change']} to change, {number['remove']} to remove"
    files = f"{pluralize(number['write'], 'file')} to write, {number['delete']} to delete"
    return f"**frostline**: services {changes}; {files}; {', '.join(counts)}"


def _number_of_errors(report: Report) -> int:
    return len(report.errors) + sum(finding.severity == "error" for finding in report.findings)


def _plan_sections(plan: Mapping[str, Any] | None) -> list[tuple[str, list[str]]]:
    if plan is None:
        return []
    files = [f"- `{CHANGE_SIGNS[file['action']]}` {code(file['path'])}{_refusal(file)}" for file in plan["files"]]
    if plan["lock"]:
        files.append("- the lock")
    files += [f"- verified: {code(name)}" for name in plan.get("verified", ())]
    files += [f"- **not verified**, as `--allow` says: {code(name)}" for name in plan.get("unverified", ())]
    changes = sorted(plan["services"], key=lambda change: _ORDER.index(change["effect"]))
    services = ["\n".join(_service(change)) for change in changes]
    if not all(change["known"] for change in changes):
        services[-1] += f"\n\n{UNKNOWN_ENDPOINTS}"
    return [("Services", services), ("Files", files)]


def _refusal(file: Mapping[str, Any]) -> str:
    return f" (refused: {file['refusal']})" if file["refusal"] else ""


def _service(change: Mapping[str, Any]) -> Iterator[str]:
    name = change["service"] if change["version"] is None else f"{change['service']} {change['version']}"
    start = f"- `{CHANGE_SIGNS[change['action']]}` {code(name)}"
    notes = [
        f"  - **override until {note['until']}**: {code(note['why'])} at {code(note['place'])}"
        for note in change.get("overrides", ())
    ]
    if change["effect"] == "move":
        moved: Mapping[str, int] = change["moved"]
        places = [f", {code(datacenter)} {number}" for datacenter, number in moved.items() if datacenter]
        yield f"{start}: {sum(moved.values())} of {change['after']} moved{''.join(places)}"
        yield from notes
        yield from ("  <details><summary>endpoints</summary>", "", *_urls(change), "", "  </details>")
        return
    yield f"{start}, {change['before']} → {change['after']} endpoints"
    yield from notes
    for consumer in change["dependents"]:
        yield f"  - **{code(consumer)} depends on it**"
    yield from _urls(change)
    for endpoint in change["changed"][:_MOST_URLS]:
        subject = "its" if endpoint["url"] is None else f"{code(endpoint['url'])}:"
        yield f"  - `~` {subject} {', '.join(endpoint['fields'])}"
    if len(change["changed"]) > _MOST_URLS:
        yield f"  - `~` {len(change['changed']) - _MOST_URLS} more"


def _urls(change: Mapping[str, Any]) -> Iterator[str]:
    for sign, urls in (("+", change["added"]), ("-", change["removed"])):
        yield from (f"  - `{sign}` {code(url)}" for url in urls[:_MOST_URLS])
        if len(urls) > _MOST_URLS:
            yield f"  - `{sign}` {len(urls) - _MOST_URLS} more"


def _problems(report: Report) -> list[str]:
    return [_item("error", problem.message, problem.origin, problem.help) for problem in report.errors]


def _findings(findings: Iterable[Finding]) -> list[str]:
    return [
        _item(
            f"{finding.severity} {code(finding.rule)} {code(subject_text(finding))}"
            if finding.service is not None
            else f"{finding.severity} {code(finding.rule)}",
            finding.message,
            finding.origin,
            finding.help,
        )
        for finding in findings
    ]


def _item(start: str, message: str, origin: object, help: str | None) -> str:
    place = f" at {code(str(origin))}" if origin is not None else ""
    text = f"- {start}{place}: {code(message)}"
    return text if help is None else f"{text}\n  - {code(help, _LONGEST_HELP)}"


def _cut(head: Sequence[str], sections: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Yield as many lines as fit, and the number of items that do not. A section leaves half the room to the others."""
    yield from head
    room = LONGEST - _ROOM_FOR_THE_CUT - sum(map(_size, head))
    for place, (name, items) in enumerate(sections):
        title = [f"### {name} ({len(items)})", ""]
        room -= sum(map(_size, title)) + _ROOM_FOR_THE_CUT
        if room < 0:
            yield f"{len(items)} {name.lower()} are not shown."
            continue
        left = min(room // 2, sum(map(_room_for, sections[place + 1 :])))
        yield from title
        for number, item in enumerate(items):
            if _size(item) > room - left:
                yield f"- … and {len(items) - number} more"
                break
            room -= _size(item)
            yield from item.split("\n")
        yield ""


def _room_for(section: tuple[str, Sequence[str]]) -> int:
    return 2 * _ROOM_FOR_THE_CUT + sum(map(_size, section[1]))


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 + 1
