"""Verifiers: the consumers' own checkers on the new bytes, before anything is replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from project import STATIC, Project, Run

from frostline.reporters.base import TABLE as REPORTERS

COUNT = ["sh", "-c", 'echo "$0" >>started; exit 0', "{path}"]
"""A verifier that takes everything, and counts how often it is started."""


@pytest.fixture
def runner(run_here: Callable[..., Run]) -> Callable[..., Run]:
    return run_here


def verifying(words: Sequence[str], **keys: Any) -> dict[str, Any]:
    """A configuration with one output, verified by these words."""
    return {**STATIC, "outputs": [{"type": "yaml", "path": "app/services.yaml", "verify": list(words), **keys}]}


def started(project: Project) -> int:
    """How often COUNT was started since this was last asked."""
    file = project.folder / "started"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    assert all(line.endswith("/services.yaml") and "/frostline-verify-" in line for line in lines)
    return len(lines)


def moved(project: Project) -> None:
    """The configuration with another endpoint."""
    project.configure(project.read("frostline.yaml").decode().replace("billing.example", "other.example"))


def test_nothing_is_published_that_its_verifier_refuses(project: Project) -> None:
    project.configure(verifying(["sh", "-c", 'echo "no: $1" >&2; exit 7', "sh", "{path}"]))
    for command in ("compile", "plan"):
        done = project.refused(4, command)
        assert "error[verify]: the output `app/services.yaml` is refused by `sh`" in done.stderr
        assert "status 7 and said: no: app/services.yaml\n" in done.stderr
        value = project.document(4, command)
        assert (value["verified"], value["report"]["findings"][0]["rule"]) == ([], "verify")
    assert "no plan was saved" in project.refused(4, "plan", "--out", "plan.json").stderr
    assert "refused: nothing was published" in project.refused(4, "compile").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sh", "-c", "kill -SEGV $$"], "was ended by the signal SIGSEGV"),
        (["sleep", "60"], "did not end within 0.4 seconds"),
        (["no-such-program"], "`no-such-program` was not found in $PATH"),
        (["./app"], "`./app` was not found"),
        (["./frostline.yaml"], "`./frostline.yaml` cannot be started: Permission denied"),
        (["sh", "-c", "yes | head -c 3000000; exit 1"], "said: y | y | y | … | y"),
        (["sh", "-c", "kill -9 $PPID"], "ended or stopped the process that supervises it"),
    ],
)
def test_one_that_fails_in_any_way_publishes_nothing(project: Project, words: list[str], said: str) -> None:
    project.configure(verifying(words, verify_timeout="400ms" if words[0] == "sleep" else "20s"))
    assert said in project.refused(4, "compile").stderr


def test_one_that_takes_garbage_publishes_what_was_compiled_whatever_it_makes_of_its_copy(project: Project) -> None:
    project.configure(verifying(["sh", "-c", 'echo rubbish | tee "$1"; chmod 0 "$1"; exit 0', "sh", "{path}"]))
    done = project.done("compile")
    assert "Verified: app/services.yaml." in done.stderr
    assert "rubbish" not in done.stderr
    assert b"billing" in project.read("app/services.yaml")
    project.done("check")


def test_one_that_changes_what_is_published_stops_the_run(project: Project) -> None:
    project.configure(verifying(["true"])).done("compile")
    project.configure(verifying(["sh", "-c", "echo mine >app/services.yaml"]))
    moved(project)
    for command in ("plan", "compile"):
        done = project.run(command)
        assert done.returncode == 4
        assert (
            "`app/services.yaml` changed while `app/services.yaml` was verified; nothing was published" in done.stderr
        )
        project.write("app/services.yaml", project.read("app/services.yaml").decode())
        assert project.read("app/services.yaml") == b"mine\n"
        project.configure(verifying(["true"])).done("compile", "--allow", "edited")
        project.configure(verifying(["sh", "-c", "echo mine >app/services.yaml"]))
        moved(project)


def test_only_what_changes_is_verified_and_check_verifies_all_where_asked(project: Project) -> None:
    project.configure(verifying(COUNT))
    project.run("plan")
    assert started(project) == 1
    project.done("compile")
    assert started(project) == 1
    for command in ("compile", "plan", "check"):
        assert "Verified" not in project.done(command).stderr
    assert started(project) == 0
    assert "Verified: app/services.yaml." in project.done("check", "--verify").stderr
    assert started(project) == 1
    value = project.document(0, "check", "--verify")
    assert (value["verified"], value["findings"], value["drift"]) == (["app/services.yaml"], [], [])
    moved(project)
    assert project.run("check", "--verify").returncode == 1
    project.configure(verifying(["false"]))
    assert "error[verify]" in project.refused(4, "check", "--verify").stdout
    assert project.document(4, "check", "--verify")["verified"] == []
    started(project)
    project.configure({**verifying(COUNT), "checks": {"policies": {"required": ["nope"]}}})
    assert project.refused(4, "check", "--verify").returncode == 4
    project.configure(STATIC)
    assert "No output has `verify`" in project.run("check", "--verify").stderr
    assert started(project) == 0


@pytest.mark.parametrize("allow", ["unverified", "unverified=app/*", "deletes,unverified=app/services.yaml"])
def test_what_nobody_trusts_starts_nothing(project: Project, allow: str) -> None:
    project.configure(verifying(COUNT))
    for command, status in (("plan", 1), ("compile", 0)):
        done = project.run(command, "--allow", allow)
        assert done.returncode == status
        assert "warning[unverified]: the output `app/services.yaml` is not verified" in done.stderr
    assert started(project) == 0
    assert (project.folder / "app/services.yaml").exists()


def test_a_scope_that_fits_another_output_lets_nothing_pass(project: Project) -> None:
    config = verifying(["false"])
    project.configure({**config, "outputs": [*config["outputs"], {"type": "yaml", "path": "other.yaml"}]})
    assert "error[verify]" in project.refused(4, "compile", "--allow", "unverified=other.yaml").stderr


@pytest.mark.parametrize("command", ["compile", "plan"])
def test_a_scope_that_fits_no_output_is_a_usage_error(project: Project, command: str) -> None:
    project.configure(verifying(["false"]))
    said = project.refused(2, command, "--allow", "unverified=app/service.yaml").stderr
    assert (
        "--allow unverified=app/service.yaml: there is no such output\n  help: did you mean `app/services.yaml`?"
        in said
    )
    assert "help: outputs: app/services.yaml" in project.refused(2, command, "--allow", "unverified=x*").stderr


def test_a_saved_plan_says_that_it_was_verified_and_is_verified_again(project: Project) -> None:
    project.configure(verifying(COUNT))
    shown = project.run("plan", "--out", "plan.json")
    assert "Verified: app/services.yaml\nPlan: " in shown.stdout
    assert started(project) == 1
    plan = json.loads(project.read("plan.json"))
    assert (plan["verified"], plan["unverified"]) == (["app/services.yaml"], [])
    assert "Verified: app/services.yaml." in project.done("compile", "--plan", "plan.json").stderr
    assert started(project) == 1


def test_a_saved_plan_that_was_not_verified_says_so_and_is_published_so(project: Project) -> None:
    project.configure(verifying(["false"]))
    shown = project.run("plan", "--out", "plan.json", "--allow", "unverified")
    assert "Not verified, as --allow says: app/services.yaml\nPlan: " in shown.stdout
    plan = json.loads(project.read("plan.json"))
    assert (plan["verified"], plan["unverified"]) == ([], ["app/services.yaml"])
    done = project.done("compile", "--plan", "plan.json")
    assert "warning[unverified]" in done.stderr
    assert "Verified:" not in done.stderr


def test_a_saved_plan_is_not_published_where_its_verifier_refuses_by_now(project: Project) -> None:
    project.write("check.sh", "exit 0")
    project.configure(verifying(["sh", "check.sh", "{path}"])).run("plan", "--out", "plan.json")
    project.write("check.sh", "echo no; exit 1")
    assert "said: no" in project.refused(4, "compile", "--plan", "plan.json").stderr


@pytest.mark.parametrize(
    ("key", "value"), [("verified", []), ("unverified", ["app/services.yaml"]), ("verify", ["id"])]
)
def test_a_plan_cannot_claim_another_verification_or_bring_a_program(project: Project, key: str, value: Any) -> None:
    from hashlib import sha256

    project.configure(verifying(COUNT)).run("plan", "--out", "plan.json")
    started(project)
    plan = json.loads(project.read("plan.json"))
    del plan["digest"]
    text = json.dumps({**plan, key: value}, separators=(",", ":"), ensure_ascii=False)
    digest = sha256(text.encode()).hexdigest()
    project.write("plan.json", f'{text[:-1]},"digest":"sha256:{digest}"}}\n')
    assert (
        "what the plan shows is not what it would publish"
        in project.refused(4, "compile", "--plan", "plan.json").stderr
    )
    assert started(project) == 0


@pytest.mark.parametrize("name", REPORTERS)
def test_every_report_has_what_a_verifier_says(project: Project, name: str) -> None:
    project.configure(verifying(["sh", "-c", "printf '::error::no\\n\\033[2Jstop'; exit 1"]))
    done = project.refused(4, "plan", "--format", name)
    assert "stop" in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert not any(line.startswith("::error::no") for line in done.stdout.splitlines())


def test_several_outputs_of_every_kind_are_verified_as_files_and_folders(project: Project) -> None:
    look = ["sh", "-c", '[ -$1 "$2" ] && ls "$2" >/dev/null && [ "${2##*/}" = "$3" ]', "sh"]
    outputs = [
        {"type": "python", "path": "app/registry.py", "verify": [sys.executable, "-I", "-S", "-c", PY, "{path}"]},
        {"type": "yaml", "path": "each", "split": "service", "verify": [*look, "d", "{path}", "each"]},
        {"type": "hiera", "path": "puppet/data", "verify": [*look, "d", "{path}", "data"]},
        {"type": "yaml", "path": "a b/x.yaml", "format": "json", "verify": [*look, "f", "{path}", "x.yaml"]},
    ]
    project.configure({**STATIC, "outputs": outputs}).done("compile")
    assert not list(project.folder.rglob("__pycache__"))


PY = "import sys; exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'), {'__name__': 'registry'})"


# --- frostline ends while a verifier runs -----------------------------------------------------------------------------

WAIT = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open("daemon", "w") as file:
            file.write(str(os.getpid()))
        time.sleep(300)
    os._exit(0)
with open("folder", "w") as file:
    file.write(os.path.dirname(sys.argv[1]))
with open("verifier", "w") as file:
    file.write(str(os.getpid()))
time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process_and_no_folder(project: Project, number: signal.Signals) -> None:
    project.configure(verifying([sys.executable, "-I", "-S", "-c", WAIT, "{path}"]))
    command = [sys.executable, "-m", "frostline", "compile"]
    with subprocess.Popen(command, cwd=project.folder, stderr=subprocess.PIPE, text=True) as process:
        names = ("daemon", "folder", "verifier")
        files = [project.folder / name for name in names]
        wait_until(lambda: all(file.exists() and file.read_text() for file in files))
        daemon, folder, verifier = (file.read_text() for file in files)
        assert Path(folder).is_dir()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    if number == signal.SIGTERM:
        assert process.returncode == 130
        assert "Traceback" not in stderr
    else:
        wait_until(lambda: not Path(folder).exists())
    assert not Path(folder).exists()
    assert not any(is_alive(int(pid)) for pid in (daemon, verifier))
    assert not (project.folder / "app/services.yaml").exists()
    for file in files:
        file.unlink()
    project.configure(verifying(["true"])).done("compile")


def wait_until(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- a real consumer --------------------------------------------------------------------------------------------------


def test_nginx_itself_takes_a_good_template_and_refuses_a_broken_one(project: Project, nginx_binary: str) -> None:
    project.write("t.j2", "events {}\nhttp { server { listen 127.0.0.1:8080; } }\n")
    words = [
        nginx_binary,
        "-e",
        "stderr",
        "-t",
        "-p",
        "{root}",
        "-g",
        "error_log stderr; pid nginx.pid;",
        "-c",
        "{path}",
    ]
    output = {"type": "template", "template": "t.j2", "path": "nginx/router.conf", "verify": words}
    project.configure({**STATIC, "outputs": [output]}).done("compile")
    good = project.read("nginx/router.conf")
    project.write("t.j2", "events {}\nhttp { server { listen 127.0.0.1:8080; } } }\n")
    refused = project.refused(4, "compile").stderr
    assert 'unexpected "}" in nginx/router.conf:2' in refused
    assert project.read("nginx/router.conf") == good
