"""Other users, other umasks, and the signals that end a run, also as the first process of a container."""

from __future__ import annotations

import grp
import json
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from consul_agent import ConsulAgent
from project import STATIC, Project, Run, consul_config

NOBODY = 65534
FILES = ("frostline.manifest", "registry.py", "registry.pyi", "services.yaml")


@pytest.fixture
def setpriv() -> list[str]:
    """The words before a command that nobody is to run."""
    found = shutil.which("setpriv")
    words = [found or "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if not found or os.geteuid() != 0:
        pytest.skip("only root can run commands as somebody else")
    if subprocess.run([*words, sys.executable, "-c", "import frostline"], capture_output=True, check=False).returncode:
        pytest.skip("others cannot run this Python")
    return words


@pytest.fixture
def shared(run_frostline: Callable[..., Run]) -> Iterator[Project]:
    """A project of root's, published, in a folder that others can enter."""
    folder = Path(tempfile.mkdtemp(prefix="frostline-shared-"))
    folder.chmod(0o755)
    project = Project(folder, run_frostline)
    project.configure(STATIC).done("compile")
    for path in folder.iterdir():
        path.chmod(0o644)
    yield project
    shutil.rmtree(folder)


def as_nobody(words: list[str], project: Project, *arguments: str, groups: str = "") -> Run:
    words = [word if word != "--clear-groups" or not groups else f"--groups={groups}" for word in words]
    done = subprocess.run(
        [*words, sys.executable, "-m", "frostline", *arguments],
        cwd=project.folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def change(project: Project) -> None:
    project.configure(json.loads(json.dumps(STATIC).replace("billing", "telling")))


def test_a_folder_of_another_user_serves_what_writes_nothing(shared: Project, setpriv: list[str]) -> None:
    before = shared.tree()
    for command in ("check", "plan", "list", "compile"):
        assert as_nobody(setpriv, shared, command).returncode == 0
    change(shared)
    before = shared.tree()
    done = as_nobody(setpriv, shared, "compile")
    assert done.returncode == 5
    assert (
        "cannot be written: Permission denied\n  help: give this user the right to read and write there" in done.stderr
    )
    assert shared.tree() == before


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("frostline.yaml", 2, "the configuration cannot be read: Permission denied\n  help: give this user the right"),
        ("frostline.manifest", 5, "`frostline.manifest` cannot be read: Permission denied\n  help: give this user"),
        ("services.yaml", 5, "`services.yaml` cannot be read: Permission denied\n  help: give this user the right"),
    ],
)
def test_a_file_that_only_its_group_reads_is_said(
    shared: Project, setpriv: list[str], name: str, status: int, said: str
) -> None:
    (shared.folder / name).chmod(0o640)
    done = as_nobody(setpriv, shared, "check")
    assert done.returncode == status
    assert said in done.stderr
    assert as_nobody(setpriv, shared, "check", groups="0").returncode == 0


def test_files_of_another_user_are_replaced_in_a_folder_of_this_one_and_keep_group_and_mode(
    shared: Project, setpriv: list[str]
) -> None:
    os.chown(shared.folder, NOBODY, NOBODY)
    group = grp.getgrnam("mail").gr_gid
    for name in FILES:
        os.chown(shared.folder / name, 0, group)
        (shared.folder / name).chmod(0o640)
    change(shared)
    done = as_nobody(setpriv, shared, "compile", groups=str(group))
    assert done.returncode == 0, done.stderr
    for name in ("frostline.manifest", "registry.py", "services.yaml"):
        found = (shared.folder / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, group, 0o640)


def test_root_leaves_files_to_their_owners(shared: Project, setpriv: list[str]) -> None:
    for name in FILES:
        os.chown(shared.folder / name, NOBODY, NOBODY)
    change(shared)
    shared.done("compile")
    for name in FILES:
        assert (shared.folder / name).stat().st_uid == NOBODY


@pytest.mark.parametrize("outputs", [STATIC["outputs"], STATIC["outputs"][:1]])
def test_files_that_only_another_user_may_replace_are_known_before_anything_is_written(
    shared: Project, setpriv: list[str], outputs: list[object]
) -> None:
    for name in FILES[:3]:
        os.chown(shared.folder / name, NOBODY, NOBODY)
    shared.folder.chmod(0o1777)
    change(shared)
    shared.configure({**STATIC, "outputs": outputs})
    shared.configure(shared.read("frostline.yaml").decode().replace("billing", "telling"))
    before = shared.contents()
    done = as_nobody(setpriv, shared, "compile", "--allow", "orphans")
    assert done.returncode == 5
    assert (
        "`services.yaml` cannot be replaced: it belongs to another user, and its folder has the sticky bit"
        in done.stderr
    )
    assert shared.contents() == before


