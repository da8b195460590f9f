"""What the README shows of a catalog that suddenly looks empty."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from consul_agent import ConsulAgent
from project import Run

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_what_a_refusal_says(
    empty_consul: ConsulAgent, run_here: Callable[..., Run], tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(ROOT / "samples/quickstart", shop)
    config = shop / "frostline.yaml"
    text = config.read_text(encoding="utf-8").replace("http://127.0.0.1:8500", empty_consul.address)
    config.write_text(text.replace('datacenters: ["*"]', "datacenters: [dc1]"))
    done = run_here("compile", cwd=shop)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = page.partition("```text\n$ frostline compile\n")[2].partition("```")[0].splitlines()
    assert done.returncode == 4
    assert "…" in shown
    said = iter(done.stderr.splitlines())
    missing = [line for line in shown if line != "…" and line not in said]  # `in` goes on where the last one was found
    assert missing == [], done.stderr
