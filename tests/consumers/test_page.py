"""The page in a real Chromium: nothing of a catalog runs or leaves, search and keys work, axe-core finds no fault."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from catalog import HOSTILE
from project import Project

from frostline.model import (
    Bind,
    Dependency,
    Endpoint,
    Entry,
    FileOrigin,
    Instance,
    Key,
    Registry,
    Upstream,
    registry_of,
)
from frostline.outputs.base import View
from frostline.outputs.page.output import render
from frostline.settings import OutputSettings
from frostline.text import escape_control

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("page_in_chromium.cjs")
MARKUP = (
    "<script>ran=1</script>", "<img src=http://127.0.0.1:9/a onerror=ran=1>", "<svg onload=ran=1>",
    '"><link rel=stylesheet href=http://127.0.0.1:9/b>', "javascript:ran=1", "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=0;url=http://127.0.0.1:9/c>", "</script><script>ran=1</script>",
    "<iframe srcdoc='<script>top.ran=1</script>'>", "{{constructor.constructor('ran=1')()}}", "__proto__", "toString",
    "],[", '","', "#:consumer/x", "%zz", "a%2Fb", "a/b/c",
)  # fmt: skip
WARNINGS = """\
    required: {value: [nobody], severity: warning}
    ports: {deny: ["8080"], severity: warning}
  waivers: [{rule: ports, service: "payments/v1", until: 2027-01-31, why: moves}]
"""
FASTEST_KEY = 50
"""Milliseconds that search may take for a key, on an idle machine; tests allow four times that."""

SLOWEST_CLICK = 300
"""The same of a click on what has the largest picture."""

Shown = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def shown(npm: Path, program: Callable[[str], str]) -> Shown:
    """`shown(page, scene, value)`: what happened in Chromium (page_in_chromium.cjs)."""
    chromium, node = program("chromium"), program("node")

    def run(page: Path, scene: str, value: object = None) -> dict[str, Any]:
        command = [node, str(SCRIPT), str(npm), chromium, str(page), scene, json.dumps(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        happened: dict[str, Any] = json.loads(done.stdout)
        return happened

    return run


@pytest.fixture
def quickstart(project: Project) -> Path:
    """The page of the quickstart."""
    shutil.copytree(ROOT / "samples" / "quickstart", project.folder, dirs_exist_ok=True)
    page = "  - {type: page, path: index.html}\nconsumers: {shop: [sendgrid/v3]}\n"
    text = (
        project.read("frostline.yaml")
        .decode()
        .replace("    upstreams: resolve\n", f"    upstreams: resolve\n{WARNINGS}")
    )
    project.write("frostline.yaml", text + page)
    project.done("compile", "--offline")
    return project.folder / "index.html"


def is_quiet(happened: dict[str, Any], page: Path) -> bool:
    """Whether nothing ran but the page's script, and nothing was asked for but the page."""
    nothing = ("errors", "dialogs", "console", "violations")
    assert {name: happened[name] for name in nothing} == {name: [] for name in nothing}
    return happened["ran"] is None and set(happened["requests"]) == {page.as_uri()}


def test_no_name_of_a_catalog_runs_or_leaves(compiled: Callable[..., Project], shown: Shown) -> None:
    names = sorted({*HOSTILE, *MARKUP})
    instances = [
        Instance(service=name, id=name, node="n1", address="10.0.0.1", port=9, tags=(name,), meta={"owner": name})
        for name in names
    ]
    project = compiled({"type": "page", "path": "index.html"}, instances=tuple(instances), consumers={"<b>": ["*"]})
    page = project.folder / "index.html"
    happened = shown(page, "everything")
    assert is_quiet(happened, page)
    headings = happened["result"]["headings"][: happened["result"]["listed"]]
    assert headings == [*(escape_control(name) for name in sorted([*names, "empty/v1"]))]
    assert happened["result"]["headings"][len(headings)] == "<b>"
    assert {*happened["result"]["pictured"]} == {*headings, "<b>"}


