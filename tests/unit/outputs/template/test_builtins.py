"""The templates that come with frostline: the table and its files, and the keys that each of them takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from frostline.errors import ErrorGroup, UsageError
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


def registry(*names: str, **fields: object) -> Registry:
    """Services of these names with one endpoint each, at 10.0.0.1:80 if the fields don't say other. `{}` in a URL is
    the name."""
    values = {"address": "10.0.0.1", "port": 80, "url": "http://10.0.0.1", "source": "mesh"} | fields
    entries = {}
    for name in sorted(names):
        endpoint = Endpoint(**values | {"url": str(values["url"]).replace("{}", name)})  # type: ignore[arg-type]
        entries[Key(name, None)] = Entry(url=endpoint.url, endpoints=(endpoint,), sources=("mesh",))
    return registry_of(entries)


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


def test_endpoints_of_which_some_have_https_are_refused_for_nginx_which_calls_all_alike() -> None:
    urls = ("http://10.0.0.1", "https://10.0.0.2")
    plain, secure = (Endpoint(url=url, address=url.rpartition("/")[2], port=80, source="mesh") for url in urls)
    for endpoints in ((plain, secure), (secure, plain)):
        entry = Entry(url=endpoints[0].url, endpoints=endpoints, sources=("mesh",))
        with pytest.raises(UsageError, match="service `shop`: nginx calls all its endpoints alike"):
            rendered("nginx", registry_of({Key("shop", None): entry}))
    assert "proxy_pass https://shop/;" in rendered("nginx", registry("shop", url="https://10.0.0.1"))


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "-localhost-", "ip6-localhost", "ip6_loopback"])
def test_no_service_takes_the_name_of_the_machine_itself(name: str) -> None:
    with pytest.raises(UsageError, match="this machine's own name"):
        rendered("hosts", registry(name))
    assert ".internal\n" in rendered("hosts", registry(name), domain="internal")


def test_an_endpoint_without_a_port_has_that_of_its_scheme_or_is_refused() -> None:
    services = registry("shop", port=0, url="https://10.0.0.1/")
    assert "SHOP_PORT=443\n" in rendered("dotenv", services)
    with pytest.raises(UsageError, match="one of its endpoints is registered without one"):
        rendered("kubernetes", services)


@pytest.mark.parametrize("builtin", ["ansible", "spring", "traefik"])
@pytest.mark.parametrize("name", ["x" * 990, "x" * 1100, "\x01" * 300])
def test_no_name_is_longer_than_a_key_of_yaml(builtin: str, name: str) -> None:
    if builtin == "spring" and len(name.encode("unicode_escape")) > 1000:
        with pytest.raises(UsageError, match="YAML has no keys that are so long"):
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
    assert "the output `out`: service `a/b`: no location of nginx leads to it" in caught.value.message


def test_a_template_that_comes_along_names_all_services_that_it_refuses_and_how_to_leave_them_out() -> None:
    with pytest.raises(UsageError) as caught:
        rendered("nginx", registry("a/b", "good", "c,d/e", "!x/[y]"))
    assert caught.value.message == (
        "the output `out`: services `!x/[y]`, `a/b`, `c,d/e`: no location of nginx leads to it"
    )
    assert caught.value.help == 'leave them out of the output: `select: ["*", "!?x/?y]", "!a/b", "!c?d/e"]`'


def test_each_reason_to_refuse_services_is_an_error_of_its_own() -> None:
    with pytest.raises(ErrorGroup) as caught:
        rendered("hosts", registry("10", "localhost", "good", "20"))
    assert [error.message for error in caught.value.errors] == [
        "the output `out`: services `10`, `20`: its name would be read as an address",
        "the output `out`: service `localhost`: it would give this machine's own name to another",
    ]
    assert (caught.value.errors[1].help or "").startswith("set the variable `domain`, or leave it out of the output: ")


def test_what_a_template_refuses_is_said_also_where_it_then_cannot_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "ours.j2"
    monkeypatch.setattr("frostline.outputs.template.output.template_path", lambda settings: template)
    template.write_text("{% for entry in entries %}{{ fail('no') }}{% endfor %}{{ nothing.more }}")
    with pytest.raises(UsageError, match="the output `out`: service `a`: no"):
        rendered("nginx", registry("a"))
    template.write_text("{{ nothing.more }}")
    with pytest.raises(UsageError, match="'nothing' is undefined"):
        rendered("nginx", registry("a"))


def test_ten_thousand_refused_services_are_one_short_error() -> None:
    with pytest.raises(UsageError) as caught:
        rendered("nginx", registry(*(f"a/{number}" for number in range(10_000))))
    assert "and 9990 more: no location" in caught.value.message
    assert len(caught.value.message) + len(caught.value.help or "") < 500


def test_many_values_that_a_template_cannot_quote_are_some_errors_that_say_how_many_more_there_are() -> None:
    with pytest.raises(ErrorGroup) as caught:
        rendered("dotenv", registry(*(f"s{number}" for number in range(50)), url="http://10.0.0.1/{}/$x"))
    assert len(caught.value.errors) <= 11
    assert all("leave" in (error.help or "") for error in caught.value.errors)
