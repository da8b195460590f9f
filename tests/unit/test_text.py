"""Escapes keep the value and leave nothing invisible; the wording that all messages share."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.text import (
    UNPRINTABLE,
    did_you_mean,
    display_path,
    escape_control,
    escape_for_log,
    escape_json,
    list_names,
    name_first,
    pluralize,
    quote,
    shorten,
)

HOSTILE = "\0\t\n\r\x1b\x7f\x85\x9b\xad\u061c\u200d\u2028\u202e\ufeff\ufffe\U000e0041😀é\"'\\%{}$:;/.#[]~ -_aA1"
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])), max_size=40)
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**63), 2**64 - 1), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
MANY = settings(max_examples=80, deadline=None)

invisible = re.compile(f"[{UNPRINTABLE}]").search


@MANY
@given(VALUES)
def test_escaped_json_has_the_same_value(value: Any) -> None:
    text = escape_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not invisible(text)


@MANY
@given(st.one_of(TEXTS, st.text()))
def test_text_for_a_log_has_no_control_characters_and_no_ci_commands(text: str) -> None:
    for shown in (escape_control(text), escape_for_log(text)):
        assert not invisible(shown)
        assert shown.encode("utf-8").decode("utf-8").splitlines() in ([shown], [])
    assert not escape_for_log(text).lstrip().startswith("::")
    assert "##[" not in escape_for_log(text)
    assert re.search(r"##\w*\[", escape_for_log(text)) is None


@pytest.mark.parametrize("text", ["##teamcity[x]", "a ##vso[task]", "##[error]", "###teamcity[", "##a_1["])
def test_a_ci_command_in_a_text_is_escaped(text: str) -> None:
    assert re.search(r"##\w*\[", escape_for_log(text)) is None
    assert escape_for_log(text).replace("\\", "") == text


def test_an_invisible_character_is_escaped() -> None:
    blank = [
        point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) in ("Cc", "Cf", "Zl", "Zp")
    ]
    visible = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
    ignorable = [0x34F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x3164, 0xFE0F, 0xFFA0, 0xE0100, 0xE01EF, 0xFFFE, 0xFFFF]
    for point in {*blank, *ignorable} - visible:
        assert escape_control(chr(point)).isascii(), hex(point)
        assert invisible(escape_json(json.dumps(chr(point), ensure_ascii=False))) is None


def test_a_path_below_the_working_folder_is_shown_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert display_path(tmp_path / "app" / "registry.py") == "app/registry.py"
    assert display_path(tmp_path.parent / "x") == str(tmp_path.parent / "x")


def test_a_count_has_its_noun_in_the_right_number() -> None:
    assert [pluralize(number, "service") for number in (0, 1, 2)] == ["0 services", "1 service", "2 services"]


def test_long_values_are_cut_and_marked() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert quote("a" * 60) == f"`{'a' * 60}`"
    assert quote("a" * 61) == f"`{'a' * 60}…`"


def test_many_names_are_counted_after_the_first() -> None:
    assert name_first(["a", "b"]) == "`a`, `b`"
    assert name_first(["a", "b", "c"], 2) == "`a`, `b` and 1 more"
    assert list_names(["a"]) == "`a`"
    assert list_names(["a", "b", "c"], "or") == "`a`, `b` or `c`"
    assert list_names([str(number) for number in range(22)]).endswith("`19` and 2 more")
    assert list_names([]) == ""


def test_the_closest_name_is_suggested_whatever_its_case() -> None:
    known = ["payments", "Ledger"]
    assert did_you_mean("paymets", known, "see the list") == "did you mean `payments`?"
    assert did_you_mean("LEDGER", known, "see the list") == "did you mean `Ledger`?"
    assert did_you_mean("zzz", known, "see the list") == "see the list"
    assert did_you_mean("payments" * 10, known, "see the list") == "see the list"
