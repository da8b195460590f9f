"""Paths that some file system takes for one are equal, and every name of `.git` is refused."""

from __future__ import annotations

import pytest

from frostline.files.names import folded, is_possible_on_windows
from frostline.files.targets import path_fault


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A.yaml", "a.yaml"),
        ("caf\u00e9.yaml", "cafe\u0301.yaml"),
        ("CAF\u00c9.yaml", "cafe\u0301.yaml"),
        ("stra\u00dfe", "STRASSE"),
        ("a\u200c.yaml", "a.yaml"),
        ("\u03a3", "\u03c2"),
    ],
)
def test_paths_that_differ_only_in_case_or_unicode_form_are_equal(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_other_paths_stay_different() -> None:
    assert len({folded(path) for path in ("a", "b", "a/b", "ab", "\u00e4", "a\u0308\u0304")}) == 6


@pytest.mark.parametrize(
    "name",
    [".git", ".GIT", ".g\u200cit", ".gi\ufefft", "GIT~1", "git~2", ".git ", ".git.", ".git::$INDEX_ALLOCATION"],
)
def test_every_name_of_the_git_folder_is_refused(name: str) -> None:
    assert path_fault(f"a/{name}/config") == "is inside a .git folder"


@pytest.mark.parametrize("path", [".gitlab/a", "git/a", ".github/a", "git~x/a", ".gitignore"])
def test_names_that_resemble_the_git_folder_are_allowed(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize("path", ["FROSTLINE.MANIFEST", ".Frostline.journal", ".frost\u200dline.run"])
def test_names_of_frostline_are_reserved_in_any_case(path: str) -> None:
    assert path_fault(path) == "is a name that frostline reserves"


def test_a_name_has_255_bytes_at_most() -> None:
    assert path_fault("\u00e9" * 127) is None
    assert path_fault("a/" + "\u00e9" * 128) == "has a name of more than 255 bytes"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "CON.yaml",
            "nul",
            "a/aux.tar.gz",
            "COM1/x",
            "lpt9.",
            "com\u00b9",
            "prn .txt",
            "conout$",
            "Con/in.yaml",
            "COM0",
        ),
        *("a.", "a./b", "a /b", "a ", "a:b", "a<b", "a|b", 'a"b', "a?", "a*", "a\\b", "a\x01b", "b\nc"),
    ],
)
def test_paths_that_windows_cannot_have_are_found(path: str) -> None:
    assert not is_possible_on_windows(path)


@pytest.mark.parametrize(
    "path",
    [
        *("console.yaml", "a/con1", "com", "com10.yaml", "nul-v1.yaml", "icon", "a.con", ".con", "a b", "a/.b", "a..b"),
        *("\u00e9.yaml", "x~con", "auxiliary/x", "lpt\u2074", "%3A"),
    ],
)
def test_paths_that_windows_can_have_are_accepted(path: str) -> None:
    assert is_possible_on_windows(path)
