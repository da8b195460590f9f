"""Hiera data as a real Puppet reads it: every value as it was, layers by the node's fact, class parameters fed."""

from __future__ import annotations

import json
import string
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hiera_settings import parameter_keys
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from ruamel.yaml import YAML

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.hiera.output import render
from frostline.outputs.hiera_data import escape_interpolation, layout_of
from frostline.outputs.values import service_value
from frostline.outputs.yaml.output import render as render_yaml
from frostline.registry.assembling import with_prefer
from frostline.settings import OutputSettings

Lookup = Callable[..., dict[str, Any]]
service_key = layout_of({}, "frostline", "yaml").service_key

HOSTILE = [
    *string.punctuation,
    string.punctuation,
    *(" ", " blank at both ends ", "a\nb", "a\r\nb\n", "\t", "\x01\x1b[31m\x7f", "\x85", "\xa0", "\u2028", "\ufeff"),
    *("%{x}", "%%{x}", "%%%{x}", "%{", "%{}", "%{::x}", "%{::}", "%{facts.datacenter}", "%{ facts.datacenter }"),
    *("%{literal('%')}{", '%{literal("%")}{x}', "%{lookup('x')}", "%{hiera('x')}", "%{alias('x')}", "%{scope('x')}"),
    *("%{unknown('x')}", "%{literal('%{x}')}", "%{%{x}}", "%{x", "%}", "%{'x'}", '%{"a.b"}', "%{a.b}"),
    *("${HOME}", "$x", "#{x}", "{{ x }}", "{% raw %}", "<%= 1 %>", ":sym", ":'sym'", "!ruby/object:Object {}", "<<"),
    *("1,000", "1_000", "no", "y", "On", "TRUE", "null", "~", "0777", "0o17", "0x1F", "1e3", "-.inf", ".nan", "1:30"),
    *("2026-01-31", "2026-01-31 00:00:00 Z", "99999999999999999999", "=", "---", "...", "- x", "? x", "a: b", "a #b"),
    *(
        "undef",
        "default",
        "Sensitive[x]",
        "lookup_options",
        "frostline::index",
        "a::b",
        "a.b",
        "0",
        "0.1",
        "a.0",
        "'a.b'",
    ),
    *(
        "../..",
        "/etc/passwd",
        "a/b",
        "100%",
        "%2F",
        "a%2Fb",
        "\\",
        "\\n",
        "\\\\",
        "it's",
        '"',
        "naïve",
        "e\u0301",
        "\u0301",
    ),
    *("\U0001f600", "\U0001f469\u200d\U0001f4bb", "\u05e9\u05dc", "\u202eevil\u202c", "\u200f", "\U000e0041", "\uffff"),
    *("x" * 1_025, "%" * 500, "%{x}" * 500, "x y" * 3_000, "é" * 2_000),
]


def endpoint(url: str, address: str = "10.0.0.1", port: int = 8080, **more: Any) -> Endpoint:
    return Endpoint(url=url, address=address, port=port, source=more.pop("source", "mesh"), **more)


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def hostile_registry() -> Registry:
    """Each hostile text in every place where a text can be."""
    entries: dict[Key, Entry] = {}
    for text in HOSTILE:
        point = endpoint(text, text, 65535, datacenter=text, tags=(text, "x"), meta={text: text}, weight=2**31)
        entries[text, None] = entry(point)
        entries[text, text] = entry(point, point)
        entries["known", text] = entry()
    return registry_of(entries)


def view_of(registry: Registry, prefer: tuple[str, ...] = ()) -> View:
    return View(registry=registry, prefer=prefer, preferring=lambda datacenters: with_prefer(registry, datacenters))


def output(path: Path, **options: Any) -> OutputSettings:
    if "keys" in options:
        options["keys"] = parameter_keys(options["keys"])
    return OutputSettings(name="o", type="hiera", path=path, origin=FileOrigin("frostline.yaml"), options=options)


