"""Any string that a server can hold comes back unchanged from every output, and never becomes code, a path or markup.

Two registries: `registered` is read from a real Consul; `frozen` comes from a lock that holds what Consul 1.8.7 refuses
(datacenters, namespaces and meta keys of any characters, meta values of any length).
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from consul_agent import ConsulAgent
from hostile import LONG_TEXTS, LONGEST_META_VALUE, META_KEYS, TEXTS
from processes import start_on_free_ports
from ruamel.yaml import YAML

from frostline.canonical import canonical_line

PATH = "s{service}/n{node}/m{meta[m]}/t{tag[t]}/d{datacenter}/x{namespace}"
FIELDS = "fields: [id, node, namespace]"
FOLDED = {"NO", "No", "TRUE", "Null", "NaN", "1E3"}
"""Services that a folder with a file a service leaves out: where file names ignore case they would be others' files."""

SELECT = json.dumps(["*", *(f"!{name}" for name in sorted(FOLDED))])

CONFIG = f"""\
version: 1
sources:
  mesh:
    type: consul
    datacenters: ["*"]
    version_from: {{meta: version}}
    url: "http://{{address}}:{{port}}/v{{version}}/{PATH}"
    unversioned_url: "http://{{address}}:{{port}}/{PATH}"
outputs:
  - {{type: python, path: python/registry.py}}
  - {{type: yaml, path: services.yaml, {FIELDS}}}
  - {{type: yaml, path: services.json, format: json, {FIELDS}}}
  - {{type: yaml, path: split, split: service, {FIELDS}, select: {SELECT}}}
  - {{type: hiera, path: hiera, layers: [datacenter]}}
  - {{type: hiera, path: hiera-json, format: json}}
"""

_SEGMENT = r"((?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+)"
_URL = re.compile(
    rf"http://(?:{_SEGMENT}|\[([0-9A-Za-z:.]+(?:%25[a-z0-9]+)?)\]):([0-9]+)/(?:v{_SEGMENT}/)?"
    rf"s{_SEGMENT}/n{_SEGMENT}/m{_SEGMENT}/t{_SEGMENT}/d{_SEGMENT}/x{_SEGMENT}"
)

Services = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Instance:
    """What is registered of one instance, and what every output must say of it. of_node: the address is its node's."""

    service: str
    node: str
    id: str
    address: str
    port: int = 80
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    datacenter: str = "dc1"
    namespace: str = "default"
    of_node: bool = False

    @property
    def version(self) -> str | None:
        return self.meta.get("version")

    @property
    def url(self) -> tuple[str, ...]:
        """The parts of its URL, without percent-encoding."""
        tag = next(tag for tag in sorted(self.tags) if tag.startswith("t="))
        parts = (self.service, self.node, self.meta["m"], tag[2:], self.datacenter, self.namespace)
        return (self.address, str(self.port), *([] if self.version is None else [self.version]), *parts)

    def endpoint(self) -> dict[str, Any]:
        """As the registry's formats have it, with the parts of the URL."""
        return {
            "url": self.url,
            "address": self.address,
            "port": self.port,
            "datacenter": self.datacenter,
            "tags": sorted(set(self.tags)),
            "meta": dict(self.meta),
            "weight": 1,
            "id": self.id,
            "node": self.node,
            "namespace": self.namespace,
        }

    @property
    def order(self) -> tuple[Any, ...]:
        rank: tuple[int, bytes] = (2, self.address.encode())
        with suppress(ValueError):
            if "%" not in self.address:
                address = ip_address(self.address)
                rank = (0 if address.version == 4 else 1, address.packed)
        return (self.datacenter, self.namespace, *rank, self.port)


