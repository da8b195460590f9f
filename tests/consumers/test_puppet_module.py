"""The Puppet module in real Puppets: functions, types and data give what was frozen, or say why not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from catalog import HOSTILE
from programs import path_of
from puppet_data import evaluated

from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.puppet_module.output import render
from frostline.outputs.values import service_value
from frostline.registry.assembling import with_prefer
from frostline.settings import OutputSettings

ODD = (
    *HOSTILE,
    "a::b",
    "frostline::index",
    "lookup_options",
    'it\'s."both"',
    "ENC[PKCS7,AAAA]",
    "%{literal('%')}{",
    "${facts['x']}",
    "\x00\x7f",
    "\U0001f469\u200d\U0001f4bb",
    "%2E",
    "x y" * 100,
)

VERSIONS = ("puppet", pytest.param("puppet-8", marks=pytest.mark.more_readers))


@pytest.fixture(params=VERSIONS)
def puppet(request: pytest.FixtureRequest) -> str:
    """Puppet 7, and in `make consumers` Puppet 8."""
    return path_of(request.param)


def endpoint(url: str, datacenter: str = "", **more: Any) -> Endpoint:
    return Endpoint(url=url, address="10.0.0.1", port=80, source="mesh", datacenter=datacenter, **more)


def entry(*endpoints: Endpoint) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",))


def write_module(modules: Path, registry: Registry, name: str = "frostline", **options: Any) -> None:
    path = modules / name
    settings = OutputSettings(
        name="m", type="puppet-module", path=path, origin=FileOrigin("frostline.yaml"), options=options
    )
    view = View(registry=registry, prefer=(), preferring=lambda datacenters: with_prefer(registry, datacenters))
    for artifact in render(view, settings).artifacts:
        (path / artifact.path).parent.mkdir(parents=True, exist_ok=True)
        (path / artifact.path).write_bytes(b"".join(artifact.chunks))


def quoted(text: str) -> str:
    """A string of Puppet's language in which nothing but letters and digits stands for itself.

    A backslash is doubled: Puppet takes `\\u{5c}` for the start of another escape.
    """
    pieces = (each if each.isascii() and each.isalnum() else f"\\u{{{ord(each):x}}}" for each in text)
    return '"' + "".join("\\\\" if piece == "\\u{5c}" else piece for piece in pieces) + '"'


Evaluate = Callable[..., tuple[dict[str, Any], dict[str, str]]]


@pytest.fixture
def evaluate(puppet: str, tmp_path: Path) -> Evaluate:
    """`evaluate(expressions, **more)`: their values, and the messages of those that fail, in one process."""

    def run(code: Iterable[str], **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
        folder = tmp_path / "puppet"
        folder.mkdir()
        return evaluated(puppet, tmp_path / "modules", code, folder, **more)

    return run


def test_any_name_is_found_by_itself_and_any_value_comes_back(evaluate: Evaluate, tmp_path: Path) -> None:
    entries = {}
    for name in ODD:
        point = endpoint(name, name, tags=(name, "x"), meta={name: name}, weight=2**31)
        entries[Key(name, None)] = entry(point)
        entries[Key(name, name)] = Entry(url=name, endpoints=(point, point), sources=("mesh", name), auth=name)
    write_module(tmp_path / "modules", registry_of(entries), layers=["datacenter"])
    registry = registry_of(entries)
    expected: dict[str, Any] = {}
    for name, versions in registry.services.items():
        expected[f"frostline::service({quoted(name)})"] = service_value(versions)
        expected[f"frostline::url({quoted(name)})"] = name
        expected[f"frostline::endpoints({quoted(name)}, {quoted(name)})"] = service_value(versions)[name]["endpoints"]
    found, errors = evaluate(expected)
    assert errors == {}
    assert found == expected


def small_registry() -> Registry:
    near, far = endpoint("http://near/v1", "dc1"), endpoint("http://far/v1", "dc2")
    return registry_of(
        {
            Key("payments", "v1"): entry(near, far),
            Key("payments", "v2"): entry(),
            Key("payments", "v3\nError: forged"): entry(near),
            Key("count-api", None): entry(endpoint("http://count")),
            Key("paymentz\nError: forged", None): entry(near),
        }
    )


FAILURES = {
    "url('paymnts', 'v1')": "there is no service 'paymnts'; did you mean 'payments'?",
    "url('pyaments')": "there is no service 'pyaments'; did you mean 'payments'?",
    "endpoints('Count_API')": "there is no service 'Count_API'; did you mean 'count-api'?",
    "service('payments-v1')": "there is no service 'payments-v1'; did you mean 'payments'?",
    "service('pay')": "there is no service 'pay'; did you mean 'payments'?",
    "service('zzz')": "there is no service 'zzz' (",
    "url('.*')": "there is no service '.*' (",
    'url("a\\n(")': 'there is no service "a\\n(" (',
    "url('payments')": "'payments' is not in the registry without a version; it has 'v1', 'v2' (",
    "url('payments', 'v4')": "'payments' has no version 'v4'; it has 'v1', 'v2' (",
    "url('count-api', 'v1')": "'count-api' has no version 'v1'; it has no version: leave the version out",
    "url('payments', 'v2')": "'payments' 'v2' has no endpoint: it is only declared",
    "endpoints('payments', 'v2')": "'payments' 'v2' has no endpoint: it is only declared",
    "url('')": "expects a String[1]",
    "url(1)": "expects a String",
}


def test_a_call_for_what_is_not_there_says_why_and_what_is(evaluate: Evaluate, tmp_path: Path) -> None:
    write_module(tmp_path / "modules", small_registry())
    found, errors = evaluate([f"frostline::{call}" for call in FAILURES])
    assert found == {}
    for call, says in FAILURES.items():
        message = errors[f"frostline::{call}"]
        assert says in message
        assert "forged" not in message


def test_a_node_gets_the_url_of_its_datacenter_by_its_certificate(evaluate: Evaluate, tmp_path: Path) -> None:
    fact = "trusted.extensions.pp_datacenter"
    options = {"module": "acme-shop_registry", "format": "yaml", "layers": ["datacenter"], "fact": fact}
    write_module(tmp_path / "modules", small_registry(), "shop_registry", **options)
    override = tmp_path / "hiera.yaml"
    override.write_text(
        '{"version": 5, "hierarchy": [{"name": "o", "datadir": ".", "path": "o.yaml", "data_hash": "yaml_data"}]}'
    )
    (tmp_path / "o.yaml").write_text(
        '"shop_registry::service::count-api": {unversioned: {url: "http://mine", endpoints: []}}'
    )
    calls = {
        "shop_registry::url('payments', 'v1')": "http://far/v1",
        "shop_registry::service('payments')['v2'] =~ Shop_registry::Entry": True,
        "shop_registry::endpoints('payments', 'v1') =~ Array[Shop_registry::Endpoint, 2, 2]": True,
        "shop_registry::url('count-api')": "http://mine",
        "{ 'url' => 1 } =~ Shop_registry::Entry": False,
    }
    trusted = {"extensions": {"pp_datacenter": "dc2"}}
    found, errors = evaluate(
        calls, hiera=override, facts={"datacenter": "dc1"}, trusted=trusted, keys=["shop_registry::index"]
    )
    assert errors == {}
    assert found.pop("shop_registry::index")["payments"] == "shop_registry::service::payments"
    assert found == calls


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, with a home and a locale of its own: what it prints on both."""
    environment = {**os.environ, "HOME": str(folder), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


@pytest.mark.more_readers
def test_the_parser_takes_every_file(puppet: str, tmp_path: Path) -> None:
    write_module(tmp_path / "modules", small_registry(), "shop_registry")
    files = sorted(str(path) for path in (tmp_path / "modules").rglob("*.pp"))
    own = [f"--{name}={tmp_path / name}" for name in ("confdir", "codedir", "vardir", "logdir", "rundir")]
    done = run([puppet, "parser", "validate", "--color=false", "--strict=error", *own, *files], tmp_path)
    assert (len(files), done.returncode, done.stdout, done.stderr) == (11, 0, "", "")


@pytest.mark.more_readers
def test_the_linters_take_the_module(program: Callable[[str], str], tmp_path: Path) -> None:
    write_module(tmp_path / "modules", small_registry(), "shop_registry", module="acme-shop_registry")
    module = tmp_path / "modules" / "shop_registry"
    for command in (
        [program("puppet-lint"), "--fail-on-warnings", "--relative", str(module)],
        [program("metadata-json-lint"), "--fail-on-warnings", str(module / "metadata.json")],
    ):
        done = run(command, tmp_path)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
