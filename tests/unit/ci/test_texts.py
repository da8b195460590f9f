"""Marks are found again, and texts fit in what hosts take."""

from __future__ import annotations

from pathlib import Path

import pytest

from frostline.ci.texts import has_mark, join_parts, mark_of


@pytest.mark.parametrize(
    "config", [None, Path("a b.yaml"), Path("-->/x"), Path("--x--/-"), Path("é\n/<!--"), Path("x" * 300)]
)
def test_a_mark_is_one_html_comment_whatever_the_configuration_is_called(config: Path | None) -> None:
    mark = mark_of("check", config)
    assert mark.startswith("<!-- frostline check ")
    assert mark.endswith(" -->")
    assert "--" not in mark[4:-3]
    assert mark.isascii()
    assert "\n" not in mark
    assert has_mark(join_parts(mark, ["text"], 1000), mark)
    assert has_mark(join_parts(mark, ["text"], 1000).replace("\n", "\r\n"), mark)


def test_only_the_first_line_is_a_mark() -> None:
    mark = mark_of("check", None)
    assert not has_mark(f"x\n{mark}\n", mark)
    assert not has_mark(mark_of("check", Path("other.yaml")), mark)
    assert not has_mark(None, mark)


@pytest.mark.parametrize("longest", [200, 65_536])
def test_a_text_is_cut_between_lines_to_the_limit_of_the_host(longest: int) -> None:
    mark = mark_of("freeze", None)
    parts = ["first\n", "", "- 😀 a line\n" * 10_000]
    text = join_parts(mark, parts, longest)
    assert longest - 60 < len(text.encode("utf-16-le")) // 2 <= longest
    assert text.startswith(f"{mark}\n\nfirst\n\n- 😀 a line\n")
    assert text.endswith("- 😀 a line\n\n… The rest does not fit in here.\n")
    assert "does not fit" not in join_parts(mark, parts, 1_000_000)


@pytest.mark.parametrize("longest", range(140, 300, 9))
def test_a_text_is_not_cut_within_folded_details(longest: int) -> None:
    folded = "  <details><summary>endpoints</summary>\n\n  - `+` `http://10.0.0.1`\n\n  </details>\n"
    text = join_parts(mark_of("freeze", None), ["- `~` payments\n" + folded * 20], longest)
    assert text.count("<details>") == text.count("</details>")
    assert len(text) <= longest
    assert text.endswith("\n\n… The rest does not fit in here.\n")
    assert "payments" in text
