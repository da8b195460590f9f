from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.errors import ErrorGroup, FrostlineError, PublishError, SourceError, UsageError
from frostline.model import FileOrigin, Finding, InstanceOrigin
from frostline.reporters.base import report_of
from frostline.reporters.text import LONGEST, MOST_OF_RULE, lines

GOLDEN = Path(__file__).parents[2] / "golden" / "findings"
PLACE = FileOrigin("frostline.yaml", 60, 7)
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "two\nlines\r\n",
    "\u2028\u2029\x85",
    "\u202ereversed",
    "zero\u200bwidth\ufeff",
    "\ud800",
    "\U000e0041tag",
    "::error file=x::forged",
    "##[error]forged",
    "##vso[task.setvariable variable=x]y",
    "[bold red]markup[/]",
    "`backticks` <b>&amp;</b> | table |",
    "\x00\x07\x08\x7f",
    "é😀",
]


def text_of(*findings: Finding, errors: tuple[FrostlineError, ...] = (), color: bool = False) -> list[str]:
    return list(lines(report_of(findings, errors), color=color))


def test_a_finding_is_a_line_with_its_place_and_a_line_of_help() -> None:
    found = Finding(rule="ports", service="a", version="v1", message="its port 1 is denied", origin=PLACE, help="move")
    assert text_of(found) == [
        "frostline.yaml:60:7: error[ports]: a v1: its port 1 is denied",
        "  help: move",
        "1 error",
    ]


def test_a_finding_without_a_place_starts_with_its_rule() -> None:
    assert text_of(Finding(rule="ports", service="a", message="no", severity="warning"))[0] == "warning[ports]: a: no"
    assert text_of(Finding(rule="guard-empty", message="no"))[0] == "error[guard-empty]: no"


def test_errors_come_before_findings_each_on_its_own_line() -> None:
    errors = ErrorGroup([UsageError("one", origin=PLACE, help="do"), ErrorGroup([SourceError("two")])])
    found = Finding(rule="ports", message="no", severity="warning")
    assert text_of(found, errors=(errors, PublishError("three"))) == [
        "frostline.yaml:60:7: error: one",
        "  help: do",
        "error: two",
        "error: three",
        "warning[ports]: no",
        "3 errors, 1 warning",
    ]


def test_many_findings_of_one_rule_are_counted_and_only_the_first_are_shown() -> None:
    many = [Finding(rule="ports", service=f"s{number:03}", message="no", help="do") for number in range(100)]
    other = Finding(rule="zone", message="seen", severity="warning")
    shown = text_of(*many, other)
    assert shown[:2] == ["error[ports]: s000: no", "  help: do"]
    assert shown[2 * MOST_OF_RULE :] == [
        "warning[zone]: seen",
        "error[ports]: and 80 more, which `--format json` lists",
        "100 errors, 1 warning",
    ]
    assert len(text_of(*many[:MOST_OF_RULE])) == 2 * MOST_OF_RULE + 1


def test_an_empty_report_has_no_lines() -> None:
    assert text_of() == []


def test_findings_are_sorted_with_errors_first() -> None:
    found = [
        Finding(rule="a", message="x", service="a", severity="warning"),
        Finding(rule="b", message="x", service="b"),
        Finding(rule="a", message="x", service="b"),
    ]
    assert [line.split(":")[0] for line in text_of(*found)[:-1]] == ["error[a]", "error[b]", "warning[a]"]
    assert text_of(*found) == text_of(*reversed(found))


def test_color_is_around_our_own_words_only() -> None:
    found = Finding(rule="ports", message="\x1b[31mred", origin=PLACE, help="do")
    assert text_of(found, color=True) == [
        "frostline.yaml:60:7: \x1b[1;31merror[ports]\x1b[0m: \\x1b[31mred",
        "  \x1b[36mhelp\x1b[0m: do",
        "1 error",
    ]


def hostile_finding(text: str) -> Finding:
    origin = InstanceOrigin(text, text, text, text, text)
    return Finding(rule=text, service=text, version=text, message=text, value=text, origin=origin, help=text)


def hostile_error(text: str) -> UsageError:
    return UsageError(text, origin=FileOrigin(text), help=text)


def test_hostile_text_reads_as_recorded() -> None:
    shown = []
    for text in HOSTILE:
        shown += text_of(Finding(rule="ports", service=text, version=text, message=f"`{text}`", help=text))
        shown += text_of(hostile_finding(text), errors=(hostile_error(text),))
    expected = (GOLDEN / "hostile.txt").read_text(encoding="utf-8")
    assert "".join(f"{line}\n" for line in shown) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\n\r\u2028:#[]\u202e\x00")), max_size=60)
    | st.sampled_from(HOSTILE)
)
def test_hostile_text_never_becomes_a_line_a_control_or_a_command(text: str) -> None:
    shown = text_of(hostile_finding(text), errors=(hostile_error(text),))
    assert len(shown) == 5
    for line in shown:
        line.encode("utf-8")
        assert not any(character in line for character in "\x1b\x9b\n\r\x85\u2028\u2029\u202e\x00\x0b\x0c\x1c")
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


def test_a_huge_text_is_shortened() -> None:
    shown = text_of(hostile_finding("x" * 500_000))
    assert all(len(line) < 8 * LONGEST for line in shown)
    assert "…" in shown[0]


def test_a_text_is_not_cut_within_an_escape() -> None:
    shown = text_of(Finding(rule="ports", message="\x1b" * (2 * LONGEST)))
    assert shown[0].removeprefix("error[ports]: ") == "\\x1b" * (LONGEST - 301) + "…" + "\\x1b" * 300


def test_the_end_of_a_message_with_a_very_long_name_is_shown() -> None:
    shown = text_of(Finding(rule="ports", message=f"service {'n' * 100_000}: no such port"))
    assert shown[0].startswith("error[ports]: service nnn")
    assert shown[0].endswith("nnn: no such port")
