"""The page in a real Chromium: nothing of a catalog runs or leaves, search and keys work, axe-core finds no fault."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from catalog import HOSTILE
from project import Project

from frostline.model import Endpoint, Entry, FileOrigin, Instance, Key, registry_of
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
FASTEST_KEY = 50
"""Milliseconds that search may take for a key, on an idle machine; tests allow four times that."""

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
    project.write("frostline.yaml", project.read("frostline.yaml").decode() + page)
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


def test_the_keys_lead_from_search_to_a_service_and_back(quickstart: Path, shown: Shown) -> None:
    keys = ["Escape", "p", "a", "y", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "Enter", "Escape", "Escape"]
    happened = shown(quickstart, "keys", keys)
    assert is_quiet(happened, quickstart)
    first, second = "payments v1 4 endpoints", "payments v2 1 endpoint"
    expected = [*["query"] * 4, first, second, first, "query", "payments/v1", "query", "query"]
    assert happened["result"] == {"at": expected, "heading": "payments/v1"}


def test_axe_finds_no_fault_in_light_and_dark_wide_and_narrow(quickstart: Path, shown: Shown) -> None:
    hashes = ["", "#payments/v1", "#ledger", "#:consumer/default%3Abasket%2Fweb/0", "#nothing"]
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
    registry = registry_of(services)
    page = tmp_path / "index.html"
    settings = OutputSettings(name="page", type="page", path=page, origin=FileOrigin("frostline.yaml"))
    view = View(registry=registry, prefer=(), preferring=lambda _: registry)
    page.write_bytes(b"".join(render(view, settings).artifacts[0].chunks))
    assert page.stat().st_size < 25_000_000
    queries = ["s", "service-0", "service-09999", "team-7 dc1", "10.39.15", "nothing"]
    happened = shown(page, "search", queries)
    assert len(happened["result"]["service-0"]["names"]) == 100
    assert [found["names"][0][:13] for found in happened["result"].values() if found["names"]][2] == "service-09999"
    assert happened["opened"] < 4 * 2000
    assert all(found["milliseconds"] < 4 * FASTEST_KEY for found in happened["result"].values())
