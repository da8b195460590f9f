"""The pages of the consumers show what frostline writes for the quickstart."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import yaml
from project import Project

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("consumers", "recipes")
    for path in (ROOT / "docs" / folder).glob("*.md")
)
FILE = re.compile(r"`([^`\n]+)`:\n\n```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIGURATION = re.compile(r"^```yaml\n(outputs:.*?)^```$", re.MULTILINE | re.DOTALL)


def test_there_are_pages() -> None:
    assert "docs/consumers/nginx.md" in PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_the_files_that_its_outputs_write(page: str, project: Project) -> None:
    """A file is the block below a line that ends with its name and a colon. A template is written, not compared.

    With FROSTLINE_WRITE_GOLDEN set the blocks are written.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    files = dict(FILE.findall(text))
    outputs = [output for block in CONFIGURATION.findall(text) for output in yaml.safe_load(block)["outputs"]]
    shutil.copytree(ROOT / "samples" / "quickstart", project.folder, dirs_exist_ok=True)
    (project.folder / "frostline.manifest").unlink()
    config = yaml.safe_load(project.read("frostline.yaml"))
    project.configure({**config, "outputs": outputs})
    for name in [name for name in files if name.endswith(".j2")]:
        project.write(name, files.pop(name))
    project.done("compile", "--offline")
    if "FROSTLINE_WRITE_GOLDEN" in os.environ:
        for name, shown in files.items():
            head = rf"(`{re.escape(name)}`:\n\n```[a-z]*\n){re.escape(shown)}"
            text = re.sub(head, lambda found, name=name: found[1] + project.read(name).decode(), text)
        (ROOT / page).write_text(text, encoding="utf-8")
        files = {name: project.read(name).decode() for name in files}
    assert files
    assert {name: project.read(name).decode() for name in files} == files
