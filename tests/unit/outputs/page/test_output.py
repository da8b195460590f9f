"""The page: its data row by row, a policy that fits what is in it, and no text that could be markup."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from frostline.model import (
    Bind,
    DeclaredProperties,
    Dependency,
    Endpoint,
    Entry,
    FileOrigin,
    Finding,
    InstanceOrigin,
    Key,
    Registry,
    Upstream,
    registry_of,
)
from frostline.outputs.base import Beside, View, claims_of
from frostline.outputs.page.output import render
from frostline.resources import resource_folder
from frostline.settings import EndpointMatch, OutputSettings, Override, Replacement, Waiver
from frostline.text import UNPRINTABLE

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "outputs" / "page"
DATA = 'script type="application/json" id="data"'
PLACE = FileOrigin("frostline.yaml", 9, 5)
ASSETS = resource_folder("templates") / "page"

HOSTILE = (
    "</script><script>x()</script>",
    "<!--",
    '","',
    "],[",
    "},{",
    "a\0b",
    "\x7f",
    "\u2028",
    "\u202eabc",
    "@@data@@",
)

BESIDE = Beside(
    overrides=(
        Override(
            service="payments/*",
            until="2027-01-31",
            why="disk",
            origin=PLACE,
            drop=(EndpointMatch(origin=PLACE, address="10.0.0.9", port=1),),
            add=(("http://10.0.0.12:8080/v1", PLACE),),
            replace=(Replacement("http://a/", "http://b/", PLACE),),
        ),
    ),
    waivers=(
        Waiver(rule="port-zero", service="ledger", until="2026-12-31", why="moves", origin=PLACE),
        Waiver(rule="meta", until="2026-12-31", why="all", origin=PLACE),
    ),
    configured_consumers={Key("ledger", None): ("shop",), Key("gone", "v1"): ("shop",)},
    findings=(
        (
            Finding(
                rule="port-zero",
                service="payments",
                version="v1",
                message="its port is 0",
                origin=InstanceOrigin(source="mesh", datacenter="dc1", namespace="ops", node="n1", id="i1"),
            ),
            Waiver(rule="port-zero", until="2026-12-31", why="moves", origin=PLACE),
        ),
        (
            Finding(rule="required", severity="warning", service="gone", version="v1", message="unknown", origin=PLACE),
            None,
        ),
        (Finding(rule="whole", severity="warning", message="odd", origin=FileOrigin("jobs/mail.hcl", 3)), None),
    ),
)


def entry(*endpoints: Endpoint, **more: Any) -> Entry:
    return Entry(url=endpoints[0].url if endpoints else None, endpoints=endpoints, sources=("mesh",), **more)


def upstream(destination: str, version: str | None, **fields: Any) -> Dependency:
    bind = Bind(address="127.0.0.1", port=9102)
    up = Upstream(namespace="default", destination=destination, bind=bind, **fields)
    return Dependency(upstream=up, source="jobs", service=destination, version=version)


def small_registry() -> Registry:
    points = (
        Endpoint(url="http://10.0.0.1:80/v1", address="10.0.0.1", port=80, source="mesh", datacenter="dc1", node="n1"),
        Endpoint(url="http://10.0.0.2:80/v1", address="10.0.0.2", port=80, source="mesh", datacenter="dc1", node="n2"),
        Endpoint(
            url="https://[2001:db8::1]:443/v1",
            address="2001:db8::1",
            port=443,
            source="mesh",
            namespace="ops",
            tags=("api", "web"),
            meta={"tier": "a", "owner": "shop"},
            weight=3,
            node_address="2001:db8::9",
        ),
        Endpoint(
            url="http://mail/", address="mail", port=25, source="jobs", declared_at=FileOrigin("jobs/mail.hcl", 3)
        ),
    )
    said = DeclaredProperties(tags=("t",), meta={"k": "v"}, port=8080)
    return registry_of(
        {
            Key("ledger", None): entry(properties=said, auth="key"),
            Key("payments", "v1"): entry(*points, registered=("payments-v1",)),
        },
        [
            upstream("payments", "v1", job="shop", group="web"),
            upstream("ledger", None, job="shop", group="web", peer="west"),
            upstream("nobody", None, service="web", region="dc1"),
        ],
    )


def bytes_of(registry: Registry, beside: Beside | None = None, place: FileOrigin = PLACE, **options: Any) -> bytes:
    settings = OutputSettings(name="p", type="page", path=Path("/srv/index.html"), origin=place, options=options)
    view = View(registry=registry, prefer=(), preferring=lambda _: registry, beside=lambda: beside or Beside())
    rendering = render(view, settings)
    assert rendering.findings == ()
    (artifact,) = rendering.artifacts
    assert [claim.path for claim in claims_of(settings)] == [Path("/srv") / artifact.path]
    return b"".join(artifact.chunks)


def element(page: bytes, name: str) -> str:
    found = re.findall(f"<{name}>(.*?)</{name.partition(' ')[0]}>", page.decode(), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def data_of(page: bytes) -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(element(page, DATA))
    return data


def urls_of(data: Mapping[str, Any]) -> list[str]:
    """The URLs of all endpoints, made of the data as page.js makes them."""
    texts, found = data["texts"], []
    for row in data["entries"]:
        points = row[6]
        for address, port, url, _, _ in zip(*(points[at::5] for at in range(5)), strict=True):
            host, (before, after) = texts[address], data["urls"][url]
            authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            found.append(texts[before] if after < 0 else texts[before] + authority + texts[after])
    return found


def test_the_data_are_those_of_the_golden_file() -> None:
    data = element(bytes_of(small_registry(), BESIDE), DATA)
    path = GOLDEN / "data.json"
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        path.write_text(data + "\n", encoding="utf-8")
    assert data + "\n" == path.read_text(encoding="utf-8")


def test_every_endpoint_has_its_url() -> None:
    registry = small_registry()
    expected = [point.url for _, found in registry.entries() for point in found.endpoints]
    assert urls_of(data_of(bytes_of(registry))) == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(["10.0.0.1", "::1", "a", ""]), st.integers(0, 9), st.text(":/10a.[]", max_size=12)),
        max_size=5,
    )
)
def test_whatever_a_url_is_it_can_be_made_again(points: list[tuple[str, int, str]]) -> None:
    found = tuple(Endpoint(url=url, address=address, port=port, source="s") for address, port, url in points)
    registry = registry_of({Key("x", None): entry(*found)})
    assert urls_of(data_of(bytes_of(registry))) == [url for _, _, url in points]


def test_the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else() -> None:
    page = bytes_of(small_registry())
    policy = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page.decode())
    hashes = [
        f"sha256-{b64encode(sha256(element(page, name).encode()).digest()).decode()}" for name in ("script", "style")
    ]
    assert policy == [
        f"default-src 'none'; script-src '{hashes[0]}'; style-src '{hashes[1]}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ]


def test_the_sources_have_no_handler_no_style_attribute_and_no_address() -> None:
    for path in (*ASSETS.glob("*.*"), ASSETS / "dagre" / "dagre.min.js"):
        text = path.read_text(encoding="utf-8").replace('"http://www.w3.org/2000/svg"', "")  # a name, never asked for
        assert not re.search(
            r"\son[a-z]+=|\sstyle=|innerHTML|insertAdjacent|document\.write|\beval\b|https?://|\r", text
        )


def test_dagre_is_there_under_its_licence_where_somebody_calls_somebody() -> None:
    registry = small_registry()
    script = element(bytes_of(registry), "script")
    assert script.startswith((ASSETS / "dagre" / "dagre.min.js.LEGAL.txt").read_text(encoding="utf-8"))
    assert "var dagre=" in script
    assert "sourceMappingURL" not in script
    alone = registry_of(dict(registry.entries()))
    assert element(bytes_of(alone), "script") == (ASSETS / "page.js").read_text(encoding="utf-8")
    assert "var dagre=" in element(bytes_of(alone, BESIDE), "script")


def test_dagre_is_of_the_version_that_its_page_and_the_lock_of_npm_name() -> None:
    said = (ASSETS / "dagre" / "README.md").read_text(encoding="utf-8")
    lock = json.loads((ROOT / "requirements" / "npm" / "package-lock.json").read_text(encoding="utf-8"))
    package = lock["packages"]["node_modules/@dagrejs/dagre"]
    digest = sha256((ASSETS / "dagre" / "dagre.min.js").read_bytes()).hexdigest()
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", said, re.MULTILINE))
    expected = {"version": package["version"], "`integrity` of the package": package["integrity"]}
    assert rows == {**expected, "sha256 of `dagre.min.js`": digest}


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_servers_stays_text(text: str) -> None:
    point = Endpoint(url="http://a:1/", address=text, port=1, source=text, tags=(text,), meta={text: text}, node=text)
    registry = registry_of({Key(text, text): entry(point)}, [upstream(text, text, job=text, group=text)])
    found = Finding(rule=text, message=text, service=text, version=text, origin=FileOrigin(text))
    page = bytes_of(registry, Beside(findings=((found, None),)), title=text)
    assert element(page, DATA).count("<") == 0
    assert text in data_of(page)["texts"]
    assert len(re.findall(b"<script", page)) == 2
    assert not re.search("[\x00\x7f\u2028\u202e]", page.decode())


def test_a_finding_whose_place_moves_changes_nothing() -> None:
    def at(*lines: int) -> bytes:
        found = [Finding(rule="r", message="m", origin=FileOrigin("jobs/mail.hcl", line)) for line in lines]
        return bytes_of(small_registry(), Beside(findings=tuple((finding, None) for finding in found)))

    assert at(3) == at(9) == at(3, 9)
    assert len(data_of(at(3))["findings"]) == 1


def test_the_title_is_text() -> None:
    assert element(bytes_of(small_registry(), title='<b a="1">&\x1b'), "title") == "&lt;b a=&quot;1&quot;&gt;&amp;\\x1b"
    assert element(bytes_of(small_registry()), "title") == "Service registry"


def beside_found_at(*places: FileOrigin) -> Beside:
    found = (Finding(rule="r", message="m", origin=place) for place in places)
    return replace(BESIDE, findings=tuple((finding, None) for finding in found))


def test_the_bytes_are_the_same_wherever_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    monkeypatch.chdir(tmp_path)
    here = bytes_of(small_registry(), beside_found_at(PLACE, FileOrigin("jobs/mail.hcl", 3)))
    point = small_registry().services["payments"]["v1"].endpoints[-1]
    assert point.declared_at
    monkeypatch.chdir(tmp_path / "jobs")
    moved = Endpoint(url=point.url, address="mail", port=25, source="jobs", declared_at=FileOrigin("mail.hcl", 3))
    registry = small_registry()
    payments = registry.services["payments"]["v1"]
    again = entry(*payments.endpoints[:-1], moved, registered=payments.registered)
    there = registry_of({**dict(registry.entries()), Key("payments", "v1"): again}, registry.upstreams)
    place = FileOrigin(str(tmp_path / "frostline.yaml"), 9, 5)
    assert bytes_of(there, beside_found_at(place, FileOrigin("mail.hcl", 3)), place) == here


def test_the_page_escapes_the_characters_that_messages_escape() -> None:
    script = (ASSETS / "page.js").read_text(encoding="utf-8")
    written = re.findall(r"UNPRINTABLE = /\[(.*)\]/gu;", script)
    assert [re.sub(r"\\u\{(\w+)\}", lambda found: f"\\U{found[1]:0>8}", found) for found in written] == [
        "".join(char if char == "-" else ascii(char)[1:-1] for char in UNPRINTABLE)
    ]
