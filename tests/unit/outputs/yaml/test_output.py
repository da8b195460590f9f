"""The registry as YAML and JSON: its golden files, its schema, its digest, a file a service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import Claim, View, artifact_folder, output_module
from frostline.outputs.values import OPTIONAL_FIELDS, content_digest, service_value
from frostline.outputs.yaml.output import claims, render
from frostline.resources import schema_text
from frostline.settings import OutputSettings

GOLDEN = Path(__file__).parents[3] / "golden" / "outputs" / "yaml"
PLACE = FileOrigin("frostline.yaml", 7, 5)
VALIDATOR = jsonschema.Draft202012Validator(json.loads(schema_text("registry")))


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh", **more)


def entry(*endpoints: Endpoint, sources: tuple[str, ...] = ("mesh",)) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=sources)


def small_registry() -> Registry:
    """Something of everything."""
    one = endpoint(
        "http://10.0.0.1:8080/v1",
        datacenter="dc1",
        namespace="ops",
        node="web-1",
        id="payments-1",
        tags=("api", "team: \u202eevil"),
        meta={"owner": "shop", "cost center": "no"},
        weight=10,
    )
    two = endpoint("http://[fd00::2]:8081/v1", "fd00::2", 8081, datacenter="dc2", node="web-2", id="payments-2")
    return registry_of(
        {
            ("billing", None): entry(endpoint("https://billing.example", "billing.example", 443), sources=("static",)),
            ("ledger", None): entry(),
            ("no", "v1"): entry(endpoint("http://10.0.0.3:1/v1", "10.0.0.3", 1, datacenter="dc1")),
            ("payments", None): entry(endpoint("http://10.0.0.1:8080", datacenter="dc1")),
            ("payments", "v1"): entry(one, two, sources=("live", "mesh")),
            ("search/é\n", "v1"): entry(endpoint("http://10.0.0.4:1/v1", "10.0.0.4", 1, datacenter="dc1")),
        }
    )


def output(path: str = "/srv/registry/services.yaml", **options: Any) -> OutputSettings:
    return OutputSettings(name="registry", type="yaml", path=Path(path), origin=PLACE, options=options)


def rendered(registry: Registry, settings: OutputSettings) -> dict[str, bytes]:
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    rendering = render(view, settings)
    assert rendering.findings == ()
    return {str(artifact.path): b"".join(artifact.chunks) for artifact in rendering.artifacts}


def document(registry: Registry, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "format": "frostline.registry/1",
        "digest": content_digest(registry, fields),
        "services": {name: service_value(versions, fields) for name, versions in registry.services.items()},
        "upstreams": [],
    }


CASES = {
    "yaml": output(),
    "json": output("/srv/registry/services.json", format="json"),
    "fields": output(fields=["namespace", "id", "node"]),
    "split": output("/srv/registry", split="service"),
    "split_json": output("/srv/registry", split="service", format="json"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_golden_registry(case: str) -> None:
    golden = {path.name: path.read_bytes() for path in (GOLDEN / case).iterdir()}
    assert rendered(small_registry(), CASES[case]) == golden


def test_the_table_of_outputs_knows_it() -> None:
    assert output_module("yaml").render is render


@pytest.mark.parametrize("case", CASES)
def test_each_document_is_what_its_schema_says(case: str) -> None:
    for content in rendered(small_registry(), CASES[case]).values():
        VALIDATOR.validate(yaml.load(content, Loader=yaml.CSafeLoader))


def test_an_empty_registry_is_what_the_schema_says() -> None:
    (content,) = rendered(registry_of({}), output()).values()
    VALIDATOR.validate(yaml.safe_load(content))
    assert content.endswith(b"services: {}\nupstreams: []\n")
    (content,) = rendered(registry_of({}), output(format="json")).values()
    assert json.loads(content) == document(registry_of({}))
    assert rendered(registry_of({}), output(split="service")) == {}


def _without(value: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: member for key, member in value.items() if key not in keys}


def spoiled() -> dict[str, Any]:
    """What the schema must refuse, by what is wrong."""
    right = document(small_registry(), OPTIONAL_FIELDS)
    served = right["services"]["payments"]["v1"]
    declared = right["services"]["ledger"]["unversioned"]
    point = served["endpoints"][0]
    entries = {
        "served and declared": served | {"declared": True},
        "served from nowhere": _without(served, "sources"),
        "served without a url": served | {"url": None},
        "declared with a source": declared | {"sources": ["mesh"]},
        "declared with a url": declared | {"url": "http://x"},
        "neither": _without(declared, "declared"),
        "served with properties": served | {"tags": [], "meta": {}, "port": 80},
        "declared with a port that is none": declared | {"port": 0},
        "a source that is no list": served | {"sources": "mesh"},
        "an auth that is no name": served | {"auth": "Bearer abc"},
        "an empty auth": declared | {"auth": ""},
        "an unknown key": served | {"extra": 1},
    }
    points = {
        "an unknown key of an endpoint": point | {"extra": 1},
        "no port": _without(point, "port"),
        "a port too large": point | {"port": 65536},
        "a port as text": point | {"port": "80"},
        "an empty datacenter": point | {"datacenter": ""},
        "meta that is no text": point | {"meta": {"a": 1}},
        "a negative weight": point | {"weight": -1},
    }
    entries |= {name: served | {"endpoints": [bad]} for name, bad in points.items()}
    return {name: right | {"services": {"x": {"v1": bad}}} for name, bad in entries.items()} | {
        "no version": right | {"services": {"x": {}}},
        "an unknown key at the top": right | {"time": "now"},
        "another format": right | {"format": "frostline.registry/2"},
        "no digest": _without(right, "digest"),
        "a digest in capitals": right | {"digest": right["digest"].upper()},
    }


@pytest.mark.parametrize("wrong", spoiled())
def test_the_schema_refuses(wrong: str) -> None:
    assert list(VALIDATOR.iter_errors(spoiled()[wrong]))


def test_the_schema_is_a_schema_and_takes_upstreams() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)
    consumer = {"namespace": "default", "job": "shop", "group": "web"}
    upstream = {"consumer": consumer, "destination": "payments-v1", "env": ["NOMAD_UPSTREAM_ADDR_payments_v1"]}
    for bind in ({"address": "127.0.0.1", "port": 9102}, {"socket": "/alloc/payments.sock"}):
        VALIDATOR.validate(document(registry_of({})) | {"upstreams": [upstream | {"bind": bind}]})
    for bind in ({"address": "127.0.0.1"}, {"socket": "/x", "port": 1}, {}):
        assert not VALIDATOR.is_valid(document(registry_of({})) | {"upstreams": [upstream | {"bind": bind}]})


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(["<<", "no", "%{x}", "\x85"])
names = texts.filter(bool)
endpoints = st.builds(
    endpoint,
    names,
    texts,
    st.integers(0, 65535),
    datacenter=texts,
    node=texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    meta=st.dictionaries(texts, texts, max_size=2),
    weight=st.integers(0, 2**31),
)
keys: st.SearchStrategy[Key] = st.tuples(names, st.none() | names.filter(lambda name: name != "unversioned"))
registries = st.dictionaries(keys, st.lists(endpoints, max_size=2), max_size=5).map(
    lambda found: registry_of({key: entry(*some) for key, some in found.items()})
)


@hypothesis(max_examples=50, deadline=None)
@given(registries, st.sampled_from(["yaml", "json"]))
def test_any_registry_reads_back_in_order_and_is_what_the_schema_says(registry: Registry, form: str) -> None:
    fields = ("id", "node")
    (content,) = rendered(registry, output(format=form, fields=list(fields))).values()
    read = json.loads(content) if form == "json" else yaml.load(content, Loader=yaml.CSafeLoader)
    assert json.dumps(read) == json.dumps(document(registry, fields))
    VALIDATOR.validate(read)


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_changed_endpoint_changes_its_line_and_the_digest_alone(form: str) -> None:
    before = small_registry()
    found = before.services["payments"]["v1"]
    moved = endpoint("http://10.9.9.9:1/v1", "10.9.9.9", 1, datacenter="dc2")
    after = registry_of(
        dict(before.entries()) | {("payments", "v1"): entry(found.endpoints[0], moved, sources=found.sources)}
    )
    texts = [rendered(one, output(format=form))["services.yaml"].splitlines() for one in (before, after)]
    changed = [(old, new) for old, new in zip(*texts, strict=True) if old != new]
    assert [b"digest" in changed[0][0], b"fd00::2" in changed[1][0]] == [True, True]
    assert len(changed) == 2


def test_services_that_did_not_change_keep_their_files_when_others_do() -> None:
    before = small_registry()
    after = registry_of(dict(before.entries()) | {("ledger", None): entry(endpoint("http://10.0.0.8:1"))})
    split = output("/srv/registry", split="service")
    old, new = rendered(before, split), rendered(after, split)
    assert {name for name in old if old[name] != new[name]} == {"ledger.yaml"}


def test_files_that_differ_in_case_alone_are_a_finding_that_names_both() -> None:
    registry = registry_of({(name, None): entry(endpoint("http://x")) for name in ("Web", "other", "web")})
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    rendering = render(view, output("/srv/registry", split="service"))
    (finding,) = rendering.findings
    assert (finding.rule, finding.severity, finding.service, finding.origin) == (
        "path-collision",
        "error",
        "web",
        PLACE,
    )
    assert "`Web`" in finding.message
    assert "`web`" in finding.message
    assert [str(artifact.path) for artifact in rendering.artifacts] == ["Web.yaml", "other.yaml"]


@pytest.mark.parametrize("name", ["../..", "/etc/passwd", "..", ".", "a/b", "\0", "-", "x" * 10_000, "é" * 300])
def test_a_service_never_names_a_file_outside_the_folder(name: str) -> None:
    registry = registry_of({(name, None): entry(endpoint("http://x"))})
    ((path, content),) = rendered(registry, output("/srv/registry", split="service")).items()
    assert "/" not in path
    assert path not in (".", "..")
    assert len(path.encode()) <= 255
    assert yaml.safe_load(content) == document(registry)


def test_the_output_claims_its_file_or_the_folder_where_it_is_split() -> None:
    assert claims(output()) == (Claim(Path("/srv/registry/services.yaml")),)
    assert artifact_folder(output()) == Path("/srv/registry")
    split = output("/srv/registry", split="service")
    assert claims(split) == (Claim(Path("/srv/registry"), is_folder=True),)
    assert artifact_folder(split) == Path("/srv/registry")


def test_chunks_give_the_same_bytes_again() -> None:
    registry = small_registry()
    (artifact,) = render(View(registry=registry, prefer=(), preferring=lambda _: registry), output()).artifacts
    assert b"".join(artifact.chunks) == b"".join(artifact.chunks)
