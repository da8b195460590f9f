from __future__ import annotations

from msgspec.structs import replace

from frostline.plan.changes import LockAction, Plan, ServiceChange
from frostline.plan.text import difference_lines, plan_lines
from frostline.published import FileChange

MOVED = ServiceChange(
    service="a",
    version="v1",
    action="change",
    before=6,
    after=6,
    added=("http://new",),
    removed=("http://old",),
    moved={"dc1": 3, "dc2": 3},
)
ADDED = ServiceChange(service="b", version=None, action="add", before=0, after=1, added=("http://b",))
RETAGGED = ServiceChange(service="c", version=None, action="change", before=1, after=1, known=False)
SHRUNK = ServiceChange(service="d", version=None, action="change", before=2, after=1, removed=("http://d",))
REMOVED = ServiceChange(service="e", version=None, action="remove", before=1, after=0, dependents=("default:x/y",))
SERVICES = (MOVED, ADDED, RETAGGED, SHRUNK, REMOVED)


def plan(*services: ServiceChange, files: tuple[FileChange, ...] = (), lock: LockAction | None = None) -> Plan:
    return Plan(services=services, files=files, lock=lock)


def starts(found: Plan) -> list[str]:
    return [line[4:].split()[0] for line in plan_lines(found) if line.startswith("  ") and line[4] != " "]


def test_what_is_removed_and_shrunk_comes_first_and_what_moved_last() -> None:
    assert starts(plan(*SERVICES)) == ["e", "d", "c", "b", "a"]


def test_a_service_that_moved_takes_one_line_unless_details_are_asked_for() -> None:
    line = "  ~ a v1: 6 of 6 moved, dc1 3, dc2 3"
    assert list(plan_lines(plan(MOVED)))[:-1] == ["Services:", line]
    details = ["      + http://new", "      - http://old"]
    assert list(plan_lines(plan(MOVED), verbose=True))[:-1] == ["Services:", line, *details]


def test_services_that_did_more_than_move_always_have_their_details() -> None:
    lines = list(plan_lines(plan(*SERVICES)))
    assert {"      - http://d", "      + http://b", "      ! default:x/y depends on it"} <= set(lines)


def test_a_plan_that_changes_only_the_lock_says_so() -> None:
    line = "Only the lock changes: services, endpoints and files stay as they are."
    assert list(plan_lines(plan(lock="update"))) == [line]
    file = FileChange(path="a", output="a", action="update")
    for more in (plan(MOVED, lock="update"), plan(files=(file,), lock="update"), plan(lock="create")):
        assert line not in plan_lines(more)


def test_held_services_are_named_whatever_else_changes() -> None:
    line = "Held as in the lock: a\\x1b, b"
    for without in (plan(), plan(lock="update"), plan(MOVED)):
        assert next(iter(plan_lines(replace(without, held=("a\x1b", "b"))))) == line
        assert line not in plan_lines(without)


def test_a_difference_names_services_and_counts_them_without_files() -> None:
    lines = list(difference_lines(plan(*SERVICES, lock="update")))
    assert lines[0] == "Services:"
    assert lines[-1] == "1 added, 3 changed, 1 removed."
    assert "Files:" not in lines


def test_locks_that_differ_without_another_registry_and_equal_locks_are_said_to_be_so() -> None:
    assert list(difference_lines(plan(lock="update"))) == [
        "The locks differ, but their services and endpoints are the same."
    ]
    assert list(difference_lines(plan())) == ["No difference."]
