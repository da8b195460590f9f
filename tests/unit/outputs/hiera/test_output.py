"""The registry as Hiera data: its golden files, layers, keys of class parameters, and that nothing interpolates."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hiera_settings import parameter_keys
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from frostline.model import Endpoint, Entry, FileOrigin, Registry, registry_of
from frostline.outputs.base import Claim, Rendering, View, artifact_folder, output_module
from frostline.outputs.hiera.output import claims, render
from frostline.outputs.hiera_data import escape_interpolation, layout_of
from frostline.outputs.values import service_value
from frostline.settings import OutputSettings

GOLDEN = Path(__file__).parents[3] / "golden" / "outputs" / "hiera"
service_key = layout_of({}, "frostline", "yaml").service_key
PLACE = FileOrigin("frostline.yaml", 9, 5)
KEYS = {"profile::{service}::{version}::url": "url", "router::{service}_{version}_urls": "urls"}


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source="mesh", **more)


def entry(*endpoints: Endpoint, prefer: Sequence[str] = ()) -> Entry:
    """With the url of the first preferred datacenter that has an endpoint, else of the first endpoint."""
    rank = {datacenter: at for at, datacenter in reversed(list(enumerate(prefer)))}
    chosen = min(endpoints, key=lambda point: rank.get(point.datacenter, len(rank)), default=None)
    return Entry(url=chosen.url if chosen else None, endpoints=endpoints, sources=("mesh",))


def view_of(registry: Registry, prefer: tuple[str, ...] = ()) -> View:
    def preferring(datacenters: Sequence[str]) -> Registry:
        return registry_of({key: entry(*found.endpoints, prefer=datacenters) for key, found in registry.entries()})

    return View(registry=preferring(prefer), prefer=prefer, preferring=preferring)


def small_registry() -> Registry:
    """Something of everything; only payments has endpoints in two datacenters."""
    one = endpoint("http://10.0.0.1:8080/v1", datacenter="dc1", tags=("api", "%{facts.os}"), meta={"%{x}": "%%{y}"})
    two = endpoint("http://10.1.0.2:8081/v1", "10.1.0.2", 8081, datacenter="dc2", weight=5)
    return registry_of(
        {
            ("billing", None): entry(endpoint("https://billing.example", "billing.example", 443)),
            ("count-api", "v1"): entry(endpoint("http://10.0.0.3:1/v1", "10.0.0.3", 1, datacenter="dc1")),
            ("ledger", None): entry(),
            ("payments", "v1"): entry(one, two),
            ("payments", "v2"): entry(),
        }
    )


def output(**options: Any) -> OutputSettings:
    if "keys" in options:
        options["keys"] = parameter_keys(options["keys"])
    return OutputSettings(name="puppet", type="hiera", path=Path("/srv/puppet/data"), origin=PLACE, options=options)


def contents(rendering: Rendering) -> dict[str, bytes]:
    return {str(artifact.path): b"".join(artifact.chunks) for artifact in rendering.artifacts}


def rendered(registry: Registry, settings: OutputSettings, prefer: tuple[str, ...] = ()) -> dict[str, bytes]:
    rendering = render(view_of(registry, prefer), settings)
    assert rendering.findings == ()
    return contents(rendering)


def loaded(content: bytes) -> Any:
    return yaml.load(content, Loader=yaml.CSafeLoader)


CASES = {
    "yaml": output(),
    "json": output(format="json"),
    "layers": output(layers=["datacenter"], keys=KEYS),
    "layers_json": output(layers=["datacenter"], format="json"),
    "keys": output(keys=KEYS | {"shop::{service}_port": "port"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_golden_registry(case: str) -> None:
    root = GOLDEN / case
    golden = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert rendered(small_registry(), CASES[case]) == golden


def test_the_table_of_outputs_knows_it() -> None:
    assert output_module("hiera").render is render


def test_each_service_has_a_key_and_the_index_knows_it() -> None:
    registry = small_registry()
    data = loaded(rendered(registry, output())["common.yaml"])
    assert data["frostline::index"] == {name: service_key(name) for name in registry.services}
    for name, versions in registry.services.items():
        assert data[service_key(name)] == escape_interpolation(service_value(versions))
    assert len(data) == 1 + len(registry.services)


def test_an_empty_registry_is_an_empty_index() -> None:
    assert rendered(registry_of({}), output()) == {"common.yaml": b'"frostline::index": {}\n'}
    assert loaded(rendered(registry_of({}), output(format="json"))["common.json"]) == {"frostline::index": {}}


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("count-api_2", "count-api_2"),
        ("Payments", "Payments"),
        ("a.b", "a%2Eb"),
        ("it's", "it%27s"),
        ("../..", "%2E%2E%2F%2E%2E"),
        ("a::b", "a%3A%3Ab"),
        ("100%", "100%25"),
        ("é", "%C3%A9"),
        ("%{facts}", "%25%7Bfacts%7D"),
    ],
)
def test_a_name_in_a_key_is_percent_encoded(name: str, key: str) -> None:
    assert service_key(name) == f"frostline::service::{key}"


def interpolated(value: Any) -> Any:
    """What Puppet::Pops::Lookup::Interpolation makes of a value without facts: only literal() gives anything."""
    if isinstance(value, str):
        expression = re.compile(r"%\{([^}]*)\}")
        literal = re.compile(r"literal\(['\"]([^'\"]+)['\"]\)")
        return expression.sub(lambda found: (literal.findall(found.group(1).strip()) or [""])[0], value)
    if isinstance(value, list):
        return [interpolated(item) for item in value]
    if isinstance(value, dict):
        return {interpolated(key): interpolated(item) for key, item in value.items()}
    return value


hostile = st.text("%{}'()\":x", max_size=12) | st.text(max_size=5)
values = st.recursive(
    hostile | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
)


@hypothesis(max_examples=80, deadline=None)
@given(values)
def test_any_value_comes_back_from_interpolation_as_it_is(value: Any) -> None:
    assert interpolated(escape_interpolation(value)) == value


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("text", ["%{x}", "%%{x}", "%{", "%{}", "%{literal('%')}{", "%{lookup('x')}", "%{alias('x')}"])
def test_no_text_of_a_server_interpolates_wherever_it_stands(text: str, form: str) -> None:
    hostile = endpoint(text, text, datacenter=text, tags=(text,), meta={text: text})
    registry = registry_of({(text, text): entry(hostile), (text, None): entry()})
    data = loaded(rendered(registry, output(format=form))[f"common.{form}"])
    assert not any("%{" in key for key in data)
    assert interpolated(data)["frostline::index"] == {text: service_key(text)}
    assert interpolated(data)[service_key(text)] == service_value(registry.services[text])


def test_a_layer_has_whole_values_of_what_differs_there_and_nothing_else() -> None:
    files = rendered(small_registry(), output(layers=["datacenter"]))
    assert set(files) == {"common.yaml", "datacenter/dc2.yaml", "hiera.yaml"}
    layer = loaded(files["datacenter/dc2.yaml"])
    assert set(layer) == {"frostline::service::payments"}
    common = loaded(files["common.yaml"])["frostline::service::payments"]
    there = layer["frostline::service::payments"]
    assert (common["v1"]["url"], there["v1"]["url"]) == ("http://10.0.0.1:8080/v1", "http://10.1.0.2:8081/v1")
    assert there["v1"]["endpoints"] == common["v1"]["endpoints"]
    assert there["v2"] == common["v2"]


def test_layers_are_seen_with_their_datacenter_before_the_preferred_ones() -> None:
    files = rendered(small_registry(), output(layers=["datacenter"]), prefer=("dc2",))
    assert set(files) == {"common.yaml", "datacenter/dc1.yaml", "hiera.yaml"}
    assert loaded(files["common.yaml"])["frostline::service::payments"]["v1"]["url"] == "http://10.1.0.2:8081/v1"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_hiera_yaml_reads_the_layers_and_then_the_common_file(form: str) -> None:
    files = rendered(small_registry(), output(layers=["datacenter"], format=form))
    assert loaded(files["hiera.yaml"]) == {
        "version": 5,
        "defaults": {"datadir": "."},
        "hierarchy": [
            {"name": "Datacenter", "path": f"datacenter/%{{facts.datacenter}}.{form}", "data_hash": f"{form}_data"},
            {"name": "Common", "path": f"common.{form}", "data_hash": f"{form}_data"},
        ],
    }


@pytest.mark.parametrize("fact", ["trusted.extensions.pp_datacenter", "::datacenter", "facts.'my.site'.dc-1"])
def test_hiera_yaml_selects_the_layer_by_the_fact(fact: str) -> None:
    files = rendered(small_registry(), output(layers=["datacenter"], fact=fact))
    assert loaded(files["hiera.yaml"])["hierarchy"][0]["path"] == f"datacenter/%{{{fact}}}.yaml"


def test_the_name_of_a_datacenter_never_leads_out_of_the_folder() -> None:
    names = ["../../etc", "/etc", "..", "a/b", "%{x}", "dc.1"]
    points = [endpoint(f"http://{at}", datacenter=name) for at, name in enumerate(names)]
    files = rendered(registry_of({("x", None): entry(*points)}), output(layers=["datacenter"]), prefer=("../../etc",))
    assert set(files) == {
        "common.yaml",
        "hiera.yaml",
        "datacenter/%2Fetc.yaml",
        "datacenter/%2E..yaml",
        "datacenter/a%2Fb.yaml",
        "datacenter/%25%7Bx%7D.yaml",
        "datacenter/dc.1.yaml",
    }


def test_datacenters_that_differ_in_case_alone_are_a_finding() -> None:
    points = [endpoint("http://1", datacenter="DC1"), endpoint("http://2", datacenter="dc1")]
    registry = registry_of({("x", None): entry(*points)})
    rendering = render(view_of(registry), output(layers=["datacenter"]))
    (finding,) = rendering.findings
    assert (finding.rule, finding.service, finding.value) == ("path-collision", None, "datacenter/dc1.yaml")
    assert (finding.severity, finding.origin, bool(finding.help)) == ("error", PLACE, True)
    assert "datacenter/dc1.yaml" not in contents(rendering)


def test_what_is_wrong_with_a_key_is_a_finding_of_the_output() -> None:
    registry = registry_of({(name, None): entry(endpoint("http://x")) for name in ("a-b", "a_b", "C")})
    findings = render(view_of(registry), output(keys={"{service}": "url"})).findings
    assert [(finding.rule, finding.service) for finding in findings] == [
        ("hiera-key", "C"),
        ("hiera-key-collision", "a_b"),
    ]


def test_keys_feed_class_parameters_of_what_can_be_called() -> None:
    keys = {f"a::{{service}}_{value}": value for value in ("url", "urls", "address", "port", "endpoints")}
    data = loaded(rendered(small_registry(), output(keys=keys))["common.yaml"])
    assert data["a::payments_url"] == "http://10.0.0.1:8080/v1"
    assert data["a::payments_urls"] == ["http://10.0.0.1:8080/v1", "http://10.1.0.2:8081/v1"]
    assert (data["a::payments_address"], data["a::payments_port"]) == ("10.0.0.1", 8080)
    assert data["a::payments_endpoints"] == data["frostline::service::payments"]["v1"]["endpoints"]
    assert data["a::count_api_port"] == 1
    assert not any(key.startswith("a::ledger") for key in data)


def test_layers_hold_the_keys_that_differ_there() -> None:
    files = rendered(small_registry(), output(layers=["datacenter"], keys=KEYS))
    layer = loaded(files["datacenter/dc2.yaml"])
    assert set(layer) == {"frostline::service::payments", "profile::payments::v1::url"}
    assert layer["profile::payments::v1::url"] == "http://10.1.0.2:8081/v1"


def test_a_role_is_in_the_layers_too() -> None:
    role = {"service": "payments", "version": "v1", "value": "url"}
    files = rendered(small_registry(), output(layers=["datacenter"], keys={"profile::pay::url": role}))
    found = [loaded(files[name])["profile::pay::url"] for name in ("common.yaml", "datacenter/dc2.yaml")]
    assert found == ["http://10.0.0.1:8080/v1", "http://10.1.0.2:8081/v1"]


def test_values_of_keys_do_not_interpolate_either() -> None:
    registry = registry_of({("x", None): entry(endpoint("http://%{x}"))})
    assert loaded(rendered(registry, output(keys={"{service}::url": "url"}))["common.yaml"])["x::url"] == (
        "http://%{literal('%')}{x}"
    )


def test_the_output_claims_its_folder() -> None:
    assert claims(output()) == (Claim(Path("/srv/puppet/data"), is_folder=True),)
    assert artifact_folder(output()) == Path("/srv/puppet/data")


def test_chunks_give_the_same_bytes_again() -> None:
    rendering = render(view_of(small_registry()), output(layers=["datacenter"], keys=KEYS))
    assert contents(rendering) == contents(rendering)


def test_json_keeps_the_order_of_yaml() -> None:
    files = [rendered(small_registry(), output(format=form))[f"common.{form}"] for form in ("yaml", "json")]
    assert json.dumps(loaded(files[0])) == json.dumps(json.loads(files[1]))
