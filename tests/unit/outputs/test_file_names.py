"""Names as parts of paths and keys: they read back, stay inside their folder, and never collide."""

from __future__ import annotations

import re
import string
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import FileOrigin
from frostline.outputs.file_names import LONGEST_STEM, PathCollision, file_stem, percent_encode, unique_paths

HOSTILE = "\0\t\n\r\x1b\x7f\x85\x9b\xad\u061c\u200d\u2028\u202e\ufeff\ufffe\U000e0041😀é\"'\\%{}$:;/.#[]~ -_aA1"
SAFE = frozenset(string.ascii_letters + string.digits + "_-.%~")

texts = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=["Cs"])), max_size=300)


@settings(max_examples=80, deadline=None)
@given(texts)
def test_a_name_in_a_file_name_decodes_to_what_it_was(text: str) -> None:
    assert unquote(percent_encode(text), errors="strict") == text
    assert re.fullmatch(r"(?:[A-Za-z0-9_-]|%[0-9A-F]{2})*", percent_encode(text))
    stem = file_stem(text)
    assert len(stem) <= LONGEST_STEM
    assert not stem.startswith(".")
    assert "~" in stem or unquote(stem, errors="strict") == text


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, unique=True, max_size=8))
def test_names_become_parts_of_paths_that_are_safe_and_never_the_same(names: list[str]) -> None:
    for encode in (percent_encode, file_stem):
        stems = [encode(name) for name in names]
        assert len(set(stems)) == len(names)
        assert all(not stem.startswith(".") and set(stem) <= SAFE for stem in stems)
    assert all(len(file_stem(name)) <= LONGEST_STEM for name in names)


@pytest.mark.parametrize(
    ("name", "key", "stem"),
    [
        ("count-api_2", "count-api_2", "count-api_2"),
        ("a.b", "a%2Eb", "a.b"),
        ("../..", "%2E%2E%2F%2E%2E", "%2E.%2F.."),
        (".hidden", "%2Ehidden", "%2Ehidden"),
        ("a%2Fb", "a%252Fb", "a%252Fb"),
        ("é ~", "%C3%A9%20%7E", "%C3%A9%20%7E"),
    ],
)
def test_a_name_is_percent_encoded_so(name: str, key: str, stem: str) -> None:
    assert (percent_encode(name), file_stem(name)) == (key, stem)


def test_a_long_name_keeps_its_start_and_ends_in_a_digest() -> None:
    first, second = (file_stem("x" * 300 + end) for end in "ab")
    assert len(first) == len(second) == LONGEST_STEM
    assert first != second
    assert re.fullmatch(r"x+~[0-9a-f]{32}", first)


def test_names_whose_paths_differ_only_in_case_collide_with_the_first() -> None:
    paths, collisions = unique_paths(
        ["Web", "other", "web", "WEB"], lambda name: PurePosixPath("folder", f"{name}.yaml")
    )
    assert paths == {"Web": PurePosixPath("folder/Web.yaml"), "other": PurePosixPath("folder/other.yaml")}
    assert collisions == [
        PathCollision("Web", "web", PurePosixPath("folder/web.yaml")),
        PathCollision("Web", "WEB", PurePosixPath("folder/WEB.yaml")),
    ]


def test_the_finding_of_a_collision_names_both_and_the_path() -> None:
    origin = FileOrigin("frostline.yaml", 7, 5)
    finding = PathCollision("Web", "web", PurePosixPath("web.yaml")).finding(origin, "rename one", service="web")
    assert (finding.rule, finding.severity, finding.service, finding.value) == (
        "path-collision",
        "error",
        "web",
        "web.yaml",
    )
    assert (finding.origin, finding.help) == (origin, "rename one")
    assert all(part in finding.message for part in ("`Web`", "`web`", "web.yaml"))
