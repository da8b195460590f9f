"""The sample's router in the real nginx: calls reach the right instance, and no name becomes syntax."""

from __future__ import annotations

import json
import random
import runpy
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from consul_agent import ConsulAgent
from loopback_http import LoopbackHTTPServer

from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.template.output import render
from frostline.settings import OutputSettings
from frostline.text import display_path
from frostline.text import quote as quote_name

ROUTER = Path(__file__).parents[2] / "samples" / "router" / "router.conf.j2"

PUNCTUATION = "!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~"
HOSTILE = [
    *(f"a{mark}b" for mark in PUNCTUATION),
    *(mark for mark in PUNCTUATION if mark != "."),
    *(f"a{mark}" for mark in PUNCTUATION),
    "a b",
    " ",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\x1bb\x7f",
    "a\x85b\u2028c",
    "a; } location / { return 200; } #",
    "a/b",
    "/",
    "/etc/passwd",
    "a//b/",
    "http://a/",
    '"; return 200; #',
    "\\",
    "\\\\",
    '\\"',
    "\\n",
    "$host",
    "${host}",
    "$1",
    "{{ digest }}",
    "{% raw %}",
    "%{facts}",
    "%2e%2e",
    "%2F",
    "...",
    "é",
    "e\u0301",
    "😀",
    "\u202eabc",
    "Payments",
    "PAYMENTS",
    "~payments",
    "= payments",
    "@payments",
    "n" * 200,
    "é" * 122,
]


