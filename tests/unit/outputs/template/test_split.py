"""The paths of the files of `split: entry`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.model import Entry, Key, Registry, registry_of
from frostline.outputs.template.split import file_path, file_paths, has_placeholder

LONG = "x" * 300


def registry(*keys: Key) -> Registry:
    return registry_of({key: Entry(url=None, endpoints=(), sources=("mesh",)) for key in keys})


@pytest.mark.parametrize(
    ("pattern", "key", "path"),
    [
        ("{name}.json", Key("user", "v1"), "user-v1.json"),
        ("{name}.json", Key("user", None), "user.json"),
        ("{service}/{version}", Key("user", None), "user/unversioned"),
        ("{service}.{version}", Key("a/b", "../c"), "a%2Fb.%2E.%2Fc"),
        ("x{{{name}}}", Key("é", None), "x{%C3%A9}"),
        ("{name}//y", Key(".", None), "%2E/y"),
    ],
)
def test_a_value_is_a_part_of_one_name(pattern: str, key: Key, path: str) -> None:
    name = key.service if key.version is None else f"{key.service}-{key.version}"
    assert str(file_path(pattern, key, name)) == path


def test_a_long_name_is_cut_so_that_it_stays_one_of_its_own() -> None:
    for pattern in ("{name}", "{service}-{version}", "{name}{name}{name}"):
        paths = [str(file_path(pattern, Key(service, LONG), service)) for service in (LONG, f"{LONG}y")]
        assert len(set(paths)) == 2
        assert all(len(path) <= 201 for path in paths)


@pytest.mark.parametrize(
    ("path", "is_pattern"),
    [("a/{name}", True), ("{version}", True), ("a{b}", False), ("{{name}}", False), ("a{", False), ("a", False)],
)
def test_a_path_with_a_placeholder_of_ours_is_a_pattern(path: str, is_pattern: bool) -> None:
    assert has_placeholder(path) is is_pattern


def test_of_two_entries_with_one_path_the_later_one_collides() -> None:
    keys = (Key("A", None), Key("a", None), Key("a-b", None), Key("a", "b"))
    paths, collisions = file_paths("{name}", registry(*keys))
    assert {key: str(path) for key, path in paths.items()} == {keys[0]: "A", keys[3]: "a-b"}
    assert [(key, found.first, found.second, str(found.path), found.is_exact) for key, found in collisions] == [
        (keys[1], "A", "a", "a", False),
        (keys[2], "a/b", "a-b", "a-b", True),
    ]
    assert file_paths("{service}/{version}", registry(*keys[2:]))[1] == []


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@given(st.sets(st.tuples(NAMES, st.none() | NAMES), max_size=8), st.sampled_from(["{name}.c", "{service}/{version}"]))
@settings(max_examples=50, deadline=None)
def test_no_two_files_have_one_path_and_none_leaves_the_folder(keys: set[tuple[str, str | None]], pattern: str) -> None:
    paths, collisions = file_paths(pattern, registry(*(Key(*key) for key in keys)))
    assert len(paths) + len(collisions) == len(keys)
    assert len({str(path).lower() for path in paths.values()}) == len(paths)
    for path in paths.values():
        assert str(path).isascii()
        assert not path.is_absolute()
        assert len(path.parts) == pattern.count("/") + 1
        assert not {"..", ".", ".git"}.intersection(path.parts)
