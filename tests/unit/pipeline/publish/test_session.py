from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.errors import PublishError, RefusedError
from frostline.model import (
    Lock,
    Snapshot,
)
from frostline.pipeline.compile.compiling import Compilation
from frostline.pipeline.freeze.locks import CommittedLock
from frostline.pipeline.publish.session import publish_compilation, publish_lock, publish_session
from frostline.settings import Config

STATIC = {"type": "static", "services": {"billing": "https://billing.example", "payments": {"v1": "https://p.example"}}}

Configure = Callable[..., Config]
MakeSnapshot = Callable[..., Snapshot]
Compile = Callable[..., Compilation]


def mesh(**keys: Any) -> dict[str, Any]:
    return {"type": "consul", "address": "http://127.0.0.1:9", **keys}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_folders_are_removed_if_nothing_was_published_in_them(
    configure: Configure, tmp_path: Path, compiled: Compile
) -> None:
    config = configure(sources={"partners": STATIC}, root="a/b", outputs=[{"type": "yaml", "path": "a/b/x.yaml"}])
    with publish_session(config):
        assert (tmp_path / "a" / "b").is_dir()
    assert names_in(tmp_path) == ["frostline.yaml"]
    with publish_session(config) as root:
        publish_compilation(config, root, compiled(config))
    assert names_in(tmp_path / "a" / "b") == ["frostline.manifest", "x.yaml"]


def test_a_run_that_finds_another_at_work_leaves_its_folder(
    configure: Configure, tmp_path: Path, compiled: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(sources={"partners": STATIC}, root="a", outputs=[{"type": "yaml", "path": "a/x.yaml"}])
    with publish_session(config) as root:
        # As a second run sees it that looked before the first one made the folder.
        monkeypatch.setattr(Path, "exists", lambda path: path.name != "a" and os.path.lexists(path))
        with pytest.raises(PublishError, match="another run is at work"):
            publish_session(config).__enter__()
        monkeypatch.undo()
        publish_compilation(config, root, compiled(config))
    assert names_in(tmp_path / "a") == ["frostline.manifest", "x.yaml"]


def test_one_run_at_a_time(configure: Configure) -> None:
    config = configure(sources={"partners": STATIC})
    with publish_session(config), pytest.raises(PublishError, match="another run is at work"):
        publish_session(config).__enter__()
    publish_session(config).__enter__()


def test_a_lock_folder_loses_the_files_of_segments_that_are_gone(
    configure: Configure, tmp_path: Path, snapshot: MakeSnapshot
) -> None:
    config = configure(sources={"mesh": mesh()}, lock="locks/")
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "README").write_text("mine")
    with publish_session(config) as root:
        publish_lock(config, root, Lock((snapshot(config, "a"), snapshot(config, "b", datacenter="dc2"))))
    assert names_in(tmp_path / "locks") == ["README", "mesh.dc1.default.lock", "mesh.dc2.default.lock"]
    with publish_session(config) as root:
        publish_lock(config, root, Lock((snapshot(config, "a"),)))
    assert names_in(tmp_path / "locks") == ["README", "mesh.dc1.default.lock"]


@pytest.mark.parametrize("edit", ["other", "added", "gone"])
@pytest.mark.parametrize("lock", ["frostline.lock", "locks/"])
def test_a_lock_that_was_edited_during_the_run_is_not_overwritten(
    configure: Configure, tmp_path: Path, snapshot: MakeSnapshot, lock: str, edit: str
) -> None:
    config = configure(sources={"mesh": mesh()}, lock=lock)
    (tmp_path / "locks").mkdir()
    if edit != "added":
        with publish_session(config) as root:
            publish_lock(config, root, Lock((snapshot(config, "a"),)))
    base = CommittedLock(config).base
    file = tmp_path / lock / "mesh.dc1.default.lock" if lock == "locks/" else tmp_path / lock
    if edit == "gone":
        file.unlink()
    else:
        file.write_text("mine")
    with publish_session(config) as root, pytest.raises(RefusedError, match="changed by somebody else during this run"):
        publish_lock(config, root, Lock((snapshot(config, "b"),)), base=base)
    assert not file.exists() if edit == "gone" else file.read_text() == "mine"
