"""No secrets: a canary token is in nothing that the command writes or says, whatever goes wrong around it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from children import Done, Warm
from consul_agent import ConsulAgent
from faults import FAULTS
from wire import Aim, Edit, Fault, Reply, WireProxy

pytestmark = pytest.mark.oldest_consul("the proxy makes up every answer that has the token in it")

CANARY = 'c4nary-7f1c9e2b-"d0<5e/cret&-8a61'
SHOWS = 9
"""Characters of it in a row that must be nowhere: less than that is chance, more is a token cut in two."""
COMMANDS = (
    ("compile", "-vv"),
    ("compile", "-vv", "--format", "json"),
    ("plan", "-vv"),
    ("plan", "-vv", "--format", "json", "--allow", "updates,deletes,empty"),
    ("check", "-vv", "--live", "--format", "sarif"),
    ("freeze", "-vv"),
    ("explain", "-vv", "shop"),
    ("sources", "-vv"),
)


@pytest.fixture
def proxy(empty_consul: ConsulAgent) -> Iterator[WireProxy]:
    empty_consul.catalog_register("n", "shop-v1", port=80, node_address="10.0.0.1", meta={"owner": "us"})
    started = WireProxy(empty_consul.port)
    yield started
    started.close()


def configure(folder: Path, address: str, token: Any, **more: Any) -> None:
    source = {"type": "consul", "address": address, "token": token, "retries": 0, "timeout": "1s", **more}
    outputs = [{"type": "python", "path": "registry.py"}, {"type": "hiera", "path": "data"}]
    config = {"version": 1, "sources": {"mesh": source}, "outputs": outputs}
    (folder / "frostline.yaml").write_text(json.dumps(config))


def forms(secret: str = CANARY) -> set[bytes]:
    """Every part of the secret that would give it away, as it may be written."""
    written = (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.encode().hex())
    return {form[at : at + SHOWS].encode() for form in written for at in range(len(form) - SHOWS + 1)}


def assert_unsaid(folder: Path, done: Done, *, given_in: tuple[str, ...] = ()) -> None:
    """given_in: the files that the secret was given in."""
    known = forms()
    texts = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in given_in:
            texts[str(path)] = path.read_bytes() + str(path).encode()
    for where, text in texts.items():
        assert not [form for form in known if form in text], (where, text[-2000:])
    assert "Traceback" not in done.stderr, done.stderr


def _says(status: int, body: str = "no", **headers: str) -> Edit:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda reply: Reply(status, more or reply.headers, body.encode())


def _header(suffix: str, value: str) -> Edit:
    return lambda reply: reply.with_header(suffix, value)


REFLECTED = {
    "a refusal": _says(403, f"token {CANARY} is not known"),
    "a refusal that is cut": _says(403, "x" * 190 + CANARY),
    "a redirect": _says(301, Location=f"http://elsewhere/?token={quote(CANARY)}"),
    "a long redirect": _says(301, Location="http://" + "e" * 185 + CANARY),
    "an error": _says(500, json.dumps({"error": CANARY})),
    "no JSON": _says(200, CANARY),
    "another shape": _says(200, json.dumps([{CANARY: CANARY}])),
    "another shape within": _says(200, json.dumps({"Datacenter": 7, "Config": {"Datacenter": [CANARY]}})),
    "an index": _header("-index", CANARY),
    "an index that is cut": _header("-index", "0" * 20 + CANARY),
    "an age": _header("-lastcontact", "9" * 12 + CANARY),
    "a leader": _header("-knownleader", CANARY),
}


@pytest.mark.parametrize("given", ["env", "file"])
def test_a_reflected_token_is_said_by_no_command(
    proxy: WireProxy, folder: Path, warm: Warm, full: bool, figures: Callable[..., None], given: str
) -> None:
    (folder / "token").write_text(CANARY + "\n")
    configure(folder, proxy.address, {"env": "CANARY"} if given == "env" else {"file": "token"})
    env = {"CANARY": CANARY} if given == "env" else {}
    warm.learn("plan", "--offline", cwd=folder)
    statuses: dict[int, int] = {}
    for number, (name, edit) in enumerate(REFLECTED.items()):
        for command in COMMANDS if full else (COMMANDS[number % len(COMMANDS)],):
            for target in (None, "/v1/catalog/services?dc=dc1&consistent=1") if full else (None,):
                proxy.renew(Aim(Fault(name, edit), target))
                done = warm.run(*command, cwd=folder, env=env)
                assert done.status in (1, 2, 3), (name, done)
                assert_unsaid(folder, done, given_in=("token",))
                statuses[done.status] = statuses.get(done.status, 0) + 1
    assert statuses[3]
    figures("secrets", runs=sum(statuses.values()), leaks=0, **{f"status {key}": n for key, n in statuses.items()})


def test_no_exit_status_says_the_token(
    proxy: WireProxy, folder: Path, warm: Warm, figures: Callable[..., None]
) -> None:
    env = {"CANARY": CANARY}
    seen = []

    def run(status: int, *arguments: str, **more: Any) -> None:
        done = warm.run(*arguments, "-vv", cwd=folder, env=more.get("env", env))
        assert done.status == status, done
        assert_unsaid(folder, done)
        seen.append(status)

    configure(folder, proxy.address, {"env": "CANARY"})
    proxy.aim = Aim(Fault("acl", _accepts), "/v1/acl/token/self")
    run(1, "plan")
    run(0, "compile")
    run(0, "check", "--live")
    run(2, "compile", env={})
    (folder / "registry.py").unlink()
    (folder / "registry.py").symlink_to("elsewhere")
    run(5, "compile")
    (folder / "registry.py").unlink()
    (folder / "registry.py").write_text("edited")
    run(4, "compile")
    run(4, "plan")
    proxy.renew(Aim(FAULTS["silence"]))
    run(3, "compile")
    for program, status in ((CRASH, 70), (FROZEN_CRASH, 70)):
        proxy.renew(Aim(Fault("acl", _accepts), "/v1/acl/token/self"))
        done = by_program(program, folder)
        assert done.status == status, done
        assert_unsaid(folder, done)
        seen.append(status)
    proxy.renew(Aim(FAULTS["silence"]))
    done = interrupted(folder)
    assert done.status == 130, done
    assert_unsaid(folder, done)
    seen.append(130)
    assert set(seen) == {0, 1, 2, 3, 4, 5, 70, 130}
    figures("secrets", leaks=0, runs=len(seen), exit_statuses=len(set(seen)))


def _accepts(_: Reply) -> Reply:
    return Reply(200, (), b'{"AccessorID": "11111111-0000-0000-0000-000000000000"}')


# A bug where the token is at hand, with the token in the exception's text.
CRASH = """
from frostline.sources.http.connection import Connection
def exchange(self, target, headers, expires):
    raise RuntimeError(f"unexpected {headers} {target}")