@dataclass(frozen=True)
class Compiled:
    """A folder that was compiled, and what it must hold."""

    folder: Path
    instances: tuple[Instance, ...]

    def services(self, *, fields: bool) -> Services:
        """What a registry must hold, with the parts of URLs in place of them; fields: with id, node, namespace."""
        made: Services = {}
        for instance in sorted(self.instances, key=lambda instance: instance.order):
            endpoint = instance.endpoint()
            if not fields:
                endpoint = {key: value for key, value in endpoint.items() if key not in ("id", "node", "namespace")}
            label = "unversioned" if instance.version is None else instance.version
            entry = made.setdefault(instance.service, {}).setdefault(label, {"endpoints": [], "sources": ["mesh"]})
            entry["endpoints"].append(endpoint)
        return made


def parts(url: str) -> tuple[str, ...]:
    """The parts of a URL that the patterns above made, decoded; it has no character that a URL may not have."""
    found = _URL.fullmatch(url)
    assert found, url
    return tuple(unquote(part, errors="strict") for part in found.groups() if part is not None)


def decoded(services: Services) -> Services:
    """As read from an output, with the parts of URLs in place of them. The one `url` must be an endpoint's."""
    made: Services = {}
    for service, versions in services.items():
        for version, entry in versions.items():
            assert entry["url"] in [endpoint["url"] for endpoint in entry["endpoints"]]
            endpoints = [endpoint | {"url": parts(endpoint["url"])} for endpoint in entry["endpoints"]]
            rest = {key: value for key, value in entry.items() if key != "url"}
            made.setdefault(service, {})[version] = rest | {"endpoints": endpoints}
    return made


def same(found: Services, expected: Services) -> None:
    """Equal, types too (to Python 1 == True == 1.0); says which service differs, and not megabytes of all."""
    assert not set(found) ^ set(expected), sorted(set(found) ^ set(expected))[:5]
    for service, versions in expected.items():
        assert all(isinstance(version, str) for version in found[service])
        # As JSON, for to Python 1 == True == 1.0.
        assert json.dumps(found[service], sort_keys=True) == json.dumps(versions, sort_keys=True)


# --- what is registered ----------------------------------------------------------------------------------------------


def other(number: int, distance: int) -> str:
    return TEXTS[(number + distance) % len(TEXTS)]


def on_nodes_of_their_own() -> Iterator[Instance]:
    """Each text as name, node, id, tag, meta value and version."""
    seen: set[str] = set()
    for number, text in enumerate(TEXTS):
        node = other(number, 1)
        if node.lower() in seen:  # to Consul the same node
            node = f"node of {number}"
        seen.add(node.lower())
        yield Instance(
            service=text,
            node=node,
            id=other(number, 2),
            address=f"10.0.{number // 250}.{number % 250}" if number % 3 else f"Host_{number}.example",
            tags=("", f"t={other(number, 4)}", other(number, 5)),
            meta={"m": other(number, 6), "version": other(number, 7), META_KEYS[number % len(META_KEYS)]: text},
            of_node=number % 2 == 0,
        )


def on_the_agent() -> Iterator[Instance]:
    """Each text as name and id."""
    for number, text in enumerate(TEXTS):
        if text.lower() not in {earlier.lower() for earlier in TEXTS[:number]}:
            yield Instance(
                service=text,
                node="node-a",
                id=text,
                address=f"2001:db8::{number + 1:x}",
                port=8080,
                tags=(text, f"t={text}"),
                meta={"m": text},
            )


