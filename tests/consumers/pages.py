"""The pages of docs/consumers and docs/recipes: an output, the files that it needs, and what it writes.

A page shows files as fenced blocks after a line with nothing but the path in backticks and a colon. Its first `yaml`
block is configuration; the paths of its outputs are results, every other file is one that the user writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for folder in ("consumers", "recipes") for path in (ROOT / "docs" / folder).glob("*.md"))

_CONFIG = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page(Struct, frozen=True):
    """outputs: as frostline.yaml has them. written: path -> text of what the user writes. results: of what it makes."""

    outputs: list[dict[str, Any]]
    written: dict[str, str]
    results: dict[str, str]


def read_page(path: Path) -> Page:
    """What this page shows."""
    text = path.read_text(encoding="utf-8")
    config = _CONFIG.search(text)
    assert config is not None, f"{path.name} shows no configuration"
    outputs = yaml.safe_load(config[1])["outputs"]
    files = dict(_FILE.findall(text))
    made = {output["path"] for output in outputs}
    return Page(
        outputs=outputs,
        written={name: shown for name, shown in files.items() if name not in made},
        results={name: shown for name, shown in files.items() if name in made},
    )
