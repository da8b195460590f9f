"""Rules: every finding has one; each rule is in the table and the documents and has a true example."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from frostline.model import FileOrigin, Finding
from frostline.pipeline.reference.rule_page import page_text, text_lines
from frostline.pipeline.reference.rule_table import find_rule, rule_table
from frostline.rules import Rule, rules_by_name

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "compiler" / "frostline"
GOLDEN = ROOT / "tests" / "golden" / "findings"
NAMES = tuple(rule_table())

RULE = Rule(
    name="too-long",
    severity="warning",
    summary="a name is too long",
    why="Dashboards cut it.",
    example="warning[too-long]: it is too long",
    mend="shorten it",
)


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """The calls of this function or class in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path, node


def names_of_rules() -> dict[str, str]:
    """The name of each rule that the package makes -> the constant that holds it."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                call, target = node.value, node.targets[0]
                if isinstance(call.func, ast.Name) and call.func.id == "Rule" and isinstance(target, ast.Name):
                    name = next(keyword.value for keyword in call.keywords if keyword.arg == "name")
                    found[ast.literal_eval(name)] = target.id
    return found


def test_every_rule_of_the_package_is_in_the_table_and_no_other() -> None:
    assert set(names_of_rules()) == set(NAMES)
    assert len(list(calls("Rule"))) == len(NAMES)


def test_only_rules_make_findings() -> None:
    assert [path.relative_to(PACKAGE).as_posix() for path, _ in calls("Finding")] == ["rules.py"]


def test_every_rule_is_used() -> None:
    uses: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        listed = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RULES"
        ]
        in_list = {id(name) for value in listed for name in ast.walk(value)}
        uses.update(
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in in_list
        )
    assert [constant for constant in names_of_rules().values() if not uses[constant]] == []


def test_there_is_a_golden_file_for_every_rule_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*NAMES, "hostile"}


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_rule_is_a_finding_as_recorded(name: str) -> None:
    # `…` stands for the rest of a list.
    pattern = re.escape(rule_table()[name].example).replace("…", ".*")
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert re.search(f"^{pattern}$", golden, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_says_everything_in_whole_phrases(name: str) -> None:
    rule = rule_table()[name]
    assert rule.summary[:1] not in ("", " ")
    assert not rule.summary.endswith(".")
    assert "\n" not in rule.summary
    assert rule.why.endswith(".")
    assert rule.why[:1].isupper()
    assert f"{rule.severity}[{name}]: " in rule.example or name == "tags"  # the policy of the example is a warning
    assert "\n  help: " in rule.example
    assert not rule.mend.endswith(".")


def test_the_page_of_rules_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == page_text(rule_table().values()), "make rules"


def test_a_finding_has_the_severity_and_the_help_of_its_rule_unless_told_another() -> None:
    origin = FileOrigin("frostline.yaml", 3, 1)
    assert RULE.finding("it is too long", service="shop", version="v1", value="x", origin=origin) == Finding(
        rule="too-long",
        message="it is too long",
        severity="warning",
        service="shop",
        version="v1",
        value="x",
        origin=origin,
        help="shorten it",
    )
    other = RULE.finding("it is too long", severity="error", help="rename it")
    assert (other.severity, other.help) == ("error", "rename it")


def test_two_rules_of_one_name_are_refused_and_one_listed_twice_is_not() -> None:
    assert rules_by_name([RULE, RULE]) == {"too-long": RULE}
    with pytest.raises(ValueError, match="too-long"):
        rules_by_name([RULE, replace(RULE, mend="cut it")])


def test_the_table_is_sorted_by_name() -> None:
    assert list(NAMES) == sorted(NAMES)
    assert list(rules_by_name([RULE, replace(RULE, name="a")])) == ["a", "too-long"]


def test_a_rule_is_found_by_its_name_alone() -> None:
    assert find_rule("port-zero").name == "port-zero"


def test_a_rule_reads_as_whole_lines_on_a_terminal() -> None:
    assert list(text_lines(RULE, 80, '{rule: too-long, service: "*", until: 2026-01-15, why: "say why"}')) == [
        "too-long (warning): a name is too long",
        "",
        "Dashboards cut it.",
        "",
        "example:",
        "  warning[too-long]: it is too long",
        "help: shorten it",
        "",
        "waiver, below `waivers` of `checks` in frostline.yaml; `service` is a glob of",
        "SERVICE or SERVICE/VERSION:",
        '  - {rule: too-long, service: "*", until: 2026-01-15, why: "say why"}',
    ]


def test_a_rule_is_wrapped_to_the_width_of_the_terminal_but_for_its_example() -> None:
    assert list(text_lines(RULE, 20, None)) == [
        "too-long (warning):",
        "a name is too long",
        "",
        "Dashboards cut it.",
        "",
        "example:",
        "  warning[too-long]: it is too long",
        "help: shorten it",
        "",
        "No waiver silences it.",
    ]
