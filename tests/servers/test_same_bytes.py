"""Same input, same bytes: in any locale, hash seed and order of answers, whatever else the server holds."""

from __future__ import annotations

import json
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

Frozen = tuple[dict[str, bytes], str]


@pytest.fixture(scope="module")
def catalog(consul: ConsulAgent) -> ConsulAgent:
    consul.reset()
    for number in range(24):
        name = f"shop-{'zyxIİıßé'[number % 8]}{number // 8}-v{number % 3 + 1}"
        consul.register(
            name,
            id=f"{name}-{number}",
            address=f"10.0.{number % 5}.{number}",
            port=8000 + number,
            tags=["shop", f"t{number % 4}", "ü", "I", "i"],
            meta={"owner": "x", "z": "1", "a": str(number)} if number % 2 else {"b": "2"},
            status="critical" if number % 7 == 0 else "passing",
        )
    return consul


@pytest.fixture
def frozen(
    tmp_path: Path, catalog: ConsulAgent, run_frostline: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[..., Frozen]:
    """`frozen(address=None, **env)`: every file that a compilation in a new folder writes, and what it says."""

    def freeze(address: str | None = None, *, name: str = "here", **env: str) -> Frozen:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "frostline.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "hosts.j2").write_text(HOSTS, encoding="utf-8")
        run = run_frostline("compile", cwd=folder, env={"CONSUL_HTTP_ADDR": address or catalog.address, **env})
        assert run.returncode == 0, run.stderr
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        shutil.rmtree(folder)
        return files, run.stderr

    return freeze


@pytest.fixture
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


@pytest.mark.parametrize("seed", range(10))
def test_every_hash_seed_gives_the_same_bytes_and_words(
    seed: int, frozen: Callable[..., Frozen], expected: Frozen
) -> None:
    assert frozen(PYTHONHASHSEED=str(seed)) == expected


def test_every_locale_gives_the_same_bytes_and_words(
    frozen: Callable[..., Frozen], expected: Frozen, turkish: dict[str, str]
) -> None:
    for env in (
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        turkish,
    ):
        assert frozen(**env)[0] == expected[0], env


def test_time_zone_and_folder_change_nothing(frozen: Callable[..., Frozen], expected: Frozen) -> None:
    assert frozen(name="somewhere else", TZ="Pacific/Kiritimati", HOME="/nonexistent") == expected


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
    for seed in range(5):
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
