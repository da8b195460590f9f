import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.globs import is_literal, matches, names_matching


@pytest.mark.parametrize(
    ("patterns", "name", "taken"),
    [
        (["*"], "payments", True),
        (["*"], "", True),
        (["*", "!consul"], "consul", False),
        (["*", "!consul"], "Consul", True),
        (["!consul", "*"], "consul", True),
        (["*", "!pay*", "payments"], "payments", True),
        (["*", "!pay*", "payments"], "paypal", False),
        (["!pay*"], "ledger", False),
        ([], "ledger", False),
        (["pay"], "payments", False),
        (["pay?"], "pays", True),
        (["pay[!0-9]"], "pays", True),
        (["pay[!0-9]"], "pay1", False),
        (["*"], "a/b\nc", True),
        (["!!x", "*"], "!x", True),
        (["*", "!!x"], "!x", False),
    ],
)
def test_the_last_match_wins(patterns, name, taken):
    assert matches(patterns, name) is taken


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_characters="*?[!")))
def test_a_literal_pattern_fits_its_own_name_only(name):
    assert is_literal(name)
    assert matches([name], name)
    assert not matches([name], name + "x")


@pytest.mark.parametrize("pattern", ["*", "a?", "[ab]", "!a"])
def test_a_wildcard_or_an_exclusion_is_not_literal(pattern):
    assert not is_literal(pattern)


@given(glob=st.text("ab*?[]!-"), names=st.lists(st.text("ab!-", max_size=4)))
def test_the_names_that_a_glob_fits_are_those_that_match_it(glob: str, names: list[str]) -> None:
    pattern = glob.lstrip("!")
    assert names_matching(pattern, names) == [name for name in names if matches((pattern,), name)]
    assert names_matching(f"!{pattern}", names) == names_matching(pattern, names)
