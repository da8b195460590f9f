"""What the keys of a configuration mean, the defaults of its schema, and what any text gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hiera_settings import parameter_keys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frostline.config.yaml_reader import read_yaml
from frostline.errors import ErrorGroup, FrostlineError, UsageError
from frostline.model import FileOrigin
from frostline.pipeline.load.config import load_config
from frostline.resources import schema_text
from frostline.settings import Config, LiveLimits, PluginSettings, Select, Tls, Token
from frostline.sources.consul.settings import ConsulSettings
from frostline.sources.router import RouterName, RouterSettings
from frostline.sources.static import StaticSettings

COMPLETE = Path(__file__).parents[3] / "golden" / "config" / "complete"
MINIMAL = "sources:\n  mesh: {type: consul}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(text: str, name: str = "frostline.yaml") -> Config:
    Path(name).write_text(text, encoding="utf-8", newline="")
    return load_config(Path(name))


def errors_of(text: str) -> list[str]:
    with pytest.raises(ErrorGroup) as caught:
        load(text)
    return [f"{error.origin}: {error.message}" for error in caught.value.errors]


def consul(text: str) -> ConsulSettings:
    source = load(f"sources:\n  mesh:\n    type: consul\n    {text}\n").sources["mesh"]
    assert isinstance(source, ConsulSettings)
    return source


# What it means


def test_every_key_of_the_contract_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(COMPLETE)
    config = load_config(Path("frostline.yaml"))
    mesh, edge = config.sources["mesh"], config.sources["edge"]
    assert isinstance(mesh, ConsulSettings)
    assert (mesh.address, mesh.token) == ("https://consul.example:8501", Token(env="CONSUL_HTTP_TOKEN"))
    assert mesh.tls == Tls(
        ca_file=COMPLETE / "ca.pem", cert_file=COMPLETE / "c.pem", key_file=COMPLETE / "k.pem", server_name="x"
    )
    assert mesh.select == Select(tags=("api",), meta={"tier": "front"})
    assert mesh.limits == LiveLimits()
    assert isinstance(edge, RouterSettings)
    assert edge.sources == ("mesh",)
    assert edge.names == (RouterName(key=("legacy", "v1"), origin=FileOrigin("frostline.yaml", 37, 38)),)
    assert config.precedence == (("partners",), ("edge",), ("mesh",))
    assert config.checks.schema == (COMPLETE / "schemas" / "ours.schema.json",)
    assert config.checks.policies["ports"].value == {"allow": ["1024-65535"]}
    assert config.checks.waivers[0].until == "2027-01-31"
    assert [output.type for output in config.outputs] == ["python", "yaml", "hiera", "template"]
    assert config.outputs[0].prefer == ("dc1", "*")
    assert config.outputs[3].options == {
        "template": str(COMPLETE / "router.conf.j2"),
        "path": "nginx/router.conf",
    }
    assert config.manifest == COMPLETE / "frostline.manifest"


def test_a_source_alone_is_a_configuration(tmp_path: Path) -> None:
    config = load(MINIMAL)
    assert (config.root, config.lock, config.lock_is_folder) == (tmp_path, tmp_path / "frostline.lock", False)
    assert config.outputs == ()
    assert config.sources["mesh"] == ConsulSettings(name="mesh", origin=FileOrigin("frostline.yaml", 2, 3))


def test_static_services_have_versions_lists_and_places() -> None:
    text = (
        'sources:\n  s:\n    type: static\n    services:\n      a/b: {v1: ["http://x", "http://y"], no: "http://z"}\n'
    )
    source = load(text + "      1: http://w\n").sources["s"]
    assert isinstance(source, StaticSettings)
    assert [(found.service, found.version, found.url, found.origin.column) for found in source.services] == [
        ("a/b", "v1", "http://x", 18),
        ("a/b", "v1", "http://y", 30),
        ("a/b", "no", "http://z", 47),
        ("1", None, "http://w", 10),
    ]


def test_static_services_name_the_authentication_scheme_beside_their_url() -> None:
    services = {
        "a": '{v3: {url: ["http://x", "http://y"], auth: hmac}, v2: "http://z", auth: "http://w"}',
        "b": '{url: "http://x", auth: b.c-2}',
        "c": '{url: {url: "http://x"}, auth: {url: "http://y", auth: d}}',
    }
    lines = "".join(f"      {name}: {value}\n" for name, value in services.items())
    source = load(f"sources:\n  s:\n    type: static\n    services:\n{lines}").sources["s"]
    assert isinstance(source, StaticSettings)
    assert [(found.service, found.version, found.url, found.auth and found.auth.name) for found in source.services] == [
        ("a", "v3", "http://x", "hmac"),
        ("a", "v3", "http://y", "hmac"),
        ("a", "v2", "http://z", None),
        ("a", "auth", "http://w", None),
        ("b", None, "http://x", "b.c-2"),
        ("c", "url", "http://x", None),
        ("c", "auth", "http://y", "d"),
    ]
    assert source.services[0].auth is not None
    assert source.services[0].auth.origin == FileOrigin("frostline.yaml", 5, 53)


@pytest.mark.parametrize("kind", ["consul", "nomad", "jobspec"])
def test_a_source_reads_the_authentication_scheme_of_instances_from_a_meta_key(kind: str) -> None:
    more = ', files: ["*.hcl"]' if kind == "jobspec" else ""
    text = "sources:\n  s: {{type: {}, auth: {{meta: 'a b'}}{}}}\n"
    assert load(text.format(kind, more)).sources["s"].naming.auth == "a b"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "key"), [("a", ("a", None)), ("a/v1", ("a", "v1")), ("a/b/v1", ("a/b", "v1")), ("é/ü", ("é", "ü"))]
)
def test_a_router_name_is_split_at_its_last_slash(name: str, key: tuple[str, str | None]) -> None:
    text = f'sources:\n  r: {{type: router, url: "http://r/{{service}}", services: {{names: ["{name}"]}}}}\n'
    source = load(text).sources["r"]
    assert isinstance(source, RouterSettings)
    assert [found.key for found in source.names] == [key]
    assert source.unversioned_url is None


@pytest.mark.parametrize(
    "url",
    ["https://h", "http://[::1]:8080/v1?a=b", "http://[fe80::1%25eth0]/", "tcp://h", "http://a_b.c:1/%20", "HTTP://H"],
)
def test_static_urls_stay_as_written(url: str) -> None:
    source = load(f'sources: {{s: {{type: static, services: {{a: "{url}"}}}}}}\n').sources["s"]
    assert isinstance(source, StaticSettings)
    assert source.services[0].url == url


def test_an_output_selects_by_one_glob_or_several() -> None:
    config = load(
        f"{MINIMAL}outputs:\n- {{type: python, path: a.py, select: 'a*'}}\n- {{type: yaml, path: b, select: [a]}}\n"
    )
    assert [output.select.services for output in config.outputs] == [("a*",), ("a",)]


def test_an_output_is_named_by_its_path_as_written(tmp_path: Path) -> None:
    config = load(f"{MINIMAL}outputs:\n- {{type: yaml, path: ./a/../b.yaml}}\n- {{type: yaml, path: c, name: d}}\n")
    assert [(output.name, output.path) for output in config.outputs] == [
        ("./a/../b.yaml", tmp_path / "b.yaml"),
        ("d", tmp_path / "c"),
    ]


def test_options_are_the_keys_that_only_the_type_knows() -> None:
    text = (
        "- {type: yaml, path: a, name: n, format: json, split: service, fields: [id], prefer: [dc1], sources: [mesh]}\n"
    )
    config = load(f'{MINIMAL}outputs:\n{text}- {{type: hiera, path: b, keys: {{"p::{{service}}": url}}}}\n')
    assert config.outputs[0].options == {"format": "json", "split": "service", "fields": ["id"]}
    assert config.outputs[1].options == {
        "format": "yaml",
        "fact": "facts.datacenter",
        "keys": parameter_keys({"p::{service}": "url"}),
    }


def test_a_slash_at_its_end_makes_the_lock_a_folder(tmp_path: Path) -> None:
    assert load(f"lock: locks/\n{MINIMAL}").lock_is_folder
    assert not load(f"lock: locks\n{MINIMAL}").lock_is_folder
    (tmp_path / "locks").mkdir()
    assert load(f"lock: locks\n{MINIMAL}").lock_is_folder


def test_types_of_other_packages_without_a_schema_take_any_options(install_entries: Any) -> None:
    install_entries(sources={"dns": {}}, outputs={"graph": {}})
    config = load(
        "sources:\n  names: {type: dns, zone: [a, 1, 0.5, null]}\n"
        "outputs:\n- {type: graph, path: a, depth: 3, sources: [names]}\n"
    )
    origin = FileOrigin("frostline.yaml", 2, 3)
    assert config.sources["names"] == PluginSettings(
        name="names", type="dns", origin=origin, options={"zone": ["a", 1, 0.5, None]}
    )
    assert config.outputs[0].options == {"depth": 3}
    assert config.outputs[0].sources == ("names",)


@pytest.mark.parametrize("name", ["registry.txt", "registry", "my-registry.py", "1.py", "class.py", "a.b.py", ".py"])
def test_a_python_output_that_no_program_could_import_is_refused(name: str) -> None:
    (error,) = errors_of(f"{MINIMAL}outputs:\n- {{type: python, path: app/{name}}}\n")
    assert error == f"frostline.yaml:4:24: `app/{name}` is not the path of a Python module"


# The schema


def without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: without_places(item)
            for key, item in value.items()
            if key not in ("origin", "files_origin", "tls_origin")
        }
    return [without_places(item) for item in value] if isinstance(value, list | tuple) else value


def plain(config: Config) -> Any:
    return without_places(msgspec.to_builtins(config, enc_hook=str))


def defaults(name: str) -> dict[str, Any]:
    """Return every default of this part of the schema."""
    schema = json.loads(schema_text("config"))
    part = schema["$defs"][name] if name else schema
    return {key: written_out(value, schema) for key, value in part["properties"].items() if has_default(value, schema)}


def target(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    found = schema
    for step in value["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return target(found, schema) | value


def has_default(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    return "default" in target(value, schema)


def written_out(value: dict[str, Any], schema: dict[str, Any]) -> Any:
    value = target(value, schema)
    if value["default"] != {}:
        return value["default"]
    inner = value.get("properties", {})
    return {key: written_out(item, schema) for key, item in inner.items() if has_default(item, schema)}


def test_the_defaults_of_the_schema_are_those_of_the_settings() -> None:
    router = {"type": "router", "url": "http://r/{service}"}
    waiver = {"rule": "ports", "until": "2027-01-31", "why": "x"}
    outputs = [{"type": kind, "path": f"{kind}.py", "verify": ["x"]} for kind in ("python", "yaml", "hiera")]
    bare = {
        "sources": {"mesh": {"type": "consul"}, "edge": router},
        "checks": {
            "waivers": [waiver],
            "policies": {"min_instances": {"a": 1, "default": 0}, "addresses": {"deny": []}},
        },
        "outputs": outputs,
    }
    full = defaults("") | {
        "sources": {"mesh": {"type": "consul"} | defaults("consul"), "edge": router | defaults("router")},
        "checks": {"schema": [], "waivers": [waiver | {"service": "*"}], "policies": bare["checks"]["policies"]},
        "outputs": [output | without_empty(defaults(output["type"])) for output in outputs],
    }
    assert full["sources"]["mesh"]["select"]["services"] == ["*", "!consul"]
    assert full["guards"]["delete"] == "30%"
    left, right = plain(load(yaml.safe_dump(bare))), plain(load(yaml.safe_dump(full)))
    assert left == right


def without_empty(options: dict[str, Any]) -> dict[str, Any]:
    """Drop empty lists and maps: options of outputs are kept as written, and these mean the same as no option."""
    return {key: value for key, value in options.items() if value not in ([], {})}


def properties(schema: Any) -> list[tuple[str, dict[str, Any]]]:
    """(name, subschema) of each property that is described anywhere in the schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in properties(item)]
    if not isinstance(schema, dict):
        return []
    own = list(schema.get("properties", {}).items()) if isinstance(schema.get("properties"), dict) else []
    return own + [found for key, value in schema.items() if key not in ("if", "default") for found in properties(value)]


