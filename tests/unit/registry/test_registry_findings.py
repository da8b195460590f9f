"""Each finding of the registry and of the outputs, as people read it: recorded in tests/golden/findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hiera_settings import parameter_keys

from frostline.model import Contribution, FileOrigin, Finding, Instance, Key, Snapshot
from frostline.outputs.base import View
from frostline.outputs.hiera import output as hiera
from frostline.outputs.hiera.keys import ParameterKeys, Role
from frostline.outputs.template import output as template
from frostline.outputs.yaml import output as yaml
from frostline.registry.assembling import assemble, contribution_of
from frostline.settings import DEFAULT_SCHEME, Naming, OutputSettings, SchemeRule
from frostline.sources import router
from frostline.sources.router import RouterName, RouterSettings

PLACE = FileOrigin("frostline.yaml", 12, 7)
GOLDEN_TEMPLATES = Path(__file__).parents[2] / "golden" / "outputs" / "template"
PER_SERVICE = parameter_keys({"profile::{service}::url": "url"})


def mesh(
    *names: str,
    source: str = "mesh",
    url: str | None = None,
    scheme: tuple[SchemeRule, ...] = DEFAULT_SCHEME,
    **fields: object,
) -> Contribution:
    """What a Consul brings that has one instance of each name, with these fields."""
    values = {"node": "n1", "address": "10.0.0.1", "port": 8080, **fields}
    instances = tuple(Instance(**{"service": name, "id": f"{name}-1", **values}) for name in names)  # type: ignore[arg-type]
    snapshot = Snapshot(source=source, datacenter="dc1", namespace="default", settings="x", instances=instances)
    return contribution_of(source, [snapshot], Naming(url=url, unversioned_url=url) if url else Naming(scheme=scheme))


def of_registry(*contributions: Contribution) -> Iterable[Finding]:
    return assemble(contributions)[1]


def of_router(unversioned_url: str | None, known: Key, *names: Key) -> Iterable[Finding]:
    settings = RouterSettings(
        name="edge",
        origin=PLACE,
        url="http://router/{service}-{version}/{version}",
        unversioned_url=unversioned_url,
        sources=("mesh",),
        names=tuple(RouterName(key=key, origin=PLACE) for key in names),
    )
    return router.contribute(settings, {"mesh": frozenset([known])}).findings


def of_output(type_: str, module: object, contribution: Contribution, **options: object) -> Iterable[Finding]:
    registry = assemble([contribution])[0]
    view = View(registry=registry, prefer=(), preferring=lambda prefer: registry)
    settings = OutputSettings(name="out", type=type_, path=Path("/root/out"), origin=PLACE, options=options)
    return module.render(view, settings).findings  # type: ignore[attr-defined, no-any-return]


def role(key: str, service: str, version: str | None) -> ParameterKeys:
    return ParameterKeys(roles=(Role(key, Key(service, version), "address", PLACE),))


WRONG_ADDRESSES = {
    "w": "10.0.0.7:8080",
    "url": "http://10.0.0.7",
    "url-path": "https://api.example:8443/v1",
    "odd-url": "unix:///run/x.sock",
    "spaces": " 10.0.0.7 ",
    "space": "a b",
    "control": "10.0.0.7\x1b[31m",
    "line": "10.0.0.7\n",
    "v6-port": "[fd00::7]:8080",
    "v6": "fd00::g",
    "name-port": "api.example:80",
    "path": "/run/x.sock",
    "network": "10.0.0.0/8",
    "user": "root@10.0.0.7",
    "list": "10.0.0.1,10.0.0.2",
    "zeros": "010.0.0.1",
    "big": "256.1.1.1",
    "short": "127.1",
    "unicode": "bücher.example",
    "template": "{{ GetPrivateIP }}",
    "label": f"{'a' * 64}.example",
    "long": ".".join(["a" * 60] * 5),
    "dots": "a..example",
    "hyphen": "-a.example",
    "zone": "fe80::1%",
    "huge": "a" * 100_000,
}

FOUND: dict[str, Callable[[], Iterable[Finding]]] = {
    "port-zero": lambda: of_registry(mesh("shop-v1", port=0)),
    "address-invalid": lambda: chain.from_iterable(
        of_registry(mesh("shop", node="n2", address=address, id=name)) for name, address in WRONG_ADDRESSES.items()
    ),
    "address-unusable": lambda: chain.from_iterable(
        of_registry(mesh("shop", id="w", address=address))
        for address in ("0.0.0.0", "::", "[0::0]", "fe80::1%eth0", "224.0.0.1", "ff02::1", "255.255.255.255")
    ),
    "port-invalid": lambda: chain.from_iterable(
        of_registry(mesh("batch", id="w", port=port)) for port in (-1, 65536, 2**40)
    ),
    "address-missing": lambda: of_registry(mesh("shop-v1", address="")),
    "scheme-invalid": lambda: of_registry(mesh("shop-v1", meta={"scheme": "java script\x1b[31m"})),
    "scheme-unknown": lambda: of_registry(mesh("shop-v1", meta={"scheme": "javascript"})),
    "scheme-missing": lambda: of_registry(mesh("shop-v1", scheme=(SchemeRule(meta="protocol"),))),
    "url-value": lambda: of_registry(
        mesh("shop-v1", url="http://{address}:{port}{+meta[path]}/{version}", meta={"path": "/api?x=1"})
    ),
    "meta-missing": lambda: of_registry(mesh("shop-v1", url="http://{address}/{meta[path]}")),
    "tag-missing": lambda: of_registry(mesh("shop-v1", url="http://{address}/{tag[path]}")),
    "url-dot-segment": lambda: [
        *of_registry(mesh("shop-v1", url="http://{address}/{node}/x", node="..")),
        *of_router("http://router/{service}", Key("..", None)),
    ],
    "version-unversioned": lambda: of_registry(
        Contribution(
            source="partners", endpoints={Key("shop", "unversioned"): ()}, places={Key("shop", "unversioned"): PLACE}
        )
    ),
    "sources-unordered": lambda: of_registry(mesh("shop-v1"), mesh("shop-v1", source="live", address="10.0.0.2")),
    "namespaces-conflict": lambda: of_registry(
        contribution_of(
            "mesh",
            [
                Snapshot(
                    source="mesh",
                    datacenter="dc1",
                    namespace=namespace,
                    settings="x",
                    instances=(Instance(service="shop-v1", node="n1", id="s", address="10.0.0.1", port=80),),
                )
                for namespace in ("default", "retail")
            ],
            Naming(),
        )
    ),
    "router-unserved": lambda: of_router("http://router/{service}", Key("shop", "v1"), Key("legacy", "v1")),
    "router-unversioned": lambda: of_router(None, Key("shop", None), Key("shop", None)),
    "hiera-key": lambda: of_output("hiera", hiera, mesh("Sh.op-v1"), keys=PER_SERVICE),
    "hiera-key-collision": lambda: of_output("hiera", hiera, mesh("sh-op-v1", "sh_op-v1"), keys=PER_SERVICE),
    "hiera-role": lambda: chain.from_iterable(
        of_output("hiera", hiera, mesh("smtp-v1", "smtp-v2", "relay"), keys=role("profile::mail::host", *wanted))
        for wanted in (("smpt", "v1"), ("smtp", "v3"), ("smtp", None), ("relay", "v1"), ("payments", None))
    ),
    "hiera-role-empty": lambda: of_output(
        "hiera",
        hiera,
        Contribution(source="partners", endpoints={Key("smtp", "v1"): ()}, places={Key("smtp", "v1"): PLACE}),
        keys=role("profile::mail::host", "smtp", "v1"),
    ),
    "name-collision": lambda: of_output(
        "template", template, mesh("user_v1", "user-v1"), template=GOLDEN_TEMPLATES / "names.j2"
    ),
    "path-collision": lambda: of_output("yaml", yaml, mesh("shop-v1", "Shop-v1"), split="service"),
}


@pytest.mark.parametrize("rule", FOUND)
def test_a_finding_of_the_registry_reads_as_recorded(rule: str, matches_golden: Any) -> None:
    matches_golden(rule, FOUND[rule]())
