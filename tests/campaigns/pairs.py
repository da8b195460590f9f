"""A writer that moves pairs of services which must always agree, each pair in one transaction of Consul's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

PAIRS = 6
NODES = 3

WRITER = r"""
import http.client, json, sys, time
port, pairs, nodes = map(int, sys.argv[1:4])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

def send(path, value):
    connection.request("PUT", path, json.dumps(value))
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body

def service(verb, name, generation):
    node = f"n{generation % nodes}"
    fit = {"ID": name, "Service": name, "Port": 1 + generation % 60000, "Meta": {"generation": str(generation)}}
    return {"Service": {"Verb": verb, "Node": node, "Service": fit}}

def move(pair, generation):
    # Both leave their node for the next one, and say so of each other.
    operations = []
    for side in ("left", "right"):
        name = f"{side}{pair}-v1"
        operations.append(service("set", name, generation))
        if generation:
            operations.append(service("delete", name, generation - 1))
    send("/v1/txn", operations)

for node in range(nodes):
    send("/v1/catalog/register", {"Node": f"n{node}", "Address": f"10.0.0.{node}"})
for pair in range(pairs):
    move(pair, 0)
print("ready", flush=True)
generation = 0
# Each line asks for writes with this pause, until the next one; an empty one for rest.
import select
pause = None
while True:
    if select.select([sys.stdin], [], [], 0 if pause is not None else None)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        pause = float(line) if line.strip() else None
        print(generation, flush=True)
        continue
    generation += 1
    for pair in range(pairs):
        move(pair, generation)
        time.sleep(pause)
"""


class Writer:
    """The writer before the agent on this port; it rests at first."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-c", WRITER, str(port), str(PAIRS), str(NODES)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said()

    def pace(self, pause: float | None) -> int:
        """Writes with this pause (seconds) from here on, None: rests. How often it has moved all pairs."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n" if pause is None else f"{pause}\n")
        self._process.stdin.flush()
        return int(self._said())

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def is_torn(found: Iterable[tuple[str, str]]) -> bool:
    """Whether these instances (service, generation) are of no one moment: not each service once, or a pair apart."""
    seen: dict[str, list[str]] = {}
    for service, generation in found:
        seen.setdefault(service, []).append(generation)
    for pair in range(PAIRS):
        left, right = (seen.get(f"{side}{pair}-v1", []) for side in ("left", "right"))
        if left != right or len(left) != 1:
            return True
    return False
