"""Whole runs that publish, and what they leave in the root folder."""

import os
from collections.abc import Iterable
from pathlib import Path

from frostline.publish.manifest import read_manifest
from frostline.publish.ownership import DesiredFile, file_changes, next_manifest
from frostline.publish.publishing import Publication, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow

MANIFEST = "frostline.manifest"
OLD = {"app/registry.py": b"old", "data/a.yaml": b"old a", "data/b.yaml": b"same"}
NEW = {"app/registry.py": b"new", "data/b.yaml": b"same", "more/deep/c.yaml": b"new c"}


def files_of(wanted: dict[str, bytes]) -> list[DesiredFile]:
    return [DesiredFile(path=path, chunks=[content], output="o") for path, content in wanted.items()]


def run(
    root: Path,
    wanted: dict[str, bytes] | list[DesiredFile],
    extra: Iterable[tuple[Path, Iterable[bytes] | None]] = (),
    outside: tuple[Path, ...] = (),
    allow: Allow | None = None,
) -> None:
    """Do a whole run: recover, compare, publish."""
    with run_lock(root, outside=outside) as top:
        files = files_of(wanted) if isinstance(wanted, dict) else wanted
        manifest = read_manifest(root / MANIFEST)
        changes = file_changes(root, files, manifest, allow=allow or Allow())
        new = next_manifest(manifest, changes, ())
        publish(
            top,
            Publication(
                files=files, changes=changes, lock_files=tuple(extra), manifest_path=root / MANIFEST, manifest=new
            ),
        )


def tree(root: Path) -> dict[str, bytes]:
    """Return all files below the root except the manifest, and each empty folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        at = Path(folder)
        for name in names:
            found[(at / name).relative_to(root).as_posix()] = (at / name).read_bytes()
        if not folders and not names and at != root:
            found[at.relative_to(root).as_posix() + "/"] = b""
    found.pop(MANIFEST, None)
    return found


def manifest_fits(root: Path) -> bool:
    manifest = read_manifest(root / MANIFEST)
    return manifest is not None and {line.path for line in manifest.files} == set(tree(root))
