"""The programs of samples/from-blacksmith: what they reached through Consul, they reach from the frozen registry.

Real clients of blacksmith, real HTTP and mail servers, and a real Consul that blacksmith's own discovery asks.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from shutil import copytree
from threading import Thread
from typing import Any

import blacksmith.domain.registry as clients_module
import httpx
import pytest
from blacksmith import SyncConsulDiscovery, SyncNomadDiscovery, SyncRouterDiscovery
from blacksmith.domain.exceptions import UnregisteredServiceException
from blacksmith.domain.registry import Registry as Clients
from loopback_http import LoopbackHTTPServer
from processes import free_port
from project import Run
from smtp_server import SmtpServer

SAMPLE = Path(__file__).parents[2] / "samples" / "from-blacksmith"
MODULES = ("notify", "invite", "clients", "app", "app.registry", "app.behind_router", "frozen")


class Shop(BaseHTTPRequestHandler):
    """Answers for the users of the shop, behind a router (/user-v1/v1/…) and without one (/v1/…)."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        seen = self.headers.get("Authorization", "")
        body = json.dumps({"mail": f"{name}@shop.example", "seen": seen}).encode()
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class ShopServer(LoopbackHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shop)
        self.paths: list[str] = []
        self._thread = Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.stop()


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.stop()


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Imports of this test alone, and clients that it alone registers."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("clients", "client_service"):
        monkeypatch.setattr(clients_module.registry, name, type(getattr(clients_module.registry, name))())
    clients_module.registry.__init__()  # type: ignore[misc]
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None) -> Path:
    """A copy of the sample without what it has frozen. Its programs can be imported."""
    folder = tmp_path / "shop"
    copytree(SAMPLE, folder)
    for name in ("frostline.lock", "frostline.manifest", "app"):
        path = folder / name
        if path.is_file():
            path.unlink()
    for file in (folder / "app").iterdir():
        file.unlink()
    monkeypatch.syspath_prepend(folder)
    return folder


def compile_sample(folder: Path, consul: Any, run: Callable[..., Run], router: int = 80) -> None:
    config = folder / "frostline.yaml"
    config.write_text(config.read_text().replace("http://router/", f"http://127.0.0.1:{router}/"))
    done = run("compile", cwd=folder, env={"CONSUL_HTTP_ADDR": consul.address})
    assert done.returncode == 0, done.stderr


def registered(consul: Any, shop: ShopServer, smtp: SmtpServer) -> None:
    consul.register("user-v1", address="127.0.0.1", port=shop.server_port, meta={"auth": "user-token"})
    consul.register("notif-v1", address="127.0.0.1", port=shop.server_port)
    consul.register("smtp", address="127.0.0.1", port=smtp.port)


def program(path: Path, *changes: tuple[str, str]) -> dict[str, Any]:
    """The names of a program, after these changes of its text."""
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    names: dict[str, Any] = {"__name__": path.stem}
    exec(compile(text, str(path), "exec"), names)
    return names


@pytest.mark.oldest_consul("what blacksmith asks of it is the same in all versions")
def test_the_programs_reach_the_same_servers_before_and_after(
    empty_consul: Any, sample: Path, shop: ShopServer, smtp: SmtpServer, run_here: Callable[..., Run]
) -> None:
    registered(empty_consul, shop, smtp)
    compile_sample(sample, empty_consul, run_here, router=shop.server_port)
    consul = f'"{empty_consul.address}/v1"'
    before = program(sample / "before/notify.py", ("AsyncConsulDiscovery()", f"AsyncConsulDiscovery({consul})"))
    assert asyncio.run(before["notify"]("ada", "hello")) == "ada@shop.example"
    routed = f'SyncRouterDiscovery("http://127.0.0.1:{shop.server_port}/{{service}}-{{version}}/{{version}}")'
    changes = ("SyncRouterDiscovery()", routed), ("SyncConsulDiscovery()", f"SyncConsulDiscovery({consul})")
    assert program(sample / "before/invite.py", *changes)["invite"]("bob") == "bob@shop.example"
    live = [*shop.paths], [*smtp.recipients]

    assert asyncio.run(program(sample / "notify.py")["notify"]("ada", "hello")) == "ada@shop.example"
    assert program(sample / "invite.py")["invite"]("bob") == "bob@shop.example"
    assert (shop.paths, smtp.recipients) == (live[0] * 2, live[1] * 2)
    assert live == (["/v1/people/ada", "/user-v1/v1/people/bob"], ["ada@shop.example", "bob@shop.example"])


def test_one_import_and_one_line_are_all_that_changes() -> None:
    for name in ("notify.py", "invite.py"):
        before, after = ((SAMPLE / part / name).read_text().splitlines() for part in ("before", "."))
        changed = [line for line, old in zip(after, before, strict=True) if line != old]
        assert [line.split()[0] for line in changed] == ["from", "sd"]


@pytest.mark.oldest_consul("what blacksmith asks of it is the same in all versions")
def test_calls_recover_from_an_instance_that_is_down_as_live_ones_do(
    empty_consul: Any, sample: Path, shop: ShopServer, smtp: SmtpServer, run_here: Callable[..., Run]
) -> None:
    registered(empty_consul, shop, smtp)
    empty_consul.register("user-v1", id="down", address="127.0.0.1", port=free_port(), meta={"auth": "user-token"})
    compile_sample(sample, empty_consul, run_here)
    random.seed(1)
    token = ('os.environ["USER_TOKEN"]', '"t"')
    consul = f'SyncConsulDiscovery("{empty_consul.address}/v1")'
    live = (
        ("from app.registry import SyncDiscovery", "from blacksmith import SyncConsulDiscovery"),
        ("SyncDiscovery()", consul),
    )
    without = ("    scheme = sd.auth(*service)\n", "    scheme = 'user-token'\n")
    for changes in ((token,), (token, *live, without)):
        names = program(sample / "clients.py", *changes)
        answers = [seen_by_the_shop(names["client_of"]("users"), names["Ask"]) for _ in range(24)]
        assert {*answers} == {"Bearer t", "refused"}
        assert 4 < answers.count("refused") < 20


