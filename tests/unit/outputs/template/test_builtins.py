"""The templates that come with frostline: the table and its files, and the keys that each of them takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.outputs.template.builtins import TABLE
from frostline.resources import resource_folder

ROOT = Path(__file__).parents[4]


def test_each_file_is_in_the_table_and_the_other_way_round() -> None:
    files = {path.name for path in (resource_folder("templates") / "builtin").iterdir() if path.suffix == ".j2"}
    assert files == {builtin.file for builtin in TABLE.values()}
    assert all(builtin.path.is_file() for builtin in TABLE.values())
    assert list(TABLE) == sorted(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_template_reads_its_variables_and_the_page_names_them(name: str) -> None:
    builtin = TABLE[name]
    text = builtin.path.read_text(encoding="utf-8")
    assert [variable for variable in builtin.variables if f"vars.{variable}" not in text] == []
    page = (ROOT / "docs" / "outputs" / "template.md").read_text(encoding="utf-8")
    table = page.partition("\n## Templates that come with frostline\n")[2]
    (row,) = [line for line in table.splitlines() if line.startswith((f"| `{name}` |", f"| [`{name}`]("))]
    assert [variable for variable in builtin.variables if f"`{variable}`" not in row] == []
