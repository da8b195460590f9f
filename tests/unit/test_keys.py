"""Keys as people write them: `payments/v1`, and globs of them."""

from __future__ import annotations

import pytest

from frostline.keys import includes_key, key_names, key_text, matches_key, parse_key
from frostline.model import Key


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
