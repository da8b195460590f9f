"""Hostile names from a real Consul, through the command and the sample's template, as locations of a real nginx."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest
from consul_agent import ConsulAgent
from hostile import LONG_TEXTS, TEXTS

from frostline.text import escape_control
from frostline.text import quote as quote_name

pytestmark = pytest.mark.oldest_consul("test_exact_values reads such names back from each version")

SAMPLE = Path(__file__).parents[2] / "samples" / "router"
ECHO = 'server { listen 127.0.0.1:@PORT@; location / { return 200 "%s $request_uri"; } }'
CONFIG = """
version: 1
sources:
  mesh: {type: consul, select: {tags: [%s]}}
outputs:
  - {type: template, template: router.conf.j2, path: router.conf}
"""


def is_no_path(name: str) -> bool:
    """Whether nginx has no location for it alone: samples/router/README.md."""
    dots = any(segment in (".", "..") for segment in name.split("/"))
    within = any(name.startswith(f"{other}/") for other in TEXTS)
    return dots or within or "\0" in name or len(name) > 250


@pytest.fixture
def compiled(
    empty_consul: ConsulAgent, tmp_path: Path, run_frostline: Callable[..., subprocess.CompletedProcess[str]]
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """`compiled(tag)`: the command, run on the services with this tag."""
    shutil.copy(SAMPLE / "router.conf.j2", tmp_path)

    def compile_(tag: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "frostline.yaml").write_text(CONFIG % tag)
        return run_frostline("compile", cwd=tmp_path, env={"CONSUL_HTTP_ADDR": empty_consul.address})

    return compile_


def test_every_name_that_a_path_can_hold_is_a_location_of_its_own(
    compiled: Callable[[str], subprocess.CompletedProcess[str]],
    empty_consul: ConsulAgent,
    nginx: Callable[[str], str],
    tmp_path: Path,
) -> None:
    backends = [nginx(ECHO % name) for name in ("even", "odd")]
    names = [name for name in TEXTS if not is_no_path(name)]
    for number, name in enumerate(names):
        port = int(backends[number % 2].rsplit(":", 1)[1])
        empty_consul.catalog_register("router", name, id=f"id-{number}", address="127.0.0.1", port=port, tags=["path"])
    done = compiled("path")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "router.conf").read_text(encoding="utf-8")
    router = nginx(text.replace("listen 80;", "listen 127.0.0.1:@PORT@;"))
    connection = HTTPConnection(router.removeprefix("http://"), timeout=10)
    for number, name in enumerate(names):
        connection.request("GET", f"/{quote(name, safe='')}/x?y=%20")
        answer = connection.getresponse()
        said = answer.read().decode()
        assert (answer.status, said) == (200, f"{('even', 'odd')[number % 2]} /x?y=%20"), name
    connection.close()


@pytest.mark.parametrize("name", ["../..", "a/./b", "a//b", "a\0b", LONG_TEXTS[0]])
def test_a_name_that_no_path_can_hold_stops_the_compilation_and_is_named(
    name: str,
    compiled: Callable[[str], subprocess.CompletedProcess[str]],
    empty_consul: ConsulAgent,
    tmp_path: Path,
) -> None:
    for number, service in enumerate((name, "a")):
        empty_consul.catalog_register("router", service, id=f"id-{number}", address="127.0.0.1", port=1, tags=["no"])
    done = compiled("no")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("router.conf.j2:")
    assert f": service {escape_control(quote_name(name))}: " in done.stderr
    assert "with `select`" in done.stderr
    assert not (tmp_path / "router.conf").exists()