class Backend(BaseHTTPRequestHandler):
    """Answers every call with the server's own port, the path and the host that it was called with."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = {"port": self.server.server_port, "path": self.path, "host": self.headers["Host"]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def backends() -> Iterator[tuple[int, int]]:
    """The ports of two small HTTP servers on loopback."""
    servers = [LoopbackHTTPServer(("127.0.0.1", 0), Backend) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    yield servers[0].server_port, servers[1].server_port
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def entry(*endpoints: tuple[int, int], address: str = "127.0.0.1") -> Entry:
    """A (service, version) with an endpoint for each (port, weight)."""
    made = tuple(
        Endpoint(url=f"http://{address}:{port}", address=address, port=port, weight=weight, source="mesh")
        for port, weight in endpoints
    )
    return Entry(url=made[0].url if made else None, endpoints=made, sources=("mesh",))


def written(registry: Registry, template: Path = ROUTER) -> str:
    settings = OutputSettings(
        name="router",
        type="template",
        path=Path("/etc/nginx/router.conf"),
        origin=FileOrigin("frostline.yaml"),
        options={"template": template},
    )
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    (artifact,) = render(view, settings).artifacts
    return b"".join(artifact.chunks).decode()


@pytest.fixture
def router(nginx: Callable[[str], str]) -> Callable[[dict[Key, Entry]], str]:
    """`router(entries)`: the address of an nginx that routes to them."""

    def start(entries: dict[Key, Entry]) -> str:
        text = written(registry_of(entries))
        assert text.count("listen 80;") == 1
        return nginx(text.replace("listen 80;", "listen 127.0.0.1:@PORT@;"))

    return start


def called(url: str) -> dict[str, object]:
    with urlopen(Request(url), timeout=10) as answer:
        said: dict[str, object] = json.load(answer)
        return said


def status(url: str) -> int:
    with pytest.raises(HTTPError) as caught:
        called(url)
    caught.value.close()
    return caught.value.code


def test_an_instance_is_called_without_the_prefix(
    router: Callable[[dict[Key, Entry]], str], backends: tuple[int, int]
) -> None:
    one, other = backends
    address = router({("payments", "v1"): entry((one, 1)), ("payments", None): entry((other, 1))})
    said = called(f"{address}/payments-v1/v1/items/7?q=a%20b&r=%2F")
    assert said == {"port": one, "path": "/v1/items/7?q=a%20b&r=%2F", "host": address.removeprefix("http://")}
    assert called(f"{address}/payments/items//x%3Fy")["path"] == "/items//x%3Fy"
    assert called(f"{address}/payments/")["port"] == other


def test_instances_are_called_by_weight_and_never_with_weight_0(
    router: Callable[[dict[Key, Entry]], str], backends: tuple[int, int]
) -> None:
    light, heavy = backends
    address = router(
        {("payments", "v1"): entry((light, 1), (heavy, 4)), ("ledger", "v1"): entry((light, 0), (heavy, 1))}
    )
    calls = Counter(called(f"{address}/payments-v1/v1/x")["port"] for _ in range(50))
    assert calls[heavy] > calls[light] > 0
    assert {called(f"{address}/ledger-v1/v1/x")["port"] for _ in range(20)} == {heavy}


def test_the_sample_compiles_from_consul_and_calls_go_through(
    empty_consul: ConsulAgent,
    run_frostline: Callable[..., subprocess.CompletedProcess[str]],
    nginx: Callable[[str], str],
    backends: tuple[int, int],
    tmp_path: Path,
) -> None:
    empty_consul.register("payments-v1", address="127.0.0.1", port=backends[0])
    empty_consul.register("it's $1; }", address="127.0.0.1", port=backends[1])
    empty_consul.register("ledger", port=1, status="critical")
    for name in ("frostline.yaml", "router.conf.j2"):
        shutil.copy(ROUTER.parent / name, tmp_path)
    done = run_frostline("compile", cwd=tmp_path, env={"CONSUL_HTTP_ADDR": empty_consul.address})
    assert done.returncode == 0, done.stderr

    urls = runpy.run_path(str(tmp_path / "app" / "registry.py"))["ENDPOINTS"]
    text = (tmp_path / "nginx" / "router.conf").read_text()
    address = nginx(text.replace("listen 80;", "listen 127.0.0.1:@PORT@;"))
    payments = urls["payments", "v1"].replace("http://router", address)
    assert (called(f"{payments}/x")["port"], called(f"{payments}/x")["path"]) == (backends[0], "/v1/x")
    strange = urls["it's $1; }", None].replace("http://router", address)
    assert (called(f"{strange}/x")["port"], called(f"{strange}/x")["path"]) == (backends[1], "/x")
    assert status(f"{address}/ledger/x") == 502


def test_502_where_no_instance_passes(router: Callable[[dict[Key, Entry]], str], backends: tuple[int, int]) -> None:
    address = router({("ledger", None): entry(), ("payments", "v1"): entry((backends[0], 0))})
    assert status(f"{address}/ledger/x") == 502
    assert status(f"{address}/payments-v1/v1/x") == 502
    assert status(f"{address}/unknown/x") == 404
    assert status(f"{address}/") == 404


def test_any_name_is_a_location_of_its_own(
    router: Callable[[dict[Key, Entry]], str], backends: tuple[int, int]
) -> None:
    one, other = backends
    names = dict.fromkeys(HOSTILE)
    ports = {name: (one, other)[index % 2] for index, name in enumerate(names)}
    address = router(
        {(name, "v1"): entry((ports[name], 1)) for name in names}
        | {(name, None): entry((ports[name], 1)) for name in names}
        | {("payments", name): entry((ports[name], 1)) for name in names}
    )
    for name, port in ports.items():
        for segment in (f"{name}-v1", name, f"payments-{name}"):
            said = called(f"{address}/{quote(segment, safe='')}/v1/x")
            assert (said["port"], said["path"]) == (port, "/v1/x"), segment


@pytest.mark.parametrize("name", ["../..", ".", "..", "a/../b", "a/.", "a\0b", "n" * 254, "n" * 4096, "é" * 127])
def test_a_name_that_no_path_can_hold_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        written(registry_of({(name, None): entry()}))
    assert caught.value.message.startswith(f"the output `router`: service {quote_name(name)}: ")
    assert caught.value.origin == FileOrigin(display_path(ROUTER), caught.value.origin.line)


@pytest.mark.parametrize("name", ["payments-v1/x", "payments-v1/", "ledger/a/b"])
def test_a_name_that_would_take_paths_of_another_is_refused(name: str) -> None:
    entries: dict[Key, Entry] = {("payments", "v1"): entry(), ("ledger/a", None): entry(), (name, None): entry()}
    with pytest.raises(UsageError, match=r"would take paths of '(payments-v1|ledger/a)'"):
        written(registry_of(entries))


@pytest.mark.parametrize(
    "address", ["10.0.0.1; }", 'a"b', "$host", "unix:/run/docker.sock", "a b", "10.0.0.1\n", "[::1", "../x", ""]
)
def test_an_address_that_is_none_stays_one_parameter(address: str, nginx: Callable[[str], str]) -> None:
    text = written(registry_of({("payments", "v1"): entry((1, 1), address=address)}))
    with pytest.raises(Exception, match=r"in upstream|invalid|no host|host not found") as caught:
        nginx(text.replace("listen 80;", "listen 127.0.0.1:@PORT@;"))
    assert type(caught.value).__name__ == "RefusedConfigurationError"


def test_addresses_of_ipv6_and_large_weights_are_taken(
    router: Callable[[dict[Key, Entry]], str],
) -> None:
    assert router({("payments", "v1"): entry((1, 2**31), address="::1"), ("a", None): entry((0, 1))})


def test_what_the_nginx_filter_quotes_comes_out_of_nginx_unchanged(nginx: Callable[[str], str], tmp_path: Path) -> None:
    chance = random.Random(1)
    alphabet = "\"'\\$;{}#% \n\r\tntr0aé😀\x01\x7f"
    values = [
        *HOSTILE,
        *map(chr, range(1, 0x180)),
        *("".join(chance.choices(alphabet, k=chance.randint(2, 12))) for _ in range(300)),
    ]
    names = dict.fromkeys(values)
    template = tmp_path / "echo.j2"
    template.write_text(
        'geo $dollar { default "$"; }\nserver { listen 127.0.0.1:@PORT@;\n{% for service in services %}'
        'location = /{{ loop.index0 }} { return 200 {{ service.name | nginx(dollar="${dollar}") }}; }\n{% endfor %}}\n'
    )
    registry = registry_of({(name, None): entry() for name in names})
    address = nginx(written(registry, template))
    for index, name in enumerate(registry.services):
        with urlopen(f"{address}/{index}", timeout=10) as answer:
            assert answer.read().decode() == name
