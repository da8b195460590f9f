"""10,000 nodes, 10,000 services and 170,000 instances in a real Consul: compiled, against what consul-template needs to
print them and against a bare reader of the same requests, in the same rounds.

Each command runs twice in a row, and the two count as one: about every other reading of the whole catalog makes the
server's garbage collector walk through all that it holds, which takes it as much CPU as the reading. Memory is that
of all processes of a command together, in a run of its own.

consul-template is taken from $CONSUL_TEMPLATE or PATH (`go install github.com/hashicorp/consul-template@latest`);
without it that line is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from measured import FROSTLINE, Took, mean, most_memory, run, show, show_ratio

SERVERS = Path(__file__).resolve().parents[1] / "servers"
sys.path.insert(0, str(SERVERS))

from consul_agent import ConsulAgent  # noqa: E402
from fill_consul import fill, move  # noqa: E402

ROUNDS = int(os.environ.get("FROSTLINE_ROUNDS", "3"))
SIZE = (10_000, 10_000, 170_000)
TEMPLATE = "{{range services}}{{range service .Name}}{{.Name}} {{.Address}}:{{.Port}}\n{{end}}{{end}}"
FEW = "service-000[0-9][0-9]-v?"

# The requests of a freeze, in its order, by http.client on 8 threads; what comes is thrown away.
BARE = """
import http.client, sys, threading
from collections import deque
from urllib.parse import quote

port, names = int(sys.argv[1]), sys.argv[2:]
mode = "?consistent=1&dc=dc1"
filtered = "&filter=" + quote('Node==""')

def read(paths, body=False):
    waiting, found = deque(paths), []
    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            try:
                path = waiting.popleft()
            except IndexError:
                return
            connection.request("GET", path)
            response = connection.getresponse()
            if body:
                found.append(response.read())
            else:
                while response.read(1 << 20):
                    pass
    threads = [threading.Thread(target=work) for _ in range(min(8, len(waiting)))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return found

read(["/v1/agent/self"])
read([f"/v1/catalog/services{mode}&node-meta=frostline-none:none"])
read([f"/v1/catalog/services{mode}"])
if names:
    read([f"/v1/health/service/{name}{mode}" for name in names])
    read([f"/v1/catalog/services{mode}&node-meta=frostline-none:none"])
    read([f"/v1/catalog/services{mode}"])
    read([f"/v1/health/service/{name}{mode}" for name in names])
else:
    read([f"/v1/catalog/nodes{mode}", f"/v1/health/state/any{mode}&filter=" + quote('Status!="passing"')])
    read([f"/v1/catalog/node-services/node-{number:05}{mode}" for number in range(10_000)])
    read([f"/v1/catalog/services{mode}&node-meta=frostline-none:none", f"/v1/catalog/nodes{mode}{filtered}",
          f"/v1/health/state/any{mode}{filtered}"])
"""
# What a freeze does until it has its answer, and nothing after it.
FETCH = """
import gc
from pathlib import Path
from frostline.pipeline.load.config import load_config
from frostline.sources.consul import source as consul

gc.set_threshold(1_000_000, 10, 10)
consul.read(load_config(Path("frostline.yaml")).sources["mesh"])
"""


def configure(folder: Path, port: int, **select: object) -> Path:
    """A project that compiles this Consul into Python, YAML and Hiera."""
    folder.mkdir()
    outputs = [
        {"type": "python", "path": "registry.py"},
        {"type": "yaml", "path": "services.yaml"},
        {"type": "hiera", "path": "data", "format": "json"},
    ]
    source = {"type": "consul", "address": f"http://127.0.0.1:{port}", **({"select": select} if select else {})}
    config = {"version": 1, "sources": {"mesh": source}, "outputs": outputs}
    (folder / "frostline.yaml").write_text(json.dumps(config))
    return folder


def emptied(folder: Path) -> None:
    """Removes all but the configuration."""
    for path in folder.iterdir():
        if path.name != "frostline.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def consul_template() -> str | None:
    return os.environ.get("CONSUL_TEMPLATE") or shutil.which("consul-template")


def measure(folder: Path, port: int) -> dict[str, list[Took]]:
    whole = configure(folder / "whole", port)
    few = configure(folder / "few", port, services=[FEW])
    names = [f"service-{number:05}-v{number % 3 + 1}" for number in range(100)]
    (folder / "all.ctmpl").write_text(TEMPLATE)
    (folder / "empty").mkdir()
    peer = consul_template()
    took: dict[str, list[Took]] = {}
    moves = count()

    def note(name: str, command: list[str], cwd: Path, prepare: Callable[[], None] = lambda: None) -> None:
        rounds = took.setdefault(name, [])
        prepare()
        memory = rounds[0].memory if rounds else most_memory(command, cwd)
        both = []
        for _ in range(2):
            prepare()
            both.append(run(command, cwd))
        rounds.append(mean(both)._replace(memory=memory))

    for _ in range(ROUNDS):
        if peer:
            template = f"-template={folder / 'all.ctmpl'}:{folder / 'all.out'}"
            note("consul-template", [peer, f"-consul-addr=127.0.0.1:{port}", "-once", template], folder)
        note("compile", [*FROSTLINE, "compile"], whole, partial(emptied, whole))
        note("compile, one instance moved", [*FROSTLINE, "compile"], whole, lambda: move(port, next(moves)))
        note("compile, nothing changed", [*FROSTLINE, "compile"], whole)
        note("compile --offline", [*FROSTLINE, "compile", "--offline"], whole)
        note("check", [*FROSTLINE, "check"], whole)
        note("bare reader", [sys.executable, "-c", BARE, str(port)], folder)
        note("fetch alone", [sys.executable, "-c", FETCH], whole)
        note("bare reader of 100 services", [sys.executable, "-c", BARE, str(port), *names], folder)
        note("compile of 100 services", [*FROSTLINE, "compile"], few, partial(emptied, few))
        note("start-up", [*FROSTLINE, "schema", "config"], folder)
    return took


def main() -> None:
    binary = subprocess.run(
        [str(SERVERS / "install.sh"), "consul-1.8"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        limits = {"limits": {"http_max_conns_per_client": 1000}}
        agent = ConsulAgent(binary, folder / "agent", config=limits)
        try:
            fill(agent.port, *SIZE)
            took = measure(folder, agent.port)
        finally:
            agent.stop()
    for name, rounds in took.items():
        show(name, rounds)
    print()
    moved = "compile, one instance moved"
    if "consul-template" in took:
        for name in ("compile", moved):
            show_ratio(f"{name} / consul-template", took[name], took["consul-template"])
    show_ratio("fetch alone / bare reader", took["fetch alone"], took["bare reader"])
    for name in ("compile, nothing changed", "compile --offline", "check"):
        show_ratio(f"{name} / compile", took[name], took["compile"])
    show_ratio(f"compile, nothing changed / {moved}", took["compile, nothing changed"], took[moved])
    pairs = zip(took["bare reader of 100 services"], took["start-up"], strict=True)
    both = [Took(bare.wall + start.wall, bare.cpu + start.cpu, bare.memory + start.memory) for bare, start in pairs]
    show_ratio("100 services / reader and start-up", took["compile of 100 services"], both)


if __name__ == "__main__":
    main()