def test_every_key_has_a_type_and_a_description_in_the_schema() -> None:
    schema = json.loads(schema_text("config"))
    found = properties(schema)
    assert len(found) > 80
    for name, value in found:
        whole = target(value, schema)
        assert whole.get("description") or "const" in whole, name
        assert any(key in whole for key in ("type", "enum", "const", "$ref")), name


# Anything at all

WORDS = """
    sources outputs type consul static router path token { } [ ] : * *a ! << ' | > % @ # ? 1 ~ true é 5s 30% 0x --- ...
    {service} http://x 1e999
"""
PIECES = st.sampled_from([*WORDS.split(), *'"\\\t\0\n\u2028\ufeff😀', "\\ud800", ": ", "- ", "&a ", "!!int ", "\n  "])


def loads_or_says_why(text: str) -> None:
    try:
        load(text)
    except FrostlineError as error:
        assert isinstance(error, ErrorGroup)
        for member in error.errors:
            assert isinstance(member, UsageError)
            assert member.help
            assert isinstance(member.origin, FileOrigin)


@given(st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_configuration_or_says_why_not(text: str) -> None:
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        loads_or_says_why(text)


@given(st.binary(max_size=60))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_configuration_or_say_why_not(raw: bytes) -> None:
    Path("frostline.yaml").write_bytes(raw)
    with pytest.raises(FrostlineError):
        load_config(Path("frostline.yaml"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["consul", "static", "router", "yaml", "", "*", "mesh", "edge", "{service}", "http://{address}", "a/../.."]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "path", "value", "severity", "from", "env", "url", "a", "default"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)


def mangled(value: Any, path: list[int], new: Any) -> Any:
    """Return a copy in which the value at `path` is `new`."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    chosen = keys[path[0] % len(keys)]
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[chosen] = mangled(value[chosen], path[1:], new)
    return copy


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), VALUES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mangled_configuration_says_what_is_wrong(path: list[int], new: Any) -> None:
    whole = read_yaml((COMPLETE / "frostline.yaml").read_bytes(), "").value
    loads_or_says_why(yaml.safe_dump(mangled(whole, path, new), allow_unicode=True, sort_keys=False))
