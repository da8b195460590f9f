"""The value of `--allow` in messages: a copied value allows exactly what the message names."""

from __future__ import annotations

import shlex
from datetime import date

import pytest

from frostline.allow_words import allow_words, say_words_for_all, with_words_for_all
from frostline.checks.guards.changes import Published, guard_findings
from frostline.checks.guards.consent import consent_help
from frostline.checks.guards.outputs import emptied_outputs
from frostline.checks.guards.segments import empty_sources
from frostline.cli.options import parse_allow
from frostline.model import FileOrigin, Finding, Key
from frostline.published import FileChange
from frostline.settings import Allow, Guards


@pytest.mark.parametrize("names", [["a"], ["a/v1", "b c", "it's, so", "x*"], ["b", "a", "b"]])
def test_the_value_is_one_shell_word_and_allows_each_name(names: list[str]) -> None:
    (word,) = shlex.split(allow_words("deletes", names))
    assert len(parse_allow([word]).deletes) == len(set(names))


def test_without_names_the_value_is_the_word_alone() -> None:
    assert allow_words("empty", []) == "empty"


def findings(*paths: str) -> list[Finding]:
    return [Finding(rule="edited", message=f"{path} was edited", value=path, help="look at it") for path in paths]


def test_the_first_of_several_refusals_suggests_the_value_for_all() -> None:
    said = say_words_for_all(findings("b", "a"), "edited", ["b", "a"])
    assert [finding.help for finding in said] == [
        "look at it; all 2 together: `--allow edited=a,edited=b`",
        "look at it",
    ]
    assert [finding.value for finding in said] == ["a", "b"]


def test_refusals_of_one_name_suggest_no_value_for_all() -> None:
    assert say_words_for_all(findings("a"), "edited", ["a"]) == tuple(findings("a"))
    assert with_words_for_all("look", "empty", ["mesh/dc1", "mesh/dc1"]) == "look"


def test_a_value_that_would_be_too_long_is_the_word_alone() -> None:
    paths = [f"services/{number}.yaml" for number in range(40)]
    assert with_words_for_all("look", "edited", paths) == "look; all 40 together: `--allow edited`"


@pytest.mark.parametrize(("number", "named"), [(6, True), (7, False)])
def test_consent_names_up_to_six_services_one_by_one(number: int, named: bool) -> None:
    said = consent_help("guard-delete", [f"s{place}" for place in range(number)], date(2026, 1, 1))
    assert ("deletes=s0,deletes=s1" in said) == named
    assert ("for all services" in said) != named


def test_consent_writes_a_name_as_a_glob_that_allow_takes() -> None:
    said = consent_help("guard-delete", ["a,b"], date(2026, 1, 1))
    assert "--allow 'deletes=a?b'" in said
    assert 'service: "a?b"' in said


def test_several_refusals_of_one_guard_suggest_the_value_for_all() -> None:
    lost, kept = Published("a", 10), Published("b", 1)
    names = [Key("a", "v1"), Key("b", "v1")]
    old, new = dict.fromkeys(names, lost), dict.fromkeys(names, kept)
    today = date(2026, 1, 1)
    found = guard_findings(old, new, Guards(), Allow(), {}, today=today)
    assert [finding.rule for finding in found] == ["guard-instances"] * 2
    assert (found[0].help or "").endswith("; all 2 together: `--allow deletes=a,deletes=b`")
    callers = dict.fromkeys(names, ("shop/web",))
    found = guard_findings(old, {Key("c", None): kept}, Guards(), Allow(), callers, today=today)
    assert [finding.rule for finding in found] == ["guard-upstream"] * 2
    assert (found[0].help or "").endswith("; all 2 together: `--allow deletes=a/v1,deletes=b/v1`")
    empty = empty_sources({("x", "dc1", "default"): 0, ("y", "dc1", "default"): 0}, Guards(), Allow())
    assert (empty[0].help or "").endswith("; all 2 together: `--allow empty=x,empty=y`")
    files = [
        FileChange(path=name, output=name, action="update", refusal=None, sha256="1", old="2", mode=0) for name in "xy"
    ]
    emptied = emptied_outputs([(name, FileOrigin("frostline.yaml", 1, 1)) for name in "xy"], files, Guards(), Allow())
    assert (emptied[0].help or "").endswith("; all 2 together: `--allow empty=x,empty=y`")
