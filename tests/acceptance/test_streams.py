"""What goes to stdout and stderr, that it is harmless to who shows it, and that no secret is in it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from consul_agent import AclAgent, ConsulAgent
from faulty_proxy import FaultyProxy
from project import PARTNERS, STATIC, Project, consul_config

words_alone = pytest.mark.oldest_consul("the names and the token reach frostline's messages from any server alike")

NOWHERE = "http://127.0.0.1:9"
ANSI = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]")
MANY = {f"s{number}": "https://x.example" for number in range(4000)}
"""Services for more text than a pipe holds."""
HOSTILE = [
    "::error file=x::forged",
    "##[error]forged",
    "\x1b[31mred",
    "two\nlines",
    "\u202ereversed",
    "a\x9bz",
    "##vso[x]y",
]


def piped(project: Project, command: str) -> subprocess.CompletedProcess[str]:
    """The command in a shell; `frostline` in it is ours."""
    script = f'frostline() {{ "{sys.executable}" -m frostline "$@"; }}; set -o pipefail; {command}'
    return subprocess.run(["bash", "-c", script], cwd=project.folder, capture_output=True, text=True, check=False)


# --- closed and full streams ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "list --format json", "plan", "plan --format json"])
def test_a_pipe_that_is_closed_early_is_no_error(project: Project, command: str) -> None:
    project.configure({**STATIC, "sources": {"partners": {**PARTNERS, "services": MANY}}})
    done = piped(project, f"{{ frostline {command}; echo $? >status; }} | head -1")
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert project.read("status").strip() == (b"1" if "plan" in command else b"0")


def test_a_stream_that_was_closed_before_is_no_error(project: Project) -> None:
    project.configure(STATIC)
    assert piped(project, "frostline list >&-").returncode == 0
    assert piped(project, "frostline explain nobody 2>&-").returncode == 1
    assert piped(project, "frostline list 2>&1 >&- | head -0").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout_is_an_error(project: Project) -> None:
    done = piped(project.configure(STATIC), "frostline list >/dev/full")
    assert done.returncode == 5
    assert done.stderr.startswith("error: the standard output cannot be written: No space left on device\n")


@pytest.mark.parametrize("command", ["--version", "--help", "compile --help"])
def test_version_and_help_stand_closed_and_full_streams_too(project: Project, command: str) -> None:
    ended = piped(project, f"{{ frostline {command}; echo $? >status; }} | true")
    assert (project.read("status"), ended.stderr) == (b"0\n", "")
    gone = piped(project, f"frostline {command} >&-")
    assert (gone.returncode, gone.stderr) == (0, "")
    if Path("/dev/full").exists():
        full = piped(project, f"frostline {command} >/dev/full")
        assert full.returncode == 5
        assert full.stderr.startswith("error: the standard output cannot be written: No space left on device\n")


def test_text_that_the_locale_cannot_write_is_escaped(project: Project) -> None:
    services = {"caf\u00e9-\U0001f600": "https://x.example"}
    project.configure({**STATIC, "sources": {"partners": {**PARTNERS, "services": services}}})
    done = project.done("list", env={"PYTHONIOENCODING": "ascii"})
    assert "caf\\xe9-\\U0001f600" in done.stdout
    assert "caf\u00e9-\U0001f600" in project.done("list", env={"PYTHONIOENCODING": "utf-8"}).stdout


# --- quiet, verbose, color -------------------------------------------------------------------------------------------


def test_quiet_leaves_data_and_errors_only(project: Project) -> None:
    warn = {"policies": {"required": {"value": ["billing/v9"], "severity": "warning"}}}
    project.configure({**STATIC, "checks": warn})
    shown = project.run("plan")
    quiet = project.run("plan", "-q")
    assert "warning" in shown.stderr
    assert (quiet.stdout, quiet.stderr) == (shown.stdout, "")
    assert project.done("compile", "-q").stderr == ""
    assert project.done("check", "-q").stderr == ""
    project.configure({**STATIC, "checks": {"policies": {"required": ["billing/v9"]}}})
    assert project.refused(4, "compile", "-q").stderr.startswith("frostline.yaml:")


def test_verbose_says_each_stage_and_twice_each_request(project: Project, shop: ConsulAgent) -> None:
    project.configure(consul_config(shop.address))
    assert project.run("plan").stderr == ""
    stages = project.run("plan", "-v").stderr.splitlines()
    assert stages == [
        "reading the lock",
        "reading source mesh",
        "selecting of source mesh",
        "comparing with the lock",
        "assembling the registry",
        "checking",
        "rendering output registry.py",
        "rendering output services.yaml",
        "comparing with what is published",
    ]
    requests = project.run("plan", "-vv").stderr.splitlines()
    assert [line for line in requests if not line.startswith("source mesh: GET ")] == stages
    pattern = re.compile(r"source mesh: GET /v1/health/service/search\?.*: 200, \d+ bytes")
    assert any(pattern.fullmatch(line) for line in requests)


@pytest.mark.parametrize(
    ("option", "env", "colored"),
    [
        ("auto", {}, False),
        ("always", {}, True),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {}, False),
    ],
)
def test_colors_in_a_pipe(project: Project, option: str, env: dict[str, str], colored: bool) -> None:
    project.configure(STATIC)
    assert ("\x1b[32m" in project.run("plan", "--color", option, env=env).stdout) is colored
    assert ("\x1b[1;31m" in project.run("explain", "x", "--color", option, env=env).stderr) is colored


@pytest.mark.parametrize(
    ("option", "env", "colored"),
    [("auto", {}, True), ("auto", {"NO_COLOR": "1"}, False), ("never", {}, False), ("always", {"NO_COLOR": "1"}, True)],
)
def test_colors_on_a_terminal(project: Project, option: str, env: dict[str, str], colored: bool) -> None:
    project.configure(STATIC)
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | env
    command = [sys.executable, "-m", "frostline", "plan", "--color", option]
    subprocess.run(command, cwd=project.folder, stdout=theirs, env=environment, check=False)
    os.close(theirs)
    shown = os.read(ours, 10000)
    os.close(ours)
    assert b"registry.py" in shown
    assert (b"\x1b[" in shown) is colored


# --- hostile text -----------------------------------------------------------------------------------------------------


@pytest.fixture
def hostile(project: Project, empty_consul: ConsulAgent) -> Project:
    for number, name in enumerate(HOSTILE):
        empty_consul.catalog_register("n1", name, id=f"i{number}", address="10.0.0.1", port=8000 + number)
        empty_consul.catalog_register("n2", name, id=name, address="10.0.0.1", port=8000 + number, status="critical")
    return project.configure(consul_config(empty_consul.address))


def assert_harmless(text: str) -> None:
    assert ANSI.search(text) is None
    for line in text.split("\n"):
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


@words_alone
def test_hostile_names_are_shown_escaped(hostile: Project) -> None:
    hostile.done("freeze")
    shown = [hostile.run("plan"), hostile.run("list"), hostile.run("sources")]
    shown += [hostile.run("explain", name) for name in HOSTILE]
    shown += [hostile.run("explain", "--offline", f"{name}x") for name in HOSTILE[:3]]
    for done in shown:
        assert_harmless(done.stdout)
        assert_harmless(done.stderr)
    for text in (shown[0].stdout, shown[1].stdout):
        assert "\\x1b[31mred unversioned" in re.sub(" +", " ", text)
        assert "two\\nlines" in text
        assert "\\u202ereversed" in text
    assert "\\::error file=x::forged" in shown[1].stdout


@words_alone
def test_hostile_names_are_escaped_in_findings_and_drift(hostile: Project) -> None:
    config = json.loads(hostile.read("frostline.yaml"))
    config["checks"] = {"policies": {"names": "^[a-z]+$", "min_instances": {"default": 2}}}
    config["outputs"] = [{"type": "yaml", "path": "services", "split": "service"}]
    hostile.configure(config).done("freeze")
    for arguments in (["plan"], ["check"], ["compile"]):
        done = hostile.refused(4, *arguments)
        assert_harmless(done.stdout)
        assert_harmless(done.stderr)
        assert "forged" in done.stdout + done.stderr


@words_alone
def test_json_holds_hostile_names_unchanged_in_harmless_text(hostile: Project) -> None:
    hostile.done("freeze")
    assert sorted(one["service"] for one in hostile.document(0, "list")["services"]) == sorted(HOSTILE)
    assert {one["service"] for one in hostile.document(1, "plan")["services"]} == set(HOSTILE)
    for command in ("plan", "list"):
        assert_harmless(hostile.run(command, "--format", "json").stdout)


# --- secrets ----------------------------------------------------------------------------------------------------------

CANARY = "canary-token/7f3d+secret=="


def assert_unseen(project: Project, *texts: str) -> None:
    for text in texts:
        assert "canary-token" not in text
    for content in project.contents().values():
        assert not isinstance(content, bytes) or b"canary-token" not in content


@words_alone
@pytest.mark.parametrize("where", ["env", "file"])
def test_a_token_is_sent_and_appears_nowhere(
    project: Project, tmp_path: Path, shop: ConsulAgent, proxied: Callable[..., FaultyProxy], where: str
) -> None:
    (tmp_path / "token").write_text(f"{CANARY}\n")
    token = {"env": "MESH_TOKEN"} if where == "env" else {"file": str(tmp_path / "token")}
    env = {"MESH_TOKEN": CANARY}
    proxy = proxied(shop)
    project.configure(consul_config(proxy.address, source={"token": token}))
    commands = [["plan", "-vv"], ["compile", "-vv"], ["freeze", "-vv"], ["explain", "payments"], ["sources", "-vv"]]
    for command in commands:
        done = project.run(*command, env=env)
        assert done.returncode in (0, 1), done.stderr
        assert_unseen(project, done.stdout, done.stderr)
    assert {token for _, token in proxy.asked} == {CANARY}


@words_alone
@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_token_that_the_server_echoes_is_not_repeated(
    project: Project, shop: ConsulAgent, proxied: Callable[..., FaultyProxy], status: int
) -> None:
    echo = f"token {CANARY} is wrong; canary-token%2F7f3d%2Bsecret%3D%3D"
    proxy = proxied(shop, lambda path, token: (status, echo) if "/catalog/" in path else None)
    project.configure(consul_config(proxy.address, source={"token": {"env": "MESH_TOKEN"}}))
    for arguments in (["compile", "-vv"], ["plan", "-vv", "--format", "json"], ["sources", "--format", "json"]):
        done = project.refused(3, *arguments, env={"MESH_TOKEN": CANARY})
        assert_unseen(project, done.stdout, done.stderr)
        assert status == 200 or "***" in done.stderr


def test_a_real_token_appears_nowhere(project: Project, consul_acl: AclAgent) -> None:
    consul_acl.reset()
    consul_acl.catalog_register("n1", "payments-v1", address="10.0.0.1", port=8080)
    token = consul_acl.token
    assert token
    project.configure(consul_config(consul_acl.address, source={"token": {"env": "MESH_TOKEN"}}))
    done = project.done("compile", "-vv", env={"MESH_TOKEN": token})
    assert token not in done.stdout + done.stderr
    assert not any(token.encode() in content for content in project.contents().values() if isinstance(content, bytes))


def test_a_token_in_the_configuration_is_refused_and_not_repeated(project: Project) -> None:
    project.configure(consul_config(NOWHERE, source={"token": CANARY}))
    done = project.refused(2, "compile", "-vv")
    assert CANARY not in done.stdout + done.stderr
    assert "token" in done.stderr


def test_a_token_in_the_address_is_refused_or_hidden(project: Project) -> None:
    project.configure(consul_config("http://user:canary-token@127.0.0.1:9"))
    done = project.run("compile", "-vv")
    assert done.returncode in (2, 3)
    assert "canary-token" not in done.stdout + done.stderr
