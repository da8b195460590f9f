"""Which files of a repository are frostline's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.ci.clone import Clone
from frostline.ci.own_files import own_files
from frostline.errors import UsageError
from frostline.publish.manifest import HEADER

CONFIG = """
version: 1
lock: locks/
confirmed: ../outside.confirmed
sources: {ours: {type: static, services: {shop: "http://shop.example"}}}
outputs: [{type: yaml, path: out/services.yaml}]
"""
LINE = b'{"path":"out/services.yaml","sha256":"%s","mode":"0644","output":"out/services.yaml"}' % (b"0" * 64)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A clone of a repository with a project in the folder `deploy`."""
    deploy = tmp_path / "deploy"
    (deploy / "locks").mkdir(parents=True)
    (deploy / "locks" / "mesh.dc1.default.lock").touch()
    (deploy / "out").mkdir()
    (deploy / "frostline.yaml").write_text(CONFIG)
    (deploy / "frostline.manifest").write_bytes(HEADER + b"\n" + LINE + b"\n")
    monkeypatch.chdir(deploy)
    return Clone(top=tmp_path, remote="", environment={})


def test_own_files_are_lock_manifest_confirmations_and_published_files(clone: Clone) -> None:
    lock, manifest = "deploy/locks/mesh.dc1.default.lock", "deploy/frostline.manifest"
    assert own_files(clone, None) == {lock, manifest, "deploy/out/services.yaml", "outside.confirmed"}


@pytest.mark.parametrize(("folder", "file"), [("deploy/out", "deploy/out/services.yaml"), ("deploy", "deploy/")])
def test_an_own_file_in_a_submodule_is_refused(clone: Clone, folder: str, file: str) -> None:
    (clone.top / folder / ".git").write_text("gitdir: elsewhere\n")
    with pytest.raises(UsageError, match=rf"^`{file}.*` is in a repository of its own, `{folder}`"):
        own_files(clone, None)


def test_own_files_outside_the_repository_are_left_out(clone: Clone) -> None:
    inner = Clone(top=clone.top / "deploy" / "out", remote="", environment={})
    assert own_files(inner, None) == {"services.yaml"}
