"""Fill a Consul with a fleet, by transactions: `python tests/servers/fill_consul.py PORT [NODES SERVICES INSTANCES]`.

Every instance and every node has a check, as agents register them; tags and meta are as long as real ones. The agent
needs `limits { http_max_conns_per_client = 1000 }` if many clients read it afterwards.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

MOST_OPERATIONS = 64
"""Operations in one transaction (Consul's own limit)."""

_WRITERS = 4


def operations(nodes: int, services: int, instances: int) -> Iterator[dict[str, Any]]:
    """Yield the operations that register the fleet. The instances of a service are on nodes far from each other."""
    for number in range(nodes):
        name = f"node-{number:05}"
        node = {"Node": name, "Address": _address(number), "Meta": {"rack": f"r{number % 40}"}}
        yield {"Node": {"Verb": "set", "Node": node}}
        # Not serfHealth: the leader removes nodes that have this check, but are not members of the cluster.
        check = {"Node": name, "CheckID": "node-alive", "Name": "Node Health Status", "Status": "passing"}
        yield {"Check": {"Verb": "set", "Check": {**check, "Output": "Agent alive and reachable"}}}
    for number in range(instances):
        node = (number % nodes + number // nodes * 13) % nodes
        service = f"service-{number % services:05}-v{number % services % 3 + 1}"
        registered = _service(number, service, node)
        yield {"Service": {"Verb": "set", "Node": f"node-{node:05}", "Service": registered}}
        check = {"Node": f"node-{node:05}", "CheckID": f"service:{registered['ID']}", "ServiceID": registered["ID"]}
        output = "HTTP GET http://127.0.0.1/health: 200 OK Output: ok"
        yield {"Check": {"Verb": "set", "Check": {**check, "Name": "health", "Status": "passing", "Output": output}}}


def _service(number: int, name: str, node: int) -> dict[str, Any]:
    return {
        "ID": f"{name}-{number:06}",
        "Service": name,
        "Address": _address(node),
        "Port": 20_000 + number % 10_000,
        "Tags": ["api", f"team-{number % 50}"],
        "Meta": {"owner": f"team-{number % 50}", "tier": "front"},
        "Weights": {"Passing": 1, "Warning": 1},
    }


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _batches(operations: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(operations, MOST_OPERATIONS)):
        yield batch


def fill(port: int, nodes: int, services: int, instances: int) -> None:
    """Register the fleet with the Consul on 127.0.0.1:PORT. RuntimeError: it refused something."""
    parts = [json.dumps(batch).encode() for batch in _batches(operations(nodes, services, instances))]
    write = partial(_write, port)
    # Nodes before services: a transaction that names an unknown node is refused.
    first = nodes * 2 // MOST_OPERATIONS + 1
    write(parts[:first])
    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, [parts[first + writer :: _WRITERS] for writer in range(_WRITERS)]))


def move(port: int, to: int) -> None:
    """Register the fleet's first instance again, with the port 10,000 + `to`."""
    moved = {**_service(0, "service-00000-v1", 0), "Port": 10_000 + to}
    _write(port, [json.dumps([{"Service": {"Verb": "set", "Node": "node-00000", "Service": moved}}]).encode()])


def _write(port: int, transactions: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in transactions:
        connection.request("PUT", "/v1/txn", body)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"PUT /v1/txn: {response.status} {answer[:200]!r}")
    connection.close()


if __name__ == "__main__":
    fill(int(sys.argv[1]), *([int(number) for number in sys.argv[2:]] or [10_000, 10_000, 170_000]))
