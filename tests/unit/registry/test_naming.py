"""Naming: which (service, version) a registered name, a tag or a meta value stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.errors import UsageError
from frostline.globs import matches
from frostline.registry.naming import name_splitter, names_of, splitter_of
from frostline.settings import DEFAULT_NAMING, DEFAULT_VERSION_PATTERN, Naming, VersionFrom


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("payments-v1", ("payments", "v1")),
        ("payments-v1.2_rc-3", ("payments-v1.2_rc-3", None)),
        ("payments-v1.2_rc", ("payments", "v1.2_rc")),
        ("count-api", ("count-api", None)),
        ("a-v1-v2", ("a-v1", "v2")),
        ("-v1", ("-v1", None)),
        ("v1", ("v1", None)),
        ("payments-V1", ("payments-V1", None)),
        ("two\nlines-v1", ("two\nlines", "v1")),
        ("payments-v1\n", ("payments-v1\n", None)),
        ("..", ("..", None)),
    ],
)
def test_the_default_naming_splits_off_a_version(name: str, key: tuple[str, str | None]) -> None:
    assert name_splitter(DEFAULT_NAMING, DEFAULT_VERSION_PATTERN)(name) == key


def test_the_first_pattern_that_fits_wins() -> None:
    split = name_splitter(("{version}.{service}", "{service}-{version}"), "v[0-9]+")
    assert split("v2.shop-v1") == ("shop-v1", "v2")
    assert split("shop-v1") == ("shop", "v1")


@pytest.mark.parametrize(
    ("pattern", "version_pattern"), [("{service}" + "x" * 30_000, "v"), ("{service}-{version}", "(v{1000}){19}")]
)
def test_patterns_that_are_too_large_together_are_an_error(pattern: str, version_pattern: str) -> None:
    with pytest.raises(UsageError, match="the pattern is too large") as caught:
        name_splitter((pattern + "x" * 1100,), version_pattern)
    assert len(caught.value.message) < 300


def test_signs_of_regular_expressions_in_a_pattern_are_plain_text() -> None:
    split = name_splitter(("{service}.+{version}",), "v[0-9]+")
    assert split("shop.+v1") == ("shop", "v1")
    assert split("shopxxv1") == ("shopxxv1", None)


def test_a_version_from_meta_leaves_the_whole_name_as_the_service() -> None:
    split = splitter_of(Naming(version_from=VersionFrom(meta="version")))
    assert split("shop-v1", (), {"version": "v9"}) == (("shop-v1", "v9"),)
    assert split("shop-v1", (), {}) == (("shop-v1", None),)
    assert split("shop-v1", (), {"version": ""}) == (("shop-v1", None),)


def test_each_tag_that_fits_gives_a_version() -> None:
    split = splitter_of(Naming(version_from=VersionFrom(tag="version=(.*)")))
    tags = ("api", "version=v2", "version=v1", "my version=v3")
    assert split("shop", tags, {}) == (("shop", "v1"), ("shop", "v2"))
    assert split("shop", ("api",), {}) == (("shop", None),)


NAMINGS = [
    Naming(),
    Naming(patterns=("{version}.{service}", "x[{service}]!{version}", "{service}"), version_pattern="v?[0-9]*"),
    Naming(version_from=VersionFrom(meta="version")),
]


@given(st.sampled_from(NAMINGS), st.text("ab!*[]?.-v1\n", min_size=1, max_size=8))
def test_the_names_of_a_service_are_all_that_may_stand_for_it(naming: Naming, name: str) -> None:
    for service in {name, *(key.service for key in splitter_of(naming)(name, (), {}))}:
        assert matches(names_of(naming, service), name)


def test_names_that_cannot_stand_for_a_service_are_not_among_its_names() -> None:
    assert names_of(Naming(), "shop") == ("shop", "shop-*")
    assert names_of(Naming(version_from=VersionFrom(tag="v(.*)")), "s*") == ("s[*]",)
    assert not matches(names_of(Naming(), "shop"), "shopping-v1")
