"""Keys as people write them: `payments/v1`, and globs of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.cli.options import parse_allow
from frostline.globs import matches
from frostline.model import Key
from frostline.service_keys import glob_of, includes_key, key_names, key_text, matches_key, parse_key


@pytest.mark.parametrize("key", [Key("payments", "v1"), Key("payments", None), Key("a/b", "v1")])
def test_a_key_as_people_write_it_reads_back_unchanged(key: Key) -> None:
    assert parse_key(key_text(key)) == key
    assert parse_key(key_names(key)[1]) == key


@pytest.mark.parametrize("glob", ["payments", "payments/v1", "payments/*", "pay*", "*/v1", "*"])
def test_a_glob_matches_the_service_or_service_and_version(glob: str) -> None:
    assert matches_key(glob, Key("payments", "v1"))
    assert not matches_key(glob, Key("ledger", "v2")) or glob == "*"


@pytest.mark.parametrize(
    ("globs", "included"),
    [(["*", "!payments/v1"], False), (["!payments", "*/v1"], True), (["ledger"], False), ([], False), (["*"], True)],
)
def test_the_last_glob_that_matches_a_key_decides(globs: list[str], included: bool) -> None:
    assert includes_key(globs, Key("payments", "v1")) is included


@given(st.text(), st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"], exclude_characters=",")))
@settings(max_examples=300, deadline=None)
def test_the_glob_of_a_name_matches_it_and_is_a_single_scope_of_allow(strange: str, other: str) -> None:
    for name in (strange, f"!{other}", f" {other}", f"{other},b", f"[{other}]*?"):
        glob = glob_of(name)
        assert matches([glob], name)
        assert not set(glob) & set("*[,\n")
        assert not name or parse_allow([f"edited={glob}"]).edited == (glob,)


@pytest.mark.parametrize("name", ["payments", "shop/v1", "it's", "a b", "café", "a{b}"])
def test_the_glob_of_a_common_name_is_the_name(name: str) -> None:
    assert glob_of(name) == name
