"""A catalog that is as odd as a Consul's may be, frozen: a lock that the outputs are compiled from, with no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loopback import LoopbackServer

from frostline.lock.codec import lock_chunks, lock_of
from frostline.model import Declared, Instance, Snapshot
from frostline.outputs.template.names import Names
from frostline.pipeline.freeze.live import settings_digests
from frostline.pipeline.load.config import load_config

HOSTILE = (
    '"', "'", 'it"s', "it's", "back\\slash", "ends\\", "{{ 7*7 }}", "{% raw %}", "{{ env `HOME` }}",
    '{{ env "HOME" }}', "${user.home}", "${HOME}", "$HOME", "$X", "$(id)", "`id`", "%{facts}", "%{HOST}",
    "%[env(HOME)]", "%s", "#{x}", "#hash", "a #hash", "semi;colon", "a; return 200; #", "two\nlines",
    "a\n- b: c", "tab\tstop", "carriage\rreturn", "a b", " padded ", "]]>", "</script>", "<!--", "&amp;", "日本語",
    "é", "e\u0301", "😀", "\u202eabc", "a\x85b", "a\u2028b", "a,b", ",", "a=b", "a/b", "/", "..",
    "../../etc/passwd", "-rf", "--", "*", "?", "[a]", "!x", "&a", "*a", "@x", "a|b", "UPPER", "upper", "no",
    "null", "~", "0", "1e3", "007", "1:30", "a.b", "a_b", "a-b", "a:b", "_", "under_score", "127.0.0.1",
    "localhost", "default", "default_server", "unix:/run/x", "constructor", "x" * 300,
)  # fmt: skip
"""Names, tags and values of meta. No two are equal, and none has a version in it."""

PLAIN = ("payments-v1", "payments-v2", "weights-v1", "ledger", "mail", "many", "empty-v1")
"""The other names that are registered."""


def odd_instances(servers: Sequence[LoopbackServer], names: Iterable[str] = HOSTILE) -> tuple[Instance, ...]:
    """What is registered in `dc1`. servers: at least three on IPv4 and, last, one on IPv6.

    Each hostile name is a service at `server_of(name, servers)`, which also has it as id, tag and value of meta.
    payments-v1 has one id on two nodes, payments-v2 another server; weights-v1 the weights 0, 65,535 and 1; ledger is
    at IPv6; mail is `localhost`, a name; many has 1,000 endpoints that nobody answers.
    """
    first, second, third, *_, six = servers
    return (
        *(
            _instance(server_of(name, servers), service=name, id=name, tags=(name, "web"), meta={"owner": name})
            for name in names
        ),
        _instance(first, service="payments-v1", node="n1", id="payments", tags=("api", "primary"), meta={"tier": "a"}),
        _instance(second, service="payments-v1", node="n2", id="payments", tags=("api",), meta={"tier": "b"}),
        _instance(third, service="payments-v2", id="payments-v2"),
        _instance(first, service="weights-v1", id="w0", weight=0),
        _instance(second, service="weights-v1", id="w65535", weight=65535),
        _instance(third, service="weights-v1", id="w1", weight=1),
        _instance(six, service="ledger", id="ledger"),
        Instance(service="mail", node="n1", id="mail", address="localhost", port=first.port),
        *(
            Instance(service="many", node=f"n{n}", id="many", address=f"127.1.{n // 250}.{n % 250 + 1}", port=9)
            for n in range(1000)
        ),
    )


def server_of(name: str, servers: Sequence[LoopbackServer]) -> LoopbackServer:
    """The server at which a hostile name is registered."""
    return servers[HOSTILE.index(name) % len(servers)]


def _instance(server: LoopbackServer, node: str = "n1", **fields: Any) -> Instance:
    return Instance(node=node, address=server.address, port=server.port, **fields)


def freeze_catalog(
    folder: Path,
    outputs: Sequence[Mapping[str, Any]],
    instances: Iterable[Instance],
    declared: Iterable[str] = ("empty-v1",),
    **config: Any,
) -> None:
    """Writes a project into this folder: frostline.yaml with these outputs, and a lock that holds these instances.

    declared: names of services that have no endpoint. config: more keys of frostline.yaml.
    """
    source = {"type": "consul", "datacenters": ["dc1"], "address": "http://127.0.0.1:1"}
    values = {"version": 1, "sources": {"mesh": source}, "outputs": list(outputs), **config}
    path = folder / "frostline.yaml"
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
    snapshot = Snapshot(
        source="mesh",
        datacenter="dc1",
        namespace="default",
        settings=settings_digests(load_config(path))["mesh"],
        shaped_by={"datacenters": ["dc1"]},
        instances=tuple(sorted(instances, key=Instance.sort_key)),
        declared=tuple(Declared(service=name) for name in sorted(declared)),
    )
    (folder / "frostline.lock").write_bytes(b"".join(lock_chunks(lock_of([snapshot]).snapshots)))


def names_of(place: str, names: Sequence[str] = HOSTILE) -> tuple[str, ...]:
    """These names, but of those that become one name in this place of the filter `name`, the first alone."""
    made = {Names().name(name, place): name for name in (*reversed(names), *PLAIN)}
    return tuple(name for name in names if made[Names().name(name, place)] == name)