def test_search_finds_by_all_that_an_entry_has_names_first(quickstart: Path, shown: Shown) -> None:
    happened = shown(
        quickstart, "search", ["pay", "PAYMENTS/v2", "web-9", "money", "basket/web", "shop", "nothing", ""]
    )
    assert is_quiet(happened, quickstart)
    found = {query: [" ".join(name.split()[:2]) for name in one["names"]] for query, one in happened["result"].items()}
    assert found["pay"] == ["payments v1", "payments v2"]
    assert found["PAYMENTS/v2"] == ["payments v2"]
    assert found["web-9"] == ["basket v2", "payments v1"]
    assert found["money"] == ["payments v1", "payments v2"]
    assert found["basket/web"] == ["payments v1", "search 1"]
    assert "sendgrid v3" in found["shop"]
    assert found["nothing"] == []
    assert len(found[""]) == 7
    assert happened["result"]["nothing"]["status"] == "0 service versions found"


def test_findings_stand_where_they_belong_with_the_day_of_their_waiver(quickstart: Path, shown: Shown) -> None:
    happened = shown(quickstart, "lists", ["", "#payments/v1", "#ledger"])
    assert is_quiet(happened, quickstart)
    overview, payments, ledger = (found.get("Findings", []) for found in happened["result"].values())
    waived = "warning ports {}its port 8080 is denied (mesh, {}, default)waived until 2027-01-31: moves"
    assert payments == [waived.format("", datacenter) for datacenter in ("dc1", "dc2")]
    assert {waived.format("payments/v1: ", datacenter) for datacenter in ("dc1", "dc2")} < {*overview}
    assert [found for found in overview if "nobody" in found] == [
        "warning required nobody: it is required but unknown (configuration)"
    ]
    assert ledger == []


