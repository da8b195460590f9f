"""The templates that come with frostline: the table and its files, and the keys that each of them takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from frostline.errors import UsageError
from frostline.model import Endpoint, Entry, FileOrigin, Key, Registry, registry_of
from frostline.outputs.base import View
from frostline.outputs.template.builtins import TABLE
from frostline.outputs.template.output import render
from frostline.resources import resource_folder
from frostline.settings import OutputSettings

ROOT = Path(__file__).parents[4]


def test_each_file_is_in_the_table_and_the_other_way_round() -> None:
    files = {path.name for path in (resource_folder("templates") / "builtin").iterdir() if path.suffix == ".j2"}
    assert files == {builtin.file for builtin in TABLE.values()}
    assert all(builtin.path.is_file() for builtin in TABLE.values())
    assert list(TABLE) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_template_reads_its_variables_and_the_page_names_them(name: str) -> None:
    builtin = TABLE[name]
    text = builtin.path.read_text(encoding="utf-8")
    assert [variable for variable in builtin.variables if f"vars.{variable}" not in text] == []
    page = (ROOT / "docs" / "outputs" / "template.md").read_text(encoding="utf-8")
    table = page.partition("\n## Templates that come with frostline\n")[2]
    (row,) = [line for line in table.splitlines() if line.startswith((f"| `{name}` |", f"| [`{name}`]("))]
    assert [variable for variable in builtin.variables if f"`{variable}`" not in row] == []


def registry(name: str, **fields: object) -> Registry:
    """One service with one endpoint, at 10.0.0.1:80 if the fields don't say other."""
    values = {"address": "10.0.0.1", "port": 80, "url": "http://10.0.0.1", "source": "mesh"} | fields
    endpoint = Endpoint(**values)  # type: ignore[arg-type]
    return registry_of({Key(name, None): Entry(url=endpoint.url, endpoints=(endpoint,), sources=("mesh",))})


def rendered(builtin: str, services: Registry, **variables: str) -> str:
    options = {"builtin": builtin, "vars": variables}
    settings = OutputSettings(
        name="out", type="template", path=Path("/srv/out"), origin=FileOrigin("frostline.yaml"), options=options
    )
    (artifact,) = render(View(registry=services, prefer=(), preferring=lambda _: services), settings).artifacts
    return b"".join(artifact.chunks).decode()


@pytest.mark.parametrize("address", ["unix", "UNIX"])
def test_a_host_that_nginx_takes_for_a_socket_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="for the path of a socket"):
        rendered("nginx", registry("shop", address=address))
    assert 'server "unix.example:80" ' in rendered("nginx", registry("shop", address="unix.example"))


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "-localhost-", "ip6-localhost", "ip6_loopback"])
def test_no_service_takes_the_name_of_the_machine_itself(name: str) -> None:
    with pytest.raises(UsageError, match="this machine's own name"):
        rendered("hosts", registry(name))
    assert ".internal\n" in rendered("hosts", registry(name), domain="internal")


def test_an_endpoint_without_a_port_has_that_of_its_scheme_or_is_refused() -> None:
    services = registry("shop", port=0, url="https://10.0.0.1/")
    assert "SHOP_PORT=443\n" in rendered("dotenv", services)
    with pytest.raises(UsageError, match="without one: leave it out"):
        rendered("kubernetes", services)


@pytest.mark.parametrize("builtin", ["ansible", "spring", "traefik"])
@pytest.mark.parametrize("name", ["x" * 990, "x" * 1100, "\x01" * 300])
def test_no_name_is_longer_than_a_key_of_yaml(builtin: str, name: str) -> None:
    if builtin == "spring" and len(name.encode("unicode_escape")) > 1000:
        with pytest.raises(UsageError, match="YAML has no keys as long as the name"):
            rendered(builtin, registry(name))
        return
    text = rendered(builtin, registry(name))
    keys = [line.strip().partition(":")[0] for line in text.splitlines()]
    assert max(map(len, keys)) <= 1024
    yaml.load(text.replace("!unsafe ", ""), yaml.SafeLoader)


def test_an_error_of_a_template_that_comes_along_is_said_of_the_output_that_has_it() -> None:
    with pytest.raises(UsageError) as caught:
        rendered("nginx", registry("a/b"))
    assert str(caught.value.origin) == "frostline.yaml:1:1"
    assert "the output `out`: service a/b: no location of nginx leads to it" in caught.value.message
