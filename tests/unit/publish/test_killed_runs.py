"""A run that is killed before any of its system calls is undone or finished by the next run."""

import subprocess
import sys
from pathlib import Path

# One process that forks a child for each point of death: a kill before the N-th system call that changes anything.
CAMPAIGN = r"""
import json, os, shutil, signal, sys
from pathlib import Path
from frostline.publish.manifest import read_manifest
from frostline.publish.ownership import DesiredFile, file_changes, next_manifest
from frostline.publish.publishing import Publication, is_interrupted, publish
from frostline.publish.run_lock import run_lock
from frostline.settings import Allow

BASE = Path(sys.argv[1])
ROOT = BASE / "root"
OLD = {"app/registry.py": b"old", "data/a.yaml": b"old a", "data/b.yaml": b"same", "gone/x/y": b"old y"}
NEW = {"app/registry.py": b"new", "data/b.yaml": b"same", "more/deep/c.yaml": b"new c", "more/d": b"new d"}
OUTSIDE = (BASE / "locks",)

def run(wanted, lock):
    with run_lock(ROOT, outside=OUTSIDE) as top:
        files = [DesiredFile(path=path, chunks=[content], output="o") for path, content in wanted.items()]
        manifest = read_manifest(ROOT / "frostline.manifest")
        changes = file_changes(ROOT, files, manifest, allow=Allow())
        publish(
            top,
            Publication(
                files=files, changes=changes,
                lock_files=((BASE / "locks" / "a.lock", [lock]), (ROOT / "frostline.lock", [lock])),
                manifest_path=ROOT / "frostline.manifest", manifest=next_manifest(manifest, changes, ()),
            ),
        )

def tree():
    # Folders count as well, so that none is left behind.
    found = {}
    for folder, folders, names in os.walk(BASE):
        for name in names:
            path = Path(folder, name)
            found[path.relative_to(BASE).as_posix()] = path.read_bytes()
        for name in folders:
            found[Path(folder, name).relative_to(BASE).as_posix() + "/"] = None
    return found

def restore(state):
    shutil.rmtree(BASE)
    BASE.mkdir()
    for key, content in sorted(state.items()):
        if content is None:
            (BASE / key).mkdir(parents=True, exist_ok=True)
        else:
            (BASE / key).parent.mkdir(parents=True, exist_ok=True)
            (BASE / key).write_bytes(content)
    for journal in BASE.rglob(".frostline.journal"):  # as if its run had been killed here
        written = json.loads(journal.read_bytes())
        written["root"] = identity(journal.parent)
        for step in written["steps"]:
            if step["identity"]:
                step["identity"] = next(map(identity, BASE.rglob(step["staged"])), step["identity"])
        journal.write_text(json.dumps(written))

def identity(path):
    return [path.lstat().st_dev, path.lstat().st_ino]

def killed_before(number, work):
    # Runs `work` in a child that dies before its call of this number. True: it did, there were as many.
    child = os.fork()
    if child == 0:
        calls = 0
        def counted(really):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return really(*args, **kwargs)
            return call
        for name in ("open", "rename", "unlink", "mkdir", "rmdir", "fchmod", "fsync"):
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status != 0

def recover():
    with run_lock(ROOT, outside=OUTSIDE):
        pass

os.fsync = lambda fd: None  # a killed process loses nothing that it wrote
ROOT.mkdir(parents=True)
run(OLD, b"1")
old = tree()
run(NEW, b"2")
new = tree()
assert all(key.startswith((".frostline.", "root/.frostline.")) is False for key in {**old, **new})

def whole(cut):
    # Every file old or new, but for what is staged; then, after a recovery, all of them.
    for key, content in cut.items():
        if ".frostline." not in key and content is not None:
            assert content in (old.get(key), new.get(key)), key
    after = tree()
    assert after in (old, new), sorted(set(after) ^ set(new))
    assert not is_interrupted(ROOT)
    return after == new

def check(number, deaths_of_recovery):
    restore(old)
    if not killed_before(number, lambda: run(NEW, b"2")):
        assert tree() == new
        return None
    cut = tree()
    for death in deaths_of_recovery:
        restore(cut)
        was_killed = killed_before(death, recover)
        recover()
        whole(cut)
        if not was_killed:  # nor would it be later: it makes no more calls
            break
    restore(cut)
    recover()
    finished = whole(cut)
    run(NEW, b"2")
    assert tree() == new
    return finished

results = []
number = 1
while (result := check(number, range(1 + number % 7, 1000, 7) if number % 12 == 0 else ())) is not None:
    results.append(result)
    number += 1
# First undone, then finished, and never back again.
assert results == sorted(results) and set(results) == {False, True}, results
print(len(results), results.index(True))
"""


def test_a_run_that_is_killed_at_any_call_is_undone_or_finished_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CAMPAIGN, str(tmp_path / "base")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    deaths, undone = map(int, ran.stdout.split())
    assert deaths > 50
    assert undone > 20