def write(folder: Path, registry: Registry, **options: Any) -> Path:
    rendering = render(view_of(registry), output(folder, **options))
    assert rendering.findings == ()
    for artifact in rendering.artifacts:
        (folder / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / artifact.path).write_bytes(b"".join(artifact.chunks))
    return folder


def expected(registry: Registry) -> dict[str, Any]:
    return {
        "frostline::index": {name: service_key(name) for name in registry.services},
        **{service_key(name): service_value(versions) for name, versions in registry.services.items()},
    }


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_puppet_reads_hostile_names_and_values_back_unchanged(puppet_lookup: Lookup, tmp_path: Path, form: str) -> None:
    registry = hostile_registry()
    known = expected(registry)
    found = puppet_lookup(write(tmp_path, registry, format=form), known, {"datacenter": "dc1", "x": "leaked"})
    assert set(found) == set(known)
    for key, value in known.items():
        assert found[key] == value, key
        assert json.dumps(found[key]) == json.dumps(value), key


def test_other_readers_take_the_files_for_the_same_data(tmp_path: Path) -> None:
    registry = hostile_registry()
    known = {key: escape_interpolation(value) for key, value in expected(registry).items()}
    write(tmp_path, registry)
    text = (tmp_path / "common.yaml").read_text(encoding="utf-8")
    assert yaml.load(text, Loader=yaml.CSafeLoader) == known
    assert yaml.load(text, Loader=yaml.SafeLoader) == known
    assert YAML(typ="safe", pure=True).load(StringIO(text)) == known
    write(tmp_path, registry, format="json")
    assert json.loads((tmp_path / "common.json").read_bytes()) == known