def special() -> Iterator[Instance]:
    """The longest values; all texts as tags of one instance; many kinds of addresses."""
    everything = {"m": "m" * LONGEST_META_VALUE, "version": "😀" * (LONGEST_META_VALUE // 4)}
    for number, text in enumerate(LONG_TEXTS):
        yield Instance(service=text, node=text, id=text, address="h", tags=(text, f"t={number}"), meta=everything)
    yield Instance(
        service="all",
        node="tags",
        id="tags",
        address="10.0.0.1",
        tags=(*TEXTS, "t=1"),
        meta=dict.fromkeys(META_KEYS[-63:], "=") | {"m": "m"},
    )
    addresses = ("10.0.0.10", "10.0.0.9", "::1", "fe80::1%eth0", "2001:db8::1", "a.example", "::ffff:10.0.0.1")
    for address in addresses:
        yield Instance(
            service="addresses", node="addresses", id=address, address=address, tags=("t=1",), meta={"m": "m"}
        )


def refused_by_consul() -> Iterator[Instance]:
    """Each text as datacenter, namespace, meta key; meta values that are too long for Consul.

    Of texts that differ in case alone only one is a datacenter: their files would collide, which is a finding.
    """
    taken: set[str] = set()
    for number, text in enumerate(TEXTS):
        first = text.casefold() not in taken
        taken.add(text.casefold())
        yield Instance(
            service=f"in {number} {text}",
            node=text,
            id=text,
            address="10.0.0.1",
            tags=(f"t={text}",),
            meta={text: other(number, 1), other(number, 2): "", "m": text},
            datacenter=text if first else f"dc {number}",
            namespace=other(number, 3),
        )
    for text in (*LONG_TEXTS, "", "datacenter"):
        datacenter = text[:9000] or "dc1"
        yield Instance(
            service=f"in {text}",
            node="n",
            id="i",
            address="10.0.0.1",
            tags=("t=1",),
            meta={text: text, "m": text or "m"},
            datacenter=datacenter,
            namespace=datacenter,
        )


def register(agent: ConsulAgent, instance: Instance) -> None:
    """By the agent's API where it is its own node, else by the catalog's."""
    values: dict[str, Any] = {"id": instance.id, "port": instance.port, "tags": instance.tags, "meta": instance.meta}
    if instance.node == agent.node:
        agent.register(instance.service, address=instance.address, settle=False, **values)
    elif instance.of_node:
        agent.catalog_register(instance.node, instance.service, node_address=instance.address, **values)
    else:
        agent.catalog_register(instance.node, instance.service, address=instance.address, **values)


def lock_text(instances: tuple[Instance, ...], settings: str) -> bytes:
    """A lock as schemas/lock.schema.json has it, made by hand in the one form that is read."""
    lines: list[dict[str, Any]] = [{"format": "frostline.lock/1"}]
    segments: dict[tuple[str, str], list[Instance]] = {}
    for instance in instances:
        segments.setdefault((instance.datacenter, instance.namespace), []).append(instance)
    for (datacenter, namespace), held in sorted(segments.items()):
        segment = {"source": "mesh", "datacenter": datacenter, "namespace": namespace, "settings": settings}
        lines.append({**segment, "instances": len(held), "declared": 0})
        for one in sorted(held, key=lambda one: (one.service, one.node, one.id)):
            names = {"service": one.service, "node": one.node, "id": one.id, "address": one.address, "port": one.port}
            more = {"tags": sorted(one.tags), "meta": dict(sorted(one.meta.items()))}
            lines.append(names | {name: value for name, value in more.items() if value})
    return b"".join(canonical_line(line) + b"\n" for line in lines)


@pytest.fixture(scope="module")
def agent(consul_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsulAgent]:
    """One for this module alone: to remove such names again takes longer than to start another."""
    agent = start_on_free_ports(lambda: ConsulAgent(consul_binary, tmp_path_factory.mktemp("consul")))
    yield agent
    agent.stop()


@pytest.fixture(scope="module")
def registered(
    agent: ConsulAgent, tmp_path_factory: pytest.TempPathFactory, run_frostline: Callable[..., Any]
) -> Compiled:
    folder = tmp_path_factory.mktemp("registered")
    (folder / "frostline.yaml").write_text(CONFIG)
    instances = (*on_nodes_of_their_own(), *on_the_agent(), *special())
    for instance in instances:
        register(agent, instance)
    agent.settle()
    run = run_frostline("compile", "-q", cwd=folder, env={"CONSUL_HTTP_ADDR": agent.address})
    assert run.returncode == 0, run.stderr[:3000]
    return Compiled(folder, instances)


@pytest.fixture(scope="module")
def frozen(
    registered: Compiled, tmp_path_factory: pytest.TempPathFactory, run_frostline: Callable[..., Any]
) -> Compiled:
    folder = tmp_path_factory.mktemp("frozen")
    (folder / "frostline.yaml").write_text(CONFIG + "lock: locks/\n")
    instances = tuple(refused_by_consul())
    settings = json.loads((registered.folder / "frostline.lock").read_bytes().split(b"\n")[1])["settings"]
    (folder / "given.lock").write_bytes(lock_text(instances, settings))
    run = run_frostline("compile", "-q", "--lock", "given.lock", cwd=folder)
    assert run.returncode == 0, run.stderr[:3000]
    return Compiled(folder, instances)


@pytest.fixture(params=["registered", "frozen"])
def compiled(request: pytest.FixtureRequest, registered: Compiled, frozen: Compiled) -> Compiled:
    return {"registered": registered, "frozen": frozen}[request.param]


outputs_alone = pytest.mark.oldest_consul(
    "outputs are made of the lock alone, and a test compares the lock of every version"
)


# --- what is read back -----------------------------------------------------------------------------------------------


def by_pyyaml(text: bytes) -> Any:
    return yaml.load(text, yaml.SafeLoader)


def by_libyaml(text: bytes) -> Any:
    return yaml.load(text, yaml.CSafeLoader)


def by_ruamel(text: bytes) -> Any:
    reader = YAML(typ="safe", pure=True)  # YAML 1.2
    return reader.load(text)


READERS = [
    ("services.yaml", by_pyyaml),
    ("services.yaml", by_libyaml),
    ("services.yaml", by_ruamel),
    ("services.json", json.loads),
]


@outputs_alone
@pytest.mark.parametrize(("name", "read"), READERS)
def test_every_reader_of_yaml_and_json_reads_what_was_registered(
    compiled: Compiled, name: str, read: Callable[[bytes], Any]
) -> None:
    document = read((compiled.folder / name).read_bytes())
    assert set(document) == {"format", "digest", "services", "upstreams"}
    same(decoded(document["services"]), compiled.services(fields=True))


@outputs_alone
def test_a_file_a_service_holds_what_was_registered(compiled: Compiled) -> None:
    found: Services = {}
    names = set()
    for path in (compiled.folder / "split").iterdir():
        assert re.fullmatch(r"(?!\.)[A-Za-z0-9_.%~-]{1,210}\.yaml", path.name), path.name
        names.add(path.name.lower())
        ((service, versions),) = by_libyaml(path.read_bytes())["services"].items()
        assert service not in found
        found[service] = versions
    expected = {name: value for name, value in compiled.services(fields=True).items() if name not in FOLDED}
    assert len(names) == len(expected)
    same(decoded(found), expected)


IMPORTS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import registry
said = {}
for service, versions in registry.services().items():
    for version in versions:
        url = registry.url(service, version)
        assert url == registry.find(service, version) == registry.ENDPOINTS[service, version]
        assert registry.urls(service, version) == tuple(one.url for one in registry.instances(service, version))
        instances = [one._asdict() | {"meta": dict(one.meta)} for one in registry.instances(service, version)]
        said.setdefault(service, []).append((version, {"url": url, "endpoints": instances}))
assert sorted(registry.ENDPOINTS, key=repr) == sorted(((s, v) for s, all in said.items() for v, _ in all), key=repr)
json.dump(said, sys.stdout)
"""


@outputs_alone
def test_the_generated_module_says_what_was_registered(compiled: Compiled) -> None:
    # -I: nothing of this environment; LC_ALL=C: the module is UTF-8 whatever the locale.
    command = [sys.executable, "-I", "-B", "-c", IMPORTS, str(compiled.folder / "python")]
    run = subprocess.run(command, capture_output=True, env={"LC_ALL": "C"}, check=False, cwd="/")
    assert (run.returncode, run.stderr[-2000:]) == (0, b"")
    said = {
        service: {
            "unversioned" if version is None else version: entry | {"sources": ["mesh"]} for version, entry in found
        }
        for service, found in json.loads(run.stdout).items()
    }
    same(decoded(said), compiled.services(fields=False))


@outputs_alone
def test_the_stub_names_every_service_and_version(compiled: Compiled) -> None:
    stub = ast.parse((compiled.folder / "python" / "registry.pyi").read_bytes())
    names = {node.value for node in ast.walk(stub) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    expected = {
        text for instance in compiled.instances for text in (instance.service, instance.version) if text is not None
    }
    assert not expected - names


@outputs_alone
@pytest.mark.parametrize("folder", ["hiera", "hiera-json"])
def test_a_real_puppet_looks_up_what_was_registered(
    compiled: Compiled, folder: str, puppet_lookup: Callable[..., dict[str, Any]]
) -> None:
    index = puppet_lookup(compiled.folder / folder, ["frostline::index"])["frostline::index"]
    keys = set(index.values())
    assert all(re.fullmatch(r"frostline::service::[A-Za-z0-9_%-]+", key) for key in keys)
    assert len(keys) == len(index)
    found = puppet_lookup(compiled.folder / folder, sorted(keys), {"datacenter": "dc1"})
    same(decoded({service: found[key] for service, key in index.items()}), compiled.services(fields=False))


def test_the_lock_holds_what_was_registered(registered: Compiled) -> None:
    lines = [json.loads(line) for line in (registered.folder / "frostline.lock").read_bytes().split(b"\n")[2:-1]]
    kept = ("service", "node", "id", "address", "port", "tags", "meta")
    found = {(line["service"], line["node"], line["id"]): [line.get(key) for key in kept] for line in lines}
    expected = {
        (instance.service, instance.node, instance.id): [
            instance.service, instance.node, instance.id, instance.address, instance.port,
            sorted(set(instance.tags)), dict(instance.meta),
        ]
        for instance in registered.instances
    }  # fmt: skip
    assert not set(found) ^ set(expected), str(set(found) ^ set(expected))[:1000]
    assert found == expected


# --- nothing becomes anything else -----------------------------------------------------------------------------------


@outputs_alone
def test_no_name_becomes_a_path_outside_of_its_folder(compiled: Compiled) -> None:
    paths = [path.relative_to(compiled.folder) for path in compiled.folder.rglob("*") if path.is_file()]
    folders = {"python", "split", "hiera", "hiera/datacenter", "hiera-json", "locks", "."}
    assert {str(path.parent) for path in paths} <= folders
    assert all(path.name.isascii() and path.name.isprintable() and not path.name.startswith(".") for path in paths)


@outputs_alone
def test_what_was_published_is_what_the_lock_gives(compiled: Compiled, run_frostline: Callable[..., Any]) -> None:
    run = run_frostline("check", "-q", cwd=compiled.folder)
    assert (run.returncode, run.stderr) == (0, "")


INVISIBLE = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@outputs_alone
def test_what_the_command_and_the_files_say_has_no_control_characters(
    compiled: Compiled, run_frostline: Callable[..., Any]
) -> None:
    listed = run_frostline("list", "-q", cwd=compiled.folder)
    explained = run_frostline("explain", "-q", "--offline", compiled.instances[0].service, cwd=compiled.folder)
    for run in (listed, explained):
        assert (run.returncode, run.stderr) == (0, "")
        assert not INVISIBLE.search(run.stdout)
    for path in compiled.folder.rglob("*"):
        if path.is_file() and path.name != "given.lock":
            # Tabs part the columns of the module's data.
            assert not INVISIBLE.search(path.read_bytes().decode().replace("\t", "")), path
