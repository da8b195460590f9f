"""The page in a real Chromium: nothing of a catalog runs or leaves, search and keys work, axe-core finds no fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalog import HOSTILE
from pages import calling, dense_calls, in_chromium, large_registry, written
from project import Project

from frostline.model import Instance
from frostline.text import escape_control

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
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
  schema: [ours.json]
  waivers:
  - {rule: ports, service: "payments/v1", until: 2027-01-31, why: moves}
  - {rule: schema, service: "*", until: 2027-01-31, why: soon}
"""
SLOWEST_OPENING, SLOWEST_KEY, SLOWEST_CLICK = 2000, 50, 300
"""Milliseconds of CPU that the page's thread may take for these; tests allow a slow machine four times that."""

Shown = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def shown(npm: Path, program: Callable[[str], str]) -> Shown:
    """`shown(page, scene, value)`: what happened in Chromium (page_in_chromium.cjs)."""
    chromium, node = program("chromium"), program("node")

    def run(page: Path, scene: str, value: object = None) -> dict[str, Any]:
        return in_chromium(npm, chromium, node, page, scene, value)

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
    project.write("ours.json", '{"not": {"required": ["v2"]}}')
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
    checks = {"policies": {"names": {"value": "^none$", "severity": "warning"}}}
    output = {"type": "page", "path": "index.html"}
    project = compiled(output, instances=tuple(instances), consumers={"<b>": ["*"]}, checks=checks)
    page = project.folder / "index.html"
    happened = shown(page, "everything")
    assert is_quiet(happened, page)
    opened, listed = happened["result"]["headings"], happened["result"]["listed"]
    assert opened[:listed] == [*(escape_control(name) for name in sorted([*names, "empty/v1"]))]
    assert {*opened} == {*happened["result"]["pictured"]} == {*opened[:listed], "<b>"}
    assert {*happened["result"]["found"]} >= {escape_control(name) for name in names}


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
    happened = shown(quickstart, "lists", ["", "#payments/v1", "#payments/v2", "#ledger"])
    assert is_quiet(happened, quickstart)
    listed = [found.get("Findings", []) for found in happened["result"].values()]
    overview, (schema, *payments), (other,), ledger = listed
    waived = "warning ports {}its port 8080 is denied (mesh, {}, default)waived until 2027-01-31: moves"
    assert payments == [waived.format("", datacenter) for datacenter in ("dc1", "dc2")]
    assert {waived.format("payments/v1: ", datacenter) for datacenter in ("dc1", "dc2")} < {*overview}
    assert [found for found in overview if "nobody" in found] == [
        "warning required nobody: it is required but unknown (configuration)"
    ]
    assert schema == other
    assert schema.startswith("error schema `/` violates ours.json: ")
    assert ledger == []


def test_the_keys_lead_from_search_to_a_service_and_back(quickstart: Path, shown: Shown) -> None:
    keys = ["Escape", "p", "a", "y", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter", "Escape", "Escape"]
    happened = shown(quickstart, "keys", keys)
    assert is_quiet(happened, quickstart)
    first, second = "payments v1 4 endpoints", "payments v2 1 endpoint"
    expected = [*["query"] * 4, first, second, first, "query", "payments/v1", "query", "query"]
    assert happened["result"] == {"at": expected, "heading": "payments/v1"}


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
    assert happened["result"] == {"at": at, "lit": [2, 1, 1, 2, 1, 1], "heading": "web", "clicked": "pay"}


def test_of_many_neighbours_the_nearest_are_drawn_in_time_and_the_page_says_so(tmp_path: Path, shown: Shown) -> None:
    page = written(calling(dense_calls()), tmp_path / "index.html")
    happened = shown(page, "pictures", ["#hub"])
    assert is_quiet(happened, page)
    found = happened["result"]["#hub"]
    assert len(found["boxes"]) == 150
    assert {box["name"] for box in found["boxes"]} > {"hub", *(f"n{number}" for number in range(100))}
    assert "The nearest 150 of 1,001 are drawn." in found["hint"]
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


@pytest.mark.parametrize("unique", [False, True])
def test_a_large_registry_opens_and_answers_in_time(tmp_path: Path, shown: Shown, unique: bool) -> None:
    page = written(large_registry(unique=unique), tmp_path / "index.html")
    assert page.stat().st_size < 25_000_000
    happened = shown(page, "search", ["service-0", "service-09999", "team-7 dc1", "10.39.15", "nothing"])
    assert happened["opened"] < 4 * SLOWEST_OPENING
    names = {query: found["names"] for query, found in happened["result"].items()}
    assert len(names["service-0"]) == 100
    assert names["service-09999"] == ["service-09999 v1 17 endpoints"]
    assert names["nothing"] == []
    assert max(shown(page, "typing", "node-77")["result"]) < 4 * SLOWEST_KEY