Connection.exchange = exchange
"""
# A bug in another thread's frame, and one that a library's own exception tells of.
FROZEN_CRASH = """
from frostline.sources.http.transport import Transport
def get(self, target, headers=None):
    raise KeyError(self._secret.reveal(), self._secret, headers)
Transport.get = get
"""
RUN = "\nimport sys\nfrom frostline.cli.main import run\nsys.exit(run(['compile', '-vv']))\n"


def by_program(program: str, folder: Path) -> Done:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program + RUN],
        cwd=folder,
        env={"CANARY": CANARY},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def interrupted(folder: Path) -> Done:
    process = subprocess.Popen(
        [sys.executable, "-m", "frostline", "compile", "-vv"],
        cwd=folder,
        env={"CANARY": CANARY},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    return Done(process.returncode, stdout, stderr)


@pytest.mark.parametrize(
    "source",
    [
        {"token": CANARY},
        {"token": [CANARY]},
        {"token": {CANARY: "env"}},
        {"token": {"env": "CANARY", "value": CANARY}},
        {"token": {"value": CANARY}},
        {"token": {"file": "token", "env": "CANARY"}},
        {"token": None, "address": f"http://user:{quote(CANARY, safe='')}@127.0.0.1:1"},
        {"token": None, "address": f"https://user:{quote(CANARY, safe='')}@[::1"},
        {"token": None, "address": "https://127.0.0.1:1", "tls": {"ca_file": "token"}},
        {"token": None, "address": "https://127.0.0.1:1", "tls": {"cert_file": "token", "key_file": "token"}},
        {"token": {"env": "CANARY"}, "address": "https://127.0.0.1:1", "tls": {"ca_file": "missing"}},
        {"token": {"file": "spoilt"}},
    ],
)
def test_what_is_wrong_with_a_secret_is_said_without_it(
    folder: Path, warm: Warm, figures: Callable[..., None], source: dict[str, Any]
) -> None:
    (folder / "token").write_text(CANARY)
    (folder / "spoilt").write_text(f"{CANARY}\n{CANARY}\x00")
    config = {"version": 1, "sources": {"mesh": {"type": "consul", "address": "http://127.0.0.1:1", **source}}}
    if source["token"] is None:
        del config["sources"]["mesh"]["token"]  # type: ignore[index]
    (folder / "frostline.yaml").write_text(json.dumps(config, indent=1))
    for command in COMMANDS:
        done = warm.run(*command, cwd=folder, env={"CANARY": CANARY})
        assert done.status == 2, done
        assert_unsaid(folder, done, given_in=("token", "spoilt", "frostline.yaml"))
    figures("secrets", runs=len(COMMANDS), leaks=0)
