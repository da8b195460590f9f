"""Same input, same bytes: in any locale, hash seed and order of answers, whatever else the server holds."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from consul_agent import ConsulAgent
from faulty_proxy import FaultyProxy

CONFIG = """
version: 1
sources:
  mesh:
    type: consul
    select: {tags: [shop]}
  edge: {type: router, url: "http://router/{service}-{version}", unversioned_url: "http://router/{service}"}
  partners: {type: static, services: {mail: {v3: "https://mail.example"}, İstanbul: "https://i.example"}}
precedence: [partners, mesh, edge]
checks: {policies: {meta: {required: [owner], severity: warning}}}
outputs:
  - {type: python, path: app/registry.py, prefer: ["*"]}
  - {type: yaml, path: services.yaml, fields: [id, node, namespace]}
  - {type: yaml, path: by-service, split: service, format: json}
  - {type: hiera, path: puppet, layers: [datacenter]}
  - {type: template, template: hosts.j2, path: hosts}
"""
HOSTS = """{% for service in services %}{% for version in service.versions %}{% for one in version.endpoints %}
{{ one.address }} {{ service.name | shell }} {{ one.meta | json }} {{ one.tags | json }}
{% endfor %}{% endfor %}{% endfor %}"""

INSTANCES = 24

process_alone = pytest.mark.oldest_consul("only frostline's own process differs from run to run")

Frozen = tuple[dict[str, bytes], str]


def register(agent: ConsulAgent, number: int) -> str:
    """Registers the instance of this number; its id."""
    name = f"shop-{'zyxIİıßé'[number % 8]}{number // 8}-v{number % 3 + 1}"
    agent.register(
        name,
        id=f"{name}-{number}",
        address=f"10.0.{number % 5}.{number}",
        port=8000 + number,
        tags=["shop", f"t{number % 4}", "ü", "I", "i"],
        meta={"owner": "x", "z": "1", "a": str(number)} if number % 2 else {"b": "2"},
        status="critical" if number % 7 == 0 else "passing",
        settle=False,
    )
    return f"{name}-{number}"


@pytest.fixture(scope="module")
def catalog(consul: ConsulAgent) -> ConsulAgent:
    consul.reset()
    for number in range(INSTANCES):
        register(consul, number)
    consul.settle()
    return consul


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def frozen(
    tmp_path_factory: pytest.TempPathFactory,
    catalog: ConsulAgent,
    run_frostline: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[..., Frozen]:
    """`frozen(address=None, **env)`: every file that a compilation in a new folder writes, and what it says.

    name: of the folder. below: the working folder, from the new one.
    """

    def freeze(address: str | None = None, *, name: str = "here", below: str = ".", **env: str) -> Frozen:
        folder = tmp_path_factory.mktemp("frozen") / name
        (folder / below).mkdir(parents=True)
        (folder / "frostline.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "hosts.j2").write_text(HOSTS, encoding="utf-8")
        given = () if below == "." else ("-c", os.path.relpath(folder / "frostline.yaml", folder / below))
        run = run_frostline(
            "compile", *given, cwd=folder / below, env={"CONSUL_HTTP_ADDR": address or catalog.address, **env}
        )
        assert run.returncode == 0, run.stderr
        files = files_in(folder)
        shutil.rmtree(folder)
        return files, run.stderr

    return freeze


@pytest.fixture(scope="module")
def expected(frozen: Callable[..., Frozen]) -> Frozen:
    files, said = frozen(PYTHONHASHSEED="1")
    assert {"frostline.lock", "frostline.manifest", "app/registry.pyi", "puppet/common.yaml", "hosts"} <= set(files)
    assert b"shop-z0" in files["services.yaml"]
    assert "warning[meta]" in said
    return files, said


@pytest.fixture(scope="module")
def turkish(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Turkish locale, where "I".lower() in C is not "i"; its data is made where that can be."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        made = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")]
        subprocess.run(made, capture_output=True, check=False)
    return {"LOCPATH": str(folder), "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}


@process_alone
@pytest.mark.parametrize("seed", [*range(4), "random"])
def test_every_hash_seed_gives_the_same_bytes_and_words(
    seed: int | str, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    assert frozen(PYTHONHASHSEED=str(seed)) == expected


@process_alone
def test_every_locale_gives_the_same_bytes_and_words(
    frozen: Callable[..., Frozen], expected: Frozen, turkish: dict[str, str]
) -> None:
    for env in (
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        turkish,
    ):
        assert frozen(**env)[0] == expected[0], env


@process_alone
def test_time_zone_and_folder_change_nothing(frozen: Callable[..., Frozen], expected: Frozen) -> None:
    assert frozen(name="somewhere else", TZ="Pacific/Kiritimati", HOME="/nonexistent") == expected
    assert frozen(below="a/b")[0] == expected[0]


@process_alone
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_umask_changes_no_byte(umask: int, frozen: Callable[..., Frozen], expected: Frozen) -> None:
    before = os.umask(umask)
    try:
        assert frozen() == expected
    finally:
        os.umask(before)


def _shuffled(seed: int) -> Callable[[bytes], bytes]:
    draw = random.Random(seed)

    def mixed(value: Any) -> Any:
        if isinstance(value, list):
            return draw.sample([mixed(one) for one in value], len(value))
        if isinstance(value, dict):
            return {key: mixed(value[key]) for key in draw.sample(list(value), len(value))}
        return value

    def change(body: bytes) -> bytes:
        try:
            return json.dumps(mixed(json.loads(body))).encode()
        except ValueError:
            return body

    return change


@pytest.fixture
def proxy(catalog: ConsulAgent) -> Iterator[FaultyProxy]:
    made = FaultyProxy(int(catalog.address.rsplit(":", 1)[1]))
    yield made
    made.stop()


def test_the_order_of_answers_changes_nothing(
    proxy: FaultyProxy, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    for seed in range(3):
        proxy.change = _shuffled(seed)
        assert frozen(proxy.address) == expected


def test_what_is_not_selected_changes_nothing_when_it_comes_and_goes(
    catalog: ConsulAgent, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    catalog.register("elsewhere-v1", id="elsewhere", port=1, tags=["other"])
    catalog.register("shop-z0-v1", id="no-such-tag", port=2, tags=["other"])
    catalog.register("shop-z0-v1-proxy", id="proxy", port=3, tags=["shop"], kind="connect-proxy")
    assert frozen()[0] == expected[0]
    for id_ in ("elsewhere", "no-such-tag", "proxy"):
        catalog.deregister(id_)
    assert frozen()[0] == expected[0]


def test_another_node_changes_nothing_when_it_comes_and_goes(
    catalog: ConsulAgent, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    catalog.catalog_register("aaa", "elsewhere-v1", node_status="critical", tags=["other"], port=1)
    catalog.catalog_register("zzz")
    assert frozen()[0] == expected[0]
    catalog.catalog_deregister("aaa")
    catalog.catalog_deregister("zzz")
    assert frozen()[0] == expected[0]


def test_what_was_registered_anew_in_another_order_gives_the_same_bytes(
    catalog: ConsulAgent, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    # Consul's indexes are others then: each instance's and each service's.
    for number in random.Random(1).sample(range(INSTANCES), INSTANCES):
        catalog.deregister(register(catalog, number), settle=False)
        register(catalog, number)
    catalog.settle()
    assert frozen()[0] == expected[0]


REFUSED = """
checks:
  policies:
    meta: {required: [owner, team, z]}
    tags: {required: [api, t1]}
    min_instances: {default: 2}
    required: [nobody/v1, nobody, shop-z0/v9]
    names: "^[a-x]+$"
    ports: {allow: ["1-8005"]}
    addresses: {deny: [10.0.3.0/24, 10.0.1.0/24]}