def test_a_file_in_a_folder_that_cannot_be_changed_is_not_half_deleted(shared: Project, setpriv: list[str]) -> None:
    outputs = [*STATIC["outputs"], {"type": "yaml", "path": "fixed/all.yaml"}]
    shared.configure({**STATIC, "outputs": outputs}).done("compile")
    os.chown(shared.folder, NOBODY, NOBODY)
    shared.configure(STATIC)
    before = shared.contents()
    done = as_nobody(setpriv, shared, "compile", "--allow", "orphans")
    assert done.returncode == 5
    assert "`fixed/all.yaml` cannot be deleted: Permission denied" in done.stderr
    assert shared.contents() == before


def test_a_repository_of_another_user_names_how_to_trust_it(shared: Project, setpriv: list[str]) -> None:
    subprocess.run(["git", "init", "--quiet", shared.folder], check=True)
    done = as_nobody(setpriv, shared, "diff", "HEAD", "HEAD~1")
    assert done.returncode == 2
    assert f"git config --global --add safe.directory {shlex.quote(str(shared.folder))}" in done.stderr


@pytest.mark.oldest_consul("who runs the command is nothing to a server")
def test_a_freeze_to_another_file_writes_that_file_alone(
    shared: Project, setpriv: list[str], empty_consul: ConsulAgent
) -> None:
    empty_consul.catalog_register("n1", "web", address="10.0.0.1", port=80)
    shared.configure(consul_config(empty_consul.address))
    other = Path(tempfile.mkdtemp(prefix="frostline-out-"))
    os.chown(other, NOBODY, NOBODY)
    before = shared.tree()
    done = as_nobody(setpriv, shared, "freeze", "--out", str(other / "new.lock"))
    assert done.returncode == 0, done.stderr
    assert shared.tree() == before
    assert [path.name for path in other.iterdir()] == ["new.lock"]
    shutil.rmtree(other)


@pytest.mark.parametrize("umask", ["077", "027", "002", "000"])
def test_whatever_the_umask_manifest_and_check_are_the_same(project: Project, umask: str) -> None:
    project.configure(STATIC)
    command = shlex.join([sys.executable, "-m", "frostline"])
    done = subprocess.run(["sh", "-c", f"umask {umask} && {command} compile"], cwd=project.folder, check=False)
    assert done.returncode == 0
    assert project.read("frostline.manifest").count(b'"mode":"0644"') == 3
    for name in FILES:
        assert stat.S_IMODE((project.folder / name).stat().st_mode) == 0o666 & ~int(umask, 8)
    project.done("check")
    project.refused(0, "plan")


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(project: Project) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`waiting(*words)`: a compile, after these words, that waits for a server which never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        project.configure(consul_config(f"http://127.0.0.1:{listener.getsockname()[1]}", source={"timeout": "60s"}))
        started: list[subprocess.Popen[str]] = []
        held: list[socket.socket] = []

        def start(*words: str) -> subprocess.Popen[str]:
            command = [*words, sys.executable, "-m", "frostline", "compile"]
            process = subprocess.Popen(
                command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            started.append(process)
            connection, _ = listener.accept()
            connection.recv(1)
            held.append(connection)
            return process

        yield start
        for process in started:
            process.kill()
            process.communicate()
        for connection in held:
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_says_so_and_leaves_nothing(
    project: Project, waiting: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = waiting()
    before = project.tree()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "error: interrupted\n1 error\n")
    assert project.tree() == before


def test_a_run_that_is_to_outlive_its_terminal_does(waiting: Callable[..., subprocess.Popen[str]]) -> None:
    process = waiting("nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_process_of_a_container_ends_when_it_is_told_to(
    project: Project, waiting: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    unshare = shutil.which("unshare")
    words = [unshare or "unshare", "--fork", "--pid", "--mount-proc"]
    if not unshare or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("process namespaces of their own are not permitted here")
    process = waiting(*words)
    before = project.tree()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), number)
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "error: interrupted\n1 error\n")
    assert project.tree() == before
