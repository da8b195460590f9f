"""The page of a real catalog: the same bytes however and whenever it is made, and the findings that the lock yields."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest
from consul_agent import ConsulAgent
from project import Project, consul_config

pytestmark = pytest.mark.oldest_consul("the answers that matter here are the same on any Consul")

CHECKS = {
    "policies": {
        "meta": {"required": ["owner"]},
        "required": {"value": ["payments/v1", "mail"], "severity": "warning"},
        "ports": {"deny": ["8080"], "severity": "warning"},
    },
    "waivers": [{"rule": "meta", "until": "2027-01-31", "why": "moves in January"}],
}
OVERRIDES = [{"service": "search", "drop": {"address": "10.9.9.9"}, "until": "2027-01-31", "why": "disk"}]
CONFIG: dict[str, Any] = {
    "outputs": [{"type": "page", "path": "site/index.html"}],
    "checks": CHECKS,
    "overrides": OVERRIDES,
    "consumers": {"web": ["payments/v1"]},
}
PAGE = "site/index.html"
BEFORE, AFTER = ("--today", "2027-01-31"), ("--today", "2027-02-01")


def findings_of(page: str) -> list[tuple[str, ...]]:
    """(error or warning, what it is about, rule, where, waived until) of each finding on the page."""
    found = re.search('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    texts = [*data["texts"], ""]  # the place -1 stands for no text
    return [
        ("error" if row[2] else "warning", texts[row[1]], texts[row[3]], texts[row[5]], texts[row[6]])
        for row in data["findings"]
    ]


def test_the_page_is_the_same_live_and_offline_in_every_process_and_on_every_day(
    project: Project, shop: ConsulAgent
) -> None:
    project.configure(consul_config(shop.address, **CONFIG))
    project.done("compile", *BEFORE, env={"PYTHONHASHSEED": "1"})
    page = project.read(PAGE)
    kept = findings_of(page.decode())
    assert kept == [
        ("error", "payments/v1", "meta", "mesh, dc1, default", "2027-01-31"),
        ("error", "search", "meta", "mesh, dc1, default", "2027-01-31"),
        ("warning", "", "override-unused", "configuration", ""),
        ("warning", "mail", "required", "configuration", ""),
        ("warning", "payments/v1", "ports", "mesh, dc1, default", ""),
    ]
    for command in (("compile", "--offline"), ("compile",), ("check",), ("check", "--live"), ("plan",)):
        project.done(*command, *BEFORE)
    refused = project.refused(4, "check", *AFTER)
    assert PAGE not in refused.stdout + refused.stderr
    shutil.rmtree(project.folder / "site")
    (project.folder / "frostline.manifest").unlink()
    project.done("compile", "--offline", *BEFORE, env={"PYTHONHASHSEED": "2", "LC_ALL": "C"})
    assert project.read(PAGE) == page
    project.configure(json.dumps(consul_config(shop.address, **CONFIG), indent=4))  # every line moves
    project.done("check", *BEFORE)
