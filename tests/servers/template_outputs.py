"""Registries, and what templates make of them."""

from __future__ import annotations

from pathlib import Path

from frostline.errors import UsageError
from frostline.model import Bind, Dependency, Endpoint, Entry, FileOrigin, Key, Registry, Upstream, registry_of
from frostline.outputs.base import View
from frostline.outputs.template.output import render
from frostline.settings import OutputSettings

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "outputs" / "template"
ROUTER = ROOT / "samples" / "router" / "router.conf.j2"

EVIL = 'x"; } $(evil) #'


def output(template: Path | str) -> OutputSettings:
    return OutputSettings(
        name="config",
        type="template",
        path=Path("/srv/site/nginx/router.conf"),
        origin=FileOrigin("frostline.yaml"),
        options={"template": template},
    )


def rendered(registry: Registry, template: Path | str) -> str:
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    (artifact,) = render(view, output(template)).artifacts
    assert b"".join(artifact.chunks) == b"".join(artifact.chunks)
    return b"".join(artifact.chunks).decode()


def endpoint(address: str = "10.0.0.1", **fields: object) -> Endpoint:
    values = {"url": f"http://{address}:8080/v1", "address": address, "port": 8080, "source": "mesh"} | fields
    return Endpoint(**values)  # type: ignore[arg-type]


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def named(*keys: Key) -> Registry:
    return registry_of({key: entry(endpoint()) for key in keys})


def small_registry() -> Registry:
    full = endpoint(
        datacenter="dc1",
        namespace="ops",
        node="n1",
        id="Payments 1",
        tags=("api", "a'b"),
        meta={"b": "2", "a": '"'},
        weight=3,
    )
    entries: dict[Key, Entry] = {
        ("payments", "v1"): Entry(
            url=full.url, endpoints=(full, endpoint("fd00::1", weight=0, id="two")), sources=("mesh", "live")
        ),
        ("payments", None): entry(endpoint("host.example", port=0, url="https://host.example", id="three")),
        ("ledger", None): entry(),
        ('it\'s "€" \n', "v2"): entry(endpoint(id="four")),
    }
    upstream = Upstream(
        region="global",
        namespace="default",
        job="shop",
        group="web",
        destination="payments-v1",
        bind=Bind(address="127.0.0.1", port=9102),
    )
    dependency = Dependency(
        upstream=upstream, source="live", service="payments", version="v1", url="http://127.0.0.1:9102/v1"
    )
    return registry_of(entries, [dependency])


def place(error: UsageError) -> tuple[str, int]:
    assert isinstance(error.origin, FileOrigin)
    return Path(error.origin.path).name, error.origin.line