def seen_by_the_shop(client: Any, ask: Any) -> str:
    """The credentials that a call brings; `refused` where nobody listens."""
    try:
        return str(client.people.get(ask(name="a")).unwrap().seen)
    except httpx.ConnectError:
        return "refused"


NAMES: list[tuple[str, str | None]] = [
    ("user", "v1"),
    ("user", "v2.1"),
    ("smtp", None),
    ("count-api", None),
    ("far", "v1"),
    ("gone", "v1"),
    ("user", None),
    ("user", "v9"),
    ("nobody", None),
]


def answers(discovery: Any, asked: tuple[str, str | None], times: int = 24) -> set[Any]:
    """The URLs that it gives; empty: it does not know the service."""
    try:
        return {discovery.get_endpoint(*asked) for _ in range(times)}
    except UnregisteredServiceException:
        return set()


def frozen_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module("frozen")


CONFIG = """\
sources:
  mesh: {type: consul}
outputs:
  - {type: python, path: frozen.py, blacksmith: true}
"""


@pytest.mark.oldest_consul("what blacksmith asks of it is the same in all versions")
@pytest.mark.usefixtures("fresh")
def test_each_name_is_answered_as_blacksmiths_consul_discovery_does(
    empty_consul: Any, tmp_path: Path, run_here: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        empty_consul.register("user-v1", id=f"u{number}", address=f"10.0.0.{number}", port=80, weights=(number**3, 1))
    empty_consul.register("user-v2.1", address="10.0.0.4", port=81)
    empty_consul.register("smtp", address="mail.example", port=25)
    empty_consul.register("count-api", port=82)
    empty_consul.register("far-v1", id="far", address="10.0.0.6", port=83)
    (tmp_path / "frostline.yaml").write_text(CONFIG)
    done = run_here("compile", cwd=tmp_path, env={"CONSUL_HTTP_ADDR": empty_consul.address})
    assert done.returncode == 0, done.stderr
    frozen = frozen_module(tmp_path, monkeypatch).SyncDiscovery()
    live = SyncConsulDiscovery(f"{empty_consul.address}/v1")
    random.seed(3)
    for asked in NAMES:
        assert answers(frozen, asked, 300) == answers(live, asked), asked
    assert answers(frozen, ("nobody", None)) == set()
    # Its own discovery knows no weights: 27 of 36 calls go to the third instance here, a third of them there.
    counts = Counter(frozen.resolve("user", "v1").address for _ in range(1800))
    assert 1250 < counts["10.0.0.3"] < 1450
    for asked in (("smtp", None), ("user", "v2.1")):
        mine, theirs = frozen.resolve(*asked), live.resolve(*asked)
        assert (mine.address, mine.port) == (theirs.address, theirs.port)
    clients = Clients()
    for name, service, version in (("users", "user", "v1"), ("old", "user", "v9"), ("mail", "smtp", None)):
        clients.register(name, "things", service, version, path="/", contract={})
    assert frozen.check(clients) == ("old",)


JOB = """\
job "shop" {
  group "web" {
    network { mode = "bridge" }
    service {
      name = "shop"
      port = "80"
      connect {
        sidecar_service {
          proxy {
            upstreams {
              destination_name = "user-v1"
              local_bind_port  = 9101
            }
            upstreams {
              destination_name = "smtp"
              local_bind_port  = 9102
            }
            upstreams {
              destination_name = "count-api"
              local_bind_port  = 9103
            }
          }
        }
      }
    }
    task "web" { driver = "docker" }
  }
}
"""


@pytest.mark.usefixtures("fresh")
def test_a_consumer_gets_what_blacksmiths_nomad_and_router_discoveries_say(
    tmp_path: Path, run_here: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    router = (
        '{type: router, url: "http://router/{service}-{version}/{version}", unversioned_url: "http://router/{service}"'
    )
    (tmp_path / "shop.hcl").write_text(JOB)
    (tmp_path / "frostline.yaml").write_text(
        "sources:\n  jobs: {type: jobspec, files: [shop.hcl]}\n"
        f"  edge: {router}, services: {{names: [user/v1, smtp]}}}}\n"
        "outputs:\n"
        "  - {type: python, path: frozen.py, sources: [jobs], consumer: shop/web, blacksmith: true}\n"
        "  - {type: python, path: app.py, sources: [edge], blacksmith: true}\n"
    )
    done = run_here("compile", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name, port in (("user-v1", 9101), ("user_v1", 9101), ("smtp", 9102), ("count_api", 9103)):
        monkeypatch.setenv(f"NOMAD_UPSTREAM_ADDR_{name}", f"127.0.0.1:{port}")
    frozen, nomad = frozen_module(tmp_path, monkeypatch).SyncDiscovery(), SyncNomadDiscovery()
    for asked in (("user", "v1"), ("smtp", None), ("count_api", None), ("user", "v9"), ("nobody", None)):
        assert answers(frozen, asked) == answers(nomad, asked), asked
    assert frozen.get_endpoint("smtp") == nomad.get_endpoint("smtp") == "http://127.0.0.1:9102"
    sys.modules.pop("app", None)
    import app  # type: ignore[import-not-found]

    routed, live = app.SyncDiscovery(), SyncRouterDiscovery()
    for asked in (("user", "v1"), ("smtp", None)):
        assert answers(routed, asked) == answers(live, asked), asked
    assert answers(routed, ("usr", "v1")) == set()
