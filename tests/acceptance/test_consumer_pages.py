"""What the pages of docs/consumers and docs/recipes show is what the quickstart's registry becomes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import yaml
from pages import PAGES, ROOT, read_page
from project import Run

SAMPLE = ROOT / "samples" / "quickstart"


def test_each_page_shows_what_its_outputs_write(tmp_path: Path, run_here: Callable[..., Run]) -> None:
    pages = {path.stem: read_page(path) for path in PAGES}
    config = yaml.safe_load((SAMPLE / "frostline.yaml").read_text(encoding="utf-8"))
    config["outputs"] = [
        {**output, "path": f"{name}/{output['path']}"}
        | ({"template": f"templates/{name}/{output['template']}"} if "template" in output else {})
        for name, page in pages.items()
        for output in page.outputs
    ]
    shutil.copytree(SAMPLE / "jobs", tmp_path / "jobs")
    shutil.copy(SAMPLE / "frostline.lock", tmp_path)
    (tmp_path / "frostline.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for name, page in pages.items():
        for path, text in page.written.items():
            file = tmp_path / "templates" / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    done = run_here("compile", "--offline", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = {f"{name}/{path}": text for name, page in pages.items() for path, text in page.results.items()}
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in shown} == shown
    assert [name for name, page in pages.items() if not page.results] == []
