"""What the manifests of two commits differ in."""

from __future__ import annotations

from frostline.ci.manifests import Change, lines_of
from frostline.model import Key
from frostline.published import ManifestEntry


def entry(endpoints: int) -> ManifestEntry:
    return ManifestEntry(service="x", version=None, digest="sha256:0", endpoints=endpoints)


def test_each_change_is_a_line_that_no_name_can_leave() -> None:
    changes = [
        Change(Key("a`@everyone`\n", "v1"), None, entry(2)),
        Change(Key("b", None), entry(2), entry(2)),
        Change(Key("c", None), entry(3), None),
    ]
    assert list(lines_of(changes)) == [
        "- `+` ``a`@everyone`\\n v1``, 0 → 2 endpoints",
        "- `~` `b`, 2 → 2 endpoints",
        "- `-` `c`, 3 → 0 endpoints",
    ]


def test_only_the_first_of_many_changes_are_listed() -> None:
    assert list(lines_of([Change(Key("a", None), None, None)] * 52))[50:] == ["- … and 2 more"]
