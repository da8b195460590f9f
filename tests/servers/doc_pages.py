"""The pages of the documents, and their blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder, pattern in ((ROOT, "*.md"), (ROOT / "docs", "**/*.md"), (ROOT / "samples", "*/*.md"))
    for path in folder.glob(pattern)
)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def fenced(page: str) -> Iterator[tuple[str, int, str]]:
    """(language, number of the block's first line, its text) of each fenced block."""
    lines = iter(enumerate(text_of(page).split("\n"), 1))
    for number, line in lines:
        if line.startswith("```"):
            body = takewhile(lambda numbered: not numbered[1].startswith("```"), lines)
            yield line.removeprefix("```"), number + 1, "".join(f"{text}\n" for _, text in body)


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
