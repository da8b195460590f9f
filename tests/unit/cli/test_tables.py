from __future__ import annotations

from frostline.cli.tables import table_lines


def test_a_table_is_aligned_by_the_width_of_text_on_a_terminal() -> None:
    rows = [("\u6f22\u5b57", "x"), ("a", "y"), ("b\x1b", "")]
    assert list(table_lines(("N", "V"), rows)) == ["N      V", "\u6f22\u5b57   x", "a      y", "b\\x1b"]


def test_a_very_long_name_does_not_widen_the_rows_of_others() -> None:
    long = "n" * 81
    assert list(table_lines(("N", "V"), [("a", "b"), (long, "c")])) == ["N  V", "a  b", f"{long}  c"]