def test_the_keys_lead_from_search_to_a_service_and_back(quickstart: Path, shown: Shown) -> None:
    keys = ["Escape", "p", "a", "y", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter", "Escape", "Escape"]
    happened = shown(quickstart, "keys", keys)
    assert is_quiet(happened, quickstart)
    first, second = "payments v1 4 endpoints", "payments v2 1 endpoint"
    expected = [*["query"] * 4, first, second, first, "query", "payments/v1", "query", "query"]
    assert happened["result"] == {"at": expected, "heading": "payments/v1"}


def calling(calls: Iterable[tuple[str, str]]) -> Registry:
    """A registry of services with sidecars, of which these call these."""
    pairs = list(calls)
    point = Endpoint(url="http://10.0.0.1:80/", address="10.0.0.1", port=80, source="mesh")
    entry = Entry(url=point.url, endpoints=(point,), sources=("mesh",))
    bind = Bind(address="127.0.0.1", port=9000)
    upstreams = [
        Dependency(
            upstream=Upstream(namespace="", service=caller, destination=called, bind=bind),
            source="mesh",
            service=called,
            version=None,
        )
        for caller, called in pairs
    ]
    return registry_of({Key(name, None): entry for pair in pairs for name in pair}, upstreams)


def written(registry: Registry, path: Path) -> Path:
    """The page of this registry, at this path."""
    settings = OutputSettings(name="page", type="page", path=path, origin=FileOrigin("frostline.yaml"))
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    path.write_bytes(b"".join(render(view, settings).artifacts[0].chunks))
    return path


CALLS = [("web", "shop"), ("app", "shop"), ("shop", "pay"), ("shop", "ledger"), ("pay", "ledger"), ("app", "other")]


def test_the_picture_has_those_who_call_and_those_who_are_called(tmp_path: Path, shown: Shown) -> None:
    page = written(calling(CALLS), tmp_path / "index.html")
    happened = shown(page, "pictures", ["#shop", "#ledger", "#other"])
    assert is_quiet(happened, page)
    arrows = {chosen: sorted(map(tuple, found["arrows"])) for chosen, found in happened["result"].items()}
    assert arrows["#shop"] == sorted(CALLS[:5])
    assert arrows["#ledger"] == sorted(CALLS[:5])
    assert arrows["#other"] == [("app", "other")]
    boxes = {box["name"]: (box["kind"], box["href"]) for box in happened["result"]["#shop"]["boxes"]}
    assert boxes == {name: ("node entry", f"#{name}") for name in ("web", "app", "pay", "ledger")} | {
        "shop": ("node entry chosen", "#shop")
    }
    assert "drawn" not in happened["result"]["#shop"]["hint"]


def test_the_picture_is_followed_by_keys_and_by_click(tmp_path: Path, shown: Shown) -> None:
    page = written(calling([("web", "shop"), ("shop", "pay")]), tmp_path / "index.html")
    keys = ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowUp", "Enter"]
    happened = shown(page, "picture_keys", ["#shop", keys, "pay"])
    assert is_quiet(happened, page)
    at = ["shop", "pay", "pay", "shop", "web", "web"]
    assert happened["result"] == {"at": at, "heading": "web", "clicked": "pay"}


def test_of_many_neighbours_the_nearest_are_drawn_in_time_and_the_page_says_so(tmp_path: Path, shown: Shown) -> None:
    choose = Random(1)
    near = [("hub", f"n{number}") for number in range(100)]
    every = [(f"n{a}", f"n{b}") for a in range(150) for b in range(150) if a != b]
    far = [(f"n{choose.randrange(1000)}", f"n{choose.randrange(1000)}") for _ in range(10_000)]
    page = written(calling(dict.fromkeys([*near, *every, *far])), tmp_path / "index.html")
    happened = shown(page, "pictures", ["#hub"])
    assert is_quiet(happened, page)
    found = happened["result"]["#hub"]
    assert len(found["boxes"]) == 150
    assert {box["name"] for box in found["boxes"]} > {name for pair in near for name in pair}
    assert "Of 1,001 neighbours the nearest 150 are drawn." in found["hint"]
    assert "calls between them are not drawn." in found["hint"]
    assert found["milliseconds"] < 4 * SLOWEST_CLICK


def test_dagre_is_that_of_its_package(npm: Path) -> None:
    package = npm / "@dagrejs" / "dagre"
    vendored = ROOT / "templates" / "page" / "dagre"
    for name in ("dagre.min.js", "dagre.min.js.LEGAL.txt"):
        assert (vendored / name).read_bytes() == (package / "dist" / name).read_bytes()


def test_axe_finds_no_fault_in_light_and_dark_wide_and_narrow(quickstart: Path, shown: Shown) -> None:
    hashes = ["", "#payments/v1", "#sendgrid/v3", "#ledger", "#:consumer/default%3Abasket%2Fweb/0", "#nothing"]
    result = shown(quickstart, "axe", hashes)["result"]
    assert result["broken"] == []
    assert result["passed"] > 20 * len(hashes) * 4


def test_paper_has_what_is_chosen_alone(quickstart: Path, shown: Shown) -> None:
    assert shown(quickstart, "print")["result"] == [False, False, True]


def test_a_large_registry_opens_and_answers_in_time(tmp_path: Path, shown: Shown) -> None:
    services = {}
    for number in range(10_000):
        host = f"10.{number >> 8}.{number & 255}"
        tags, meta = ("api", f"team-{number % 50}"), {"owner": f"team-{number % 50}"}
        found = [
            Endpoint(
                url=f"http://{host}.{n}:{20000 + number}/v1",
                address=f"{host}.{n}",
                port=20000 + number,
                source="mesh",
                datacenter=f"dc{n % 3}",
                node=f"node-{number}-{n}.example",
                tags=tags,
                meta=meta,
            )
            for n in range(17)
        ]
        services[Key(f"service-{number:05}", "v1")] = Entry(
            url=found[0].url, endpoints=tuple(found), sources=("mesh",), registered=(f"service-{number:05}-v1",)
        )
    page = written(registry_of(services), tmp_path / "index.html")
    assert page.stat().st_size < 25_000_000
    queries = ["s", "service-0", "service-09999", "team-7 dc1", "10.39.15", "nothing"]
    happened = shown(page, "search", queries)
    assert len(happened["result"]["service-0"]["names"]) == 100
    assert [found["names"][0][:13] for found in happened["result"].values() if found["names"]][2] == "service-09999"
    assert happened["opened"] < 4 * 2000
    assert all(found["milliseconds"] < 4 * FASTEST_KEY for found in happened["result"].values())
