"""A project with two states of the world, between which publishing writes, replaces and deletes files and folders."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from children import Warm

from frostline.lock import store as lock_store
from frostline.model import Registration, SegmentAnswer
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.load.config import load_config
from frostline.registry.selection.selecting import snapshot_of
from frostline.sources.consul.settings import ConsulSettings

Tree = dict[str, tuple[int, bytes | str | None]]
ALLOWED = ("--allow", "deletes,updates,orphans")

CONFIG: dict[str, Any] = {
    "version": 1,
    "root": "root",
    "sources": {"mesh": {"type": "consul", "address": "http://127.0.0.1:1", "retries": 0}},
    "outputs": [
        {"type": "python", "path": "root/app/registry.py"},
        {"type": "yaml", "path": "root/services", "split": "service"},
        {"type": "hiera", "path": "root/puppet/data"},
        {"type": "template", "template": "hosts.j2", "path": "root/deep/er/hosts"},
    ],
}
# The old state: an output whose folders go, and none yet of the template, whose folders are made.
BEFORE = {**CONFIG, "outputs": [*CONFIG["outputs"][:3], {"type": "yaml", "path": "root/gone/too/all.yaml"}]}
TEMPLATE = "{% for service in services %}{{ service.name }}\n{% endfor %}"
MODES = {"root/app/registry.py": 0o666, "root/services/moved.yaml": 0o775}
OLD = ("kept-v1", "moved-v1", "gone-v1", "gone-v2")
NEW = ("kept-v1", "moved-v1", "moved-v2", "more-v1")


def lay_out(folder: Path) -> None:
    """The configuration and two locks, old.lock and new.lock, in this empty folder; nothing is published yet."""
    (folder / "frostline.yaml").write_text(json.dumps(CONFIG, indent=1))
    (folder / "hosts.j2").write_text(TEMPLATE)
    config = load_config(folder / "frostline.yaml")
    settings = config.sources["mesh"]
    assert isinstance(settings, ConsulSettings)
    for name, services, port in (("old", OLD, 80), ("new", NEW, 81)):
        found = tuple(
            Registration(
                service=service, id=service, node="n", address="10.0.0.1", port=80 if "kept" in service else port
            )
            for service in services
        )
        answer = SegmentAnswer(source="mesh", datacenter="dc1", namespace="default", registrations=found)
        snapshot = snapshot_of(answer, settings, settings_digests(config)["mesh"])
        path = folder / f"{name}.lock"
        path.write_bytes(b"".join(lock_store.LockFile(path, (snapshot,))))


class World:
    """folder: the project, which `restore` takes to a state; old, new: what is in it before and after publishing."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder, self.warm = folder, warm
        lay_out(folder)
        warm.learn("compile", "--lock", "no-such.lock", cwd=folder)
        (folder / "frostline.yaml").write_text(json.dumps(BEFORE, indent=1))
        for arguments in (("compile", "--lock", "old.lock"), ("plan", "--offline"), ("check",)):
            warm.learn(*arguments, cwd=folder)
        (folder / "frostline.yaml").write_text(json.dumps(CONFIG, indent=1))
        # What users make of modes stays so, whatever the umask takes.
        for path, mode in MODES.items():
            (folder / path).chmod(mode)
        self.old = tree_of(folder)
        self.publish("new")
        self.new = tree_of(folder)
        assert {path: self.new[path][0] for path in MODES} == MODES
        assert {"root/gone", "root/gone/too", "root/services/gone.yaml"} <= set(self.old) - set(self.new)
        assert {"root/deep", "root/deep/er", "root/services/more.yaml"} <= set(self.new) - set(self.old)
        self.restore(self.old)

    @property
    def command(self) -> tuple[str, ...]:
        """What publishes the new state."""
        return ("compile", "--lock", "new.lock", *ALLOWED)

    def publish(self, name: str) -> None:
        done = self.warm.run("compile", "--lock", f"{name}.lock", *ALLOWED, cwd=self.folder)
        assert done.status == 0, done.stderr

    def restore(self, state: Tree) -> None:
        """Makes the folder what it was."""
        restore(self.folder, state)

    def assert_whole(self, cut: Tree) -> None:
        """Each file is the old or the new one, mode and all; beside them there is only what the next run clears."""
        for path, entry in cut.items():
            if ".frostline." not in path:
                assert entry in (self.old.get(path), self.new.get(path)), path
        lost = {path for path in self.old if path in self.new} - set(cut)
        assert not lost, lost

    def assert_mends(self, but: Callable[[Tree], Tree] = lambda tree: tree) -> bool:
        """The next run makes all what a clean one does; before, plan and check tell and touch nothing.

        True: a journal was there. but: what is left of a tree that is compared.
        """
        cut = tree_of(self.folder)
        self.assert_whole(cut)
        pending = "root/.frostline.journal" in cut
        for report in (("plan", "--offline"), ("check",)):
            said = self.warm.run(*report, cwd=self.folder)
            assert "Traceback" not in said.stderr
            assert said.status in (0, 1, 2, 4), said.stderr
            assert ("was interrupted while publishing" in said.stderr) == pending, said.stderr
            assert tree_of(self.folder) == cut, f"{report[0]} changed something"
        # A run that goes no further than to undo or finish the last one: across all files, old or new.
        stopped = self.warm.run("compile", "--lock", "missing.lock", cwd=self.folder)
        assert stopped.status == 2, stopped
        mended = but(tree_of(self.folder))
        states = but(self.old), but(self.new)
        assert mended in states, [differing(mended, state) for state in states]
        done = self.warm.run(*self.command, cwd=self.folder)
        assert done.status == 0, done.stderr
        assert but(tree_of(self.folder)) == but(self.new)
        return pending


def without_empty_folders(tree: Tree) -> Tree:
    """The tree without folders that hold no file, however deep."""
    above = {path[:at] for path, entry in tree.items() if entry[1] is not None for at in _slashes(path)}
    return {path: entry for path, entry in tree.items() if entry[1] is not None or path in above}


def _slashes(path: str) -> list[int]:
    return [at for at, sign in enumerate(path) if sign == "/"]


def differing(one: Tree, other: Tree) -> list[str]:
    """The paths that are not the same in both."""
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def restore(folder: Path, state: Tree) -> None:
    """Makes the folder what it was."""
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    for path, (mode, content) in state.items():
        target = folder / path
        if content is None:
            target.mkdir()
        elif isinstance(content, bytes):
            target.write_bytes(content)
            target.chmod(mode)
    for journal in folder.rglob(".frostline.journal"):
        own(journal, folder)


def own(journal: Path, folder: Path) -> None:
    """Makes a journal that was copied one of this folder and of its files, as if their run had been killed here."""
    written = json.loads(journal.read_bytes())
    written["root"] = _identity(journal.parent)
    for step in written["steps"]:
        if step["identity"]:
            step["identity"] = next((_identity(path) for path in folder.rglob(step["staged"])), step["identity"])
    journal.write_bytes(json.dumps(written, separators=(",", ":")).encode())


def _identity(path: Path) -> list[int]:
    return [path.lstat().st_dev, path.lstat().st_ino]


def tree_of(folder: Path) -> Tree:
    """Everything in a folder, those above first: path -> (mode, bytes, a link's target, or None for a folder)."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content: bytes | str | None = None
        if stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)  # noqa: PTH115
        found[path.relative_to(folder).as_posix()] = (stat.S_IMODE(status.st_mode), content)
    return found
