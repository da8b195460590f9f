"""What a branch changes of what is published, as the manifests of two commits say it, whatever it comes from.

The lock alone would hide what the configuration, overrides, job files and static services change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from frostline.ci.clone import Clone, file_at
from frostline.errors import FrostlineError
from frostline.model import Key
from frostline.pipeline.load.config import find_config, load_config
from frostline.publish.manifest import parse_manifest
from frostline.published import ManifestEntry
from frostline.reporters.markdown import code
from frostline.text import CHANGE_SIGNS

_MOST_LISTED = 50


class Change(Struct, frozen=True):
    """A (service, version) that is published differently. before, after: None if it is not published."""

    key: Key
    before: ManifestEntry | None
    after: ManifestEntry | None

    @property
    def endpoints(self) -> tuple[int, int]:
        """The number of endpoints before and after."""
        return (self.before.endpoints if self.before else 0, self.after.endpoints if self.after else 0)


def published_changes(clone: Clone, config: Path | None, old: str, new: str) -> tuple[Change, ...] | None:
    """Return what differs between the manifests of two commits; None if a commit has no readable manifest."""
    try:
        manifest = load_config(find_config(config, Path.cwd())).manifest
        before, after = (_entries(clone, commit, manifest) for commit in (old, new))
    except FrostlineError:
        return None
    if before is None or after is None:
        return None
    changed = [key for key in before | after if before.get(key) != after.get(key)]
    return tuple(Change(key, before.get(key), after.get(key)) for key in sorted(changed, key=Key.sort_key))


def lines_of(changes: Sequence[Change]) -> Iterator[str]:
    """Yield the changes as the items of a markdown list."""
    for change in changes[:_MOST_LISTED]:
        action = "add" if change.before is None else "remove" if change.after is None else "change"
        before, after = change.endpoints
        name = code(" ".join(filter(None, change.key)))
        yield f"- `{CHANGE_SIGNS[action]}` {name}, {before} → {after} endpoints"
    if len(changes) > _MOST_LISTED:
        yield f"- … and {len(changes) - _MOST_LISTED} more"


def _entries(clone: Clone, commit: str, path: Path) -> dict[Key, ManifestEntry] | None:
    data = file_at(clone, commit, path)
    return None if data is None else {entry.key: entry for entry in parse_manifest(data, path.name).services}
