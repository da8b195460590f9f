"""The documentation site in a real Chromium without a network: all pages and links, search, light and dark."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from loopback_http import LoopbackHTTPServer
from programs import missing

pytestmark = pytest.mark.more_readers

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
COPIED = ROOT / "build" / "pages"
"""What the site is made of, outputs of samples among them: a page of the registry too."""
SCRIPT = Path(__file__).with_name("site_in_chromium.cjs")

Opened = Callable[..., Any]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where build/site is served, as any web server would."""
    if not (SITE / "index.html").exists():
        missing("documentation site")
    server = LoopbackHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(SITE)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def opened(npm: Path, program: Callable[[str], str], address: str) -> Opened:
    """`opened(scene, value)`: its result in Chromium, where nothing failed and nothing was asked of another server."""
    chromium, node = program("chromium"), program("node")

    def run(scene: str, value: object = None) -> Any:
        command = [node, str(SCRIPT), str(npm), chromium, address, scene, json.dumps(value)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        happened = json.loads(done.stdout)
        result = happened.pop("result")
        assert happened == {"elsewhere": [], "failed": [], "errors": [], "console": []}
        return result

    return run


def test_every_page_opens_every_link_leads_somewhere_and_no_markdown_is_left(opened: Opened) -> None:
    result = opened("pages")
    assert result["broken"] == []
    files = {path.relative_to(SITE) for path in SITE.glob("**/index.html")}
    built = {file.parent.as_posix() for file in files if not (COPIED / file).exists()}
    assert {page.rstrip("/") or "." for page in result["pages"]} == built
    assert {"docs", "docs/command", "docs/rules", "samples/quickstart", "CHANGELOG"} <= built
    assert {name: page["markdown"] for name, page in result["pages"].items() if page["markdown"]} == {}


def test_search_finds_a_page_by_a_key_a_rule_and_an_option(opened: Opened) -> None:
    queries = ["max_stale", "guard-delete", "unbound", "xyzzyplugh"]
    found = opened("search", queries)
    assert found.pop("xyzzyplugh") == {"count": "No results"}
    assert [query for query, page in found.items() if query not in page["text"]] == []


def test_the_site_is_light_or_dark_as_the_reader_prefers(opened: Opened) -> None:
    light, dark = (sum(map(int, colour[4:-1].split(","))) for colour in opened("colours"))
    assert light > 3 * 200
    assert dark < 3 * 60


def test_axe_finds_nothing_serious_in_light_and_dark(opened: Opened) -> None:
    paths = ["", "docs/outputs/page/"]
    result = opened("axe", paths)
    assert result["broken"] == []
    assert result["passed"] > 20 * len(paths) * 2