def test_psych_reads_the_registry_itself_back_unchanged(puppet: str) -> None:
    registry = hostile_registry()
    settings = output(Path("/srv/services.yaml"))
    (artifact,) = render_yaml(view_of(registry), settings).artifacts
    script = "require 'psych'; require 'json'; print JSON.generate(Psych.safe_load(STDIN.read))"
    run = subprocess.run(
        ["ruby", "-Ku", "-e", script], input=b"".join(artifact.chunks), capture_output=True, check=True
    )
    assert json.loads(run.stdout)["services"] == {
        name: service_value(versions) for name, versions in registry.services.items()
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text("%{}'\"():.x \n", max_size=10)


@hypothesis(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(texts.filter(bool), min_size=60, max_size=120, unique=True), st.sampled_from(["yaml", "json"]))
def test_puppet_reads_any_text_back(
    puppet_lookup: Lookup, tmp_path_factory: pytest.TempPathFactory, found: list[str], form: str
) -> None:
    """Few examples of many texts each: a Puppet takes half a second to start."""
    registry = registry_of(
        {(text, "v1"): entry(endpoint(text, text, datacenter=text, tags=(text,), meta={text: text})) for text in found}
    )
    known = expected(registry)
    assert puppet_lookup(write(tmp_path_factory.mktemp("data"), registry, format=form), known) == known


def two_datacenters() -> Registry:
    near = endpoint("http://10.0.0.1:8080/v1", datacenter="dc1")
    far = endpoint("http://10.1.0.2:8081/v1", "10.1.0.2", 8081, datacenter="dc2")
    return registry_of(
        {
            ("billing", None): entry(endpoint("https://billing.example", "billing.example", 443)),
            ("payments", "v1"): entry(near, far),
        }
    )


@pytest.mark.parametrize(
    ("form", "fact"), [("yaml", "facts.datacenter"), ("json", "facts.site.'data.center: 1'")], ids=["yaml", "json"]
)
@pytest.mark.parametrize(
    ("datacenter", "url"),
    [
        ("dc1", "http://10.0.0.1:8080/v1"),
        ("dc2", "http://10.1.0.2:8081/v1"),
        ("elsewhere", "http://10.0.0.1:8080/v1"),
        (None, "http://10.0.0.1:8080/v1"),
    ],
)
def test_a_node_gets_the_values_of_its_own_datacenter(
    puppet_lookup: Lookup, tmp_path: Path, datacenter: str | None, url: str, form: str, fact: str
) -> None:
    keys = {"profile::{service}::url": "url", "r::url": {"service": "payments", "version": "v1", "value": "url"}}
    folder = write(tmp_path, two_datacenters(), layers=["datacenter"], format=form, keys=keys, fact=fact)
    asked = ["frostline::service::payments", "frostline::service::billing", "frostline::index"]
    facts = {"datacenter": datacenter, "site": {"data.center: 1": datacenter}} if datacenter else {}
    found = puppet_lookup(folder, [*asked, "profile::payments::url", "profile::billing::url", "r::url"], facts)
    assert found["frostline::service::payments"]["v1"]["url"] == url
    assert found["profile::payments::url"] == found["r::url"] == url
    assert found["frostline::service::billing"]["unversioned"]["url"] == "https://billing.example"
    assert found["profile::billing::url"] == "https://billing.example"
    assert set(found["frostline::index"]) == {"billing", "payments"}


def test_a_part_of_a_service_can_be_looked_up_by_dots(puppet_lookup: Lookup, tmp_path: Path) -> None:
    key = "frostline::service::payments.v1.endpoints.1.port"
    assert puppet_lookup(write(tmp_path, two_datacenters()), [key]) == {key: 8081}


def test_a_class_gets_its_parameters_from_the_keys(puppet: str, tmp_path: Path) -> None:
    registry = registry_of({("count-api", "v1"): entry(endpoint("http://10.0.0.1:8080/%{x}", tags=("%{x}",)))})
    values = ("url", "urls", "address", "port", "endpoints")
    of_role = {"service": "count-api", "version": "v1", "value": "addresses"}
    keys = {f"{{service}}::{name}": name for name in values} | {"count_api::hosts": of_role}
    folder = write(tmp_path / "data", registry, layers=["datacenter"], keys=keys)
    manifest = tmp_path / "site.pp"
    parameters = "String $url, Array[String] $urls, String $address, Integer $port, Array[Hash] $endpoints, "
    parameters += "Array[String] $hosts"
    manifest.write_text(
        f"class count_api({parameters}) {{\n"
        "  notice(\"${url} ${urls[0]} ${address} ${$port + 1} ${endpoints[0]['tags'][0]} ${hosts}\")\n}\n"
        "include count_api\n"
    )
    own = [f"--{name}={tmp_path / name}" for name in ("confdir", "codedir", "vardir", "logdir", "rundir")]
    run = subprocess.run(
        [puppet, "apply", "--noop", "--color=false", *own, f"--hiera_config={folder / 'hiera.yaml'}", manifest],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ": http://10.0.0.1:8080/%{x} http://10.0.0.1:8080/%{x} 10.0.0.1 8081 %{x} [10.0.0.1]\n" in run.stdout


def test_levels_that_are_copied_into_an_eyaml_hierarchy_keep_their_reader(
    puppet_lookup: Lookup, tmp_path: Path
) -> None:
    registry = registry_of(
        {Key("shop", None): entry(endpoint("http://x", tags=("ENC[PKCS7,AAAA]",), datacenter="dc1"))}
    )
    data = write(tmp_path / "data", registry, layers=["datacenter"])
    copied = [
        level | {"datadir": str(data)} for level in yaml.safe_load((data / "hiera.yaml").read_text())["hierarchy"]
    ]
    theirs = {"version": 5, "defaults": {"lookup_key": "eyaml_lookup_key", "datadir": "data"}, "hierarchy": copied}
    (tmp_path / "hiera.yaml").write_text(yaml.safe_dump(theirs))
    known = expected(registry)
    assert puppet_lookup(tmp_path / "hiera.yaml", known, {"datacenter": "dc1"}) == known
