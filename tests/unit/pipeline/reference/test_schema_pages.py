"""The pages of the reference are what the schemas say, and leave out no key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import frostline.outputs.base as outputs
import frostline.sources.base as sources
from frostline.pipeline.reference.schema_pages import PAGES, cell_text
from frostline.resources import schema_names, schema_text

REFERENCE = Path(__file__).parents[4] / "docs" / "reference"


def properties(schema: Any) -> Iterator[str]:
    """Yield the names of all properties, wherever they are in the schema."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            yield name
            yield from properties(value)
        for key, value in schema.items():
            if key not in ("properties", "allOf", "default"):
                yield from properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from properties(value)


def keys(page: str) -> set[str]:
    """Return the last word of each key in the tables of the page."""
    found = re.findall(r"^\| `([^`]+)` \|", (REFERENCE / f"{page}.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {key.rpartition(".")[2] for key in found}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_of_the_reference_is_what_make_reference_writes(page: str) -> None:
    assert (REFERENCE / f"{page}.md").read_text(encoding="utf-8") == PAGES[page](), "make reference"


def test_the_reference_has_every_key_of_every_schema() -> None:
    # The registry has a page of its own, which is written by hand.
    formats = {
        name
        for schema in set(schema_names()) - {"config", "registry"}
        for name in properties(json.loads(schema_text(schema)))
    }
    assert formats - keys("formats") == set()
    assert set(properties(json.loads(schema_text("config")))) - keys("configuration") == set()


def test_the_reference_has_a_table_for_every_type_of_source_and_output() -> None:
    headings = re.findall(r"^## (.+)$", PAGES["configuration"](), re.MULTILINE)
    assert set(headings) >= {*sources.TABLE, *outputs.TABLE}


def test_a_cell_shows_a_description_as_it_is_written() -> None:
    assert cell_text("`a|b` or *: <c>|d") == "<code>a&#124;b</code> or &#42;: &#60;c>&#124;d"
    assert cell_text("`<{a}>` stays") == "`<{a}>` stays"
