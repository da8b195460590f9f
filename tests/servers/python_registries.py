"""Registries, hostile ones too, and the modules that the `python` output makes of them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.python.output import render
from frostline.settings import OutputSettings

HOSTILE = [
    *"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    *map(chr, range(0x20)),
    "\x7f",
    "\x85",
    "\x9b31m",
    "",
    " ",
    " leading and trailing ",
    "'",
    "'''",
    '"""',
    "''' + __import__('os').abort() + r'''",
    "ends with a backslash\\",
    "\\\\",
    "\\'",
    "\\n",
    "\\u0041",
    "\\N{DIGIT ONE}",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "a\0b",
    "\n\n",
    "-",
    "*",
    "%{facts}",
    "%{literal('%')}{",
    "${HOME}",
    "{{ service }}",
    "{% raw %}",
    "{}",
    "%s",
    ":sym",
    "1,000",
    "no",
    "0777",
    "1e3",
    "~",
    "null",
    "None",
    "unversioned",
    "# -*- coding: utf-7 -*-",
    "../..",
    "/etc/passwd",
    "naïve",
    "e\u0301",
    "\U0001f600",
    "\U0001f469\u200d\U0001f4bb",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u202eevil\u202c",
    "\u2066evil\u2069",
    "\u200b",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufdd0",
    "\uffff",
    "\U000e0041",
    "\U0010ffff",
    "x" * 10_000,
    "'\\" * 5_000,
]


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh", **more)


def entry(*endpoints: Endpoint, url: str | None = None) -> Entry:
    return Entry(url=url or (endpoints[0].url if endpoints else None), endpoints=endpoints, sources=("mesh",))


def small_registry() -> Registry:
    """Something of everything."""
    one = endpoint("http://10.0.0.1:8080/v1", datacenter="dc1", tags=("api", "http"), meta={"owner": "shop"}, weight=10)
    two = endpoint("http://10.0.0.2:8080/v1", "10.0.0.2", datacenter="dc1", weight=1)
    far = endpoint("http://10.1.0.1:8081/v1", "10.1.0.1", 8081, datacenter="dc2", meta={"owner": "shop", "a": "b"})
    entries: dict[Key, Entry] = {
        ("billing", None): entry(endpoint("https://billing.example", "billing.example", 443)),
        ("ipv6", "v1"): entry(endpoint("http://[fd00::1]:80/v1", "fd00::1", 80, datacenter="dc1")),
        ("it's", "v1"): entry(endpoint("http://10.0.0.9/it%27s", "10.0.0.9", 80, tags=("\u202e", "\t", "é"))),
        ("ledger", None): entry(),
        ("mixed", None): entry(endpoint("http://10.0.0.3:1", "10.0.0.3", 1)),
        ("mixed", "v1"): entry(endpoint("http://10.0.0.3:1/v1", "10.0.0.3", 1)),
        ("payments", "v1"): entry(one, two, far, url=two.url),
        ("payments", "v2"): entry(endpoint("http://10.0.0.1:8080/v2", datacenter="dc1")),
        ("payments", "v3"): entry(),
        ("search", "v1"): entry(endpoint("http://10.0.0.4:1/v1", "10.0.0.4", 1)),
        ("search", "v2"): entry(endpoint("http://10.0.0.4:1/v2", "10.0.0.4", 1)),
    }
    return registry_of(entries)


def output(path: Path = Path("/srv/app/registry.py")) -> OutputSettings:
    return OutputSettings(name="registry", type="python", path=path, origin=FileOrigin("frostline.yaml", 3, 5))


def rendered(registry: Registry, prefer: tuple[str, ...] = ()) -> dict[str, bytes]:
    view = View(registry=registry, prefer=prefer, preferring=lambda _: registry)
    return {str(artifact.path): b"".join(artifact.chunks) for artifact in render(view, output()).artifacts}


def rendered_digest() -> str:
    """Called in processes with other hash seeds."""
    return sha256(b"".join(rendered(hostile_registry()).values())).hexdigest()


def loaded(registry: Registry, prefer: tuple[str, ...] = ()) -> Any:
    module = ModuleType("registry")
    exec(compile(rendered(registry, prefer)["registry.py"], "registry.py", "exec"), module.__dict__)
    return module


def hostile_registry() -> Registry:
    """Each hostile text in every place where a text can be."""
    entries: dict[Key, Entry] = {}
    for number, text in enumerate(HOSTILE):
        hostile = endpoint(text, text, datacenter=text, tags=(text, "x"), meta={text: text, "x": text}, weight=number)
        entries[text, None] = entry(hostile, hostile)
        entries[text, text] = entry(hostile)
        entries["known", text] = entry()
    return registry_of(entries)