"""
WRONG = """
version: 2
surces: {}
sources:
  mesh: {type: consul, tokn: x, select: {services: 3, healt: [passing]}, url: "{scheme}://{adress}/{x}"}
outputs: [{type: pyton, path: a.py}, {type: yaml, path: ../a}, {type: yaml, path: x}, {type: hiera, path: x}]
"""
REPORTS = [
    ("plan", "--format", "json"),
    ("check", "--live", "--format", "json"),
    ("list", "--format", "json"),
    ("explain", "shop-z0"),
    ("explain", "shop-zz0"),
]


@process_alone
def test_what_the_command_reports_is_the_same_under_every_hash_seed(
    tmp_path: Path, catalog: ConsulAgent, run_frostline: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    def said(seed: int, *arguments: str) -> tuple[int, str, str]:
        env = {"CONSUL_HTTP_ADDR": catalog.address, "PYTHONHASHSEED": str(seed)}
        run = run_frostline(*arguments, cwd=tmp_path, env=env)
        return run.returncode, run.stdout, run.stderr

    (tmp_path / "hosts.j2").write_text(HOSTS, encoding="utf-8")
    refused = "".join(line for line in CONFIG.splitlines(keepends=True) if not line.startswith("checks:")) + REFUSED
    for config, status, reports in ((CONFIG, 0, REPORTS), (refused, 4, REPORTS[:2]), (WRONG, 2, REPORTS[:1])):
        (tmp_path / "frostline.yaml").write_text(config, encoding="utf-8")
        assert said(0, "compile")[0] == status
        for report in reports:
            first = said(0, *report)
            assert first[0] in (0, 1, status)
            assert said(1, *report) == first
