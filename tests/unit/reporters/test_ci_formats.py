"""The formats that CI servers read: what they say, and that no text of a server or a file says more than itself."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from frostline.errors import SourceError
from frostline.model import FileOrigin, Finding, InstanceOrigin, Severity
from frostline.pipeline.reference.rule_table import rule_table
from frostline.reporters import github, junit, markdown, sarif
from frostline.reporters.base import Report, report_of
from frostline.text import UNKNOWN_ENDPOINTS

PLACE = FileOrigin("frostline.yaml", 7, 3)
ERROR = Finding(
    rule="port-zero",
    message="it has no port",
    service="payments",
    version="v1",
    origin=InstanceOrigin("mesh", "dc1", "default", "n1", "i1"),
    help="register it",
)
WARNING = Finding(rule="job-tag", message="its tag is left out", severity="warning", value="x", origin=PLACE)
PROBLEM = SourceError("source mesh: GET /v1/x: refused", origin=PLACE, help="see to it")
REPORT = report_of([WARNING, ERROR], [PROBLEM])

HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "::error file=x::y",
        "a\n::set-output name=x::y",
        "##[command]x",
        "<img src=x onerror=y>",
        "[x](javascript:y)",
        "![x](http://y)",
        "@everyone #1 GH-1",
        "`` ` `` ```",
        "| a | b |\n|---|---|",
        "# heading\n> quote",
        "]]><x/>",
        "%0A::error::x",
        "\x1b[31m\x00\u202e",
        "\ufffe\uffff\U0001fffe\x0b\x7f\x85",
        "\u3164\u115f\uffa0\u034f\U000e0100\u200c",
        "##teamcity[testFailed name='x']",
        "https://evil.example www.evil.example me@evil.example",
        "owner/repo#1 0123456789abcdef0123456789abcdef01234567",
        "</details><script>x</script>\n- [x] done",
        "&lt;b&gt; <!-- x --> :tada: $x^2$ ~~x~~",
        "`" * 3000,
        "x" * 100_000,
    ]
)


def plan(**change: Any) -> dict[str, Any]:
    service = {
        "service": "payments",
        "version": "v1",
        "action": "remove",
        "before": 2,
        "after": 0,
        "added": [],
        "removed": ["http://a", "http://b"],
        "changed": [],
        "dependents": ["default:shop/web"],
        "known": True,
        "moved": {},
        "effect": "remove",
        **change,
    }
    return {
        "changes": True,
        "summary": {"add": 0, "change": 0, "remove": 1, "write": 1, "delete": 0},
        "services": [service],
        "files": [{"path": "a.py", "output": "a", "action": "update", "refusal": None}],
        "lock": True,
    }


# --- github -----------------------------------------------------------------------------------------------------------


def test_github_has_a_command_for_each_error_and_finding_errors_first() -> None:
    assert list(github.lines(REPORT)) == [
        "::error file=frostline.yaml,line=7,col=3,title=frostline::source mesh: GET /v1/x: refused%0Ahelp: see to it",
        "::error title=port-zero::mesh(datacenter=dc1, namespace=default, node=n1, id=i1): payments v1: it has no port"
        "%0Ahelp: register it",
        "::warning file=frostline.yaml,line=7,col=3,title=job-tag::its tag is left out",
    ]


@given(HOSTILE, HOSTILE)
def test_no_text_ends_a_github_command_or_opens_another(message: str, path: str) -> None:
    finding = Finding(rule="r", message=message, service=path, origin=FileOrigin(path, 1, 1), help=message)
    (line,) = github.lines(Report(findings=(finding,)))
    assert re.fullmatch(r"::error file=[^:,]*,line=1,col=1,title=r::[^\n\r]*", line)


# --- sarif ------------------------------------------------------------------------------------------------------------


def sarif_run(report: Report) -> dict[str, Any]:
    document = json.loads("\n".join(sarif.lines(report)))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    return dict(run)


def test_sarif_has_a_result_for_each_error_and_finding_with_its_rule_and_place() -> None:
    run = sarif_run(REPORT)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["frostline", "job-tag", "port-zero"]
    assert [(result["ruleId"], result["ruleIndex"], result["level"]) for result in run["results"]] == [
        ("frostline", 0, "error"),
        ("port-zero", 2, "error"),
        ("job-tag", 1, "warning"),
    ]
    physical = run["results"][0]["locations"][0]["physicalLocation"]
    assert physical == {
        "artifactLocation": {"uri": "frostline.yaml"},
        "region": {"startLine": 7, "startColumn": 3},
    }
    logical = run["results"][1]["locations"][0]["logicalLocations"][0]
    assert logical["fullyQualifiedName"].startswith("mesh(")
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_sarif_describes_each_rule_of_the_table_and_names_others() -> None:
    table = rule_table()
    rules = sarif_run(report_of([WARNING, replace(ERROR, rule="ours-own")], rules=table))["tool"]["driver"]["rules"]
    assert rules == [
        {
            "id": "job-tag",
            "shortDescription": {"text": table["job-tag"].summary},
            "fullDescription": {"text": table["job-tag"].why},
            "help": {"text": f"{table['job-tag'].mend}\n\n{table['job-tag'].example}"},
            "defaultConfiguration": {"level": "warning"},
        },
        {"id": "ours-own", "shortDescription": {"text": "ours own"}},
    ]


def test_a_sarif_result_stays_the_same_one_when_its_line_moves() -> None:
    moved = replace(WARNING, origin=FileOrigin("y", 9))
    prints = [
        sarif_run(report_of([finding]))["results"][0]["partialFingerprints"] for finding in (WARNING, moved, ERROR)
    ]
    assert prints[0] == prints[1] != prints[2]


@given(HOSTILE)
def test_any_text_reads_back_unchanged_from_sarif(text: str) -> None:
    run = sarif_run(Report(findings=(Finding(rule="r", message=text, origin=FileOrigin(text, 1, 1)),)))
    assert run["results"][0]["message"]["text"] == text
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]*", uri)
    assert unquote(uri) == text


# --- junit ------------------------------------------------------------------------------------------------------------


def junit_suite(report: Report) -> ElementTree.Element:
    text = "\n".join(junit.lines(report))
    return ElementTree.fromstring(text.split("\n", 1)[1])


def test_junit_has_a_case_for_each_error_and_finding_and_one_that_passes_if_there_are_none() -> None:
    suites = junit_suite(REPORT)
    assert suites.attrib == {"tests": "3", "failures": "1", "errors": "1"}
    kinds = [[child.tag for child in case] for case in suites.iter("testcase")]
    assert kinds == [["error"], ["failure"], ["system-out"]]
    fine = junit_suite(report_of())
    assert fine.attrib == {"tests": "1", "failures": "0", "errors": "0"}
    assert [list(case) for case in fine.iter("testcase")] == [[]]


@given(HOSTILE)
def test_any_text_can_be_written_as_junit(text: str) -> None:
    suites = junit_suite(Report(findings=(Finding(rule="r", message=text, service=text, help=text),)))
    assert [element.tag for element in suites.iter()] == ["testsuites", "testsuite", "testcase", "failure"]


# --- markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_has_the_counts_first_then_errors_then_services_files_and_warnings() -> None:
    lines = list(markdown.lines(replace(REPORT, plan=plan())))
    assert lines[0] == (
        "**frostline**: services 0 to add, 0 to change, 1 to remove; 1 file to write, 0 to delete; 2 errors, 1 warning"
    )
    sections = ["### Services (1)", "### Files (2)"]
    assert [line for line in lines if line.startswith("###")] == ["### Findings (3)", *sections]
    warned = markdown.lines(report_of([WARNING], plan=plan()))
    assert [line for line in warned if line.startswith("###")] == [*sections, "### Findings (1)"]
    assert "- `-` `payments v1`, 2 → 0 endpoints" in lines
    assert "  - **`default:shop/web` depends on it**" in lines


def test_markdown_says_once_why_the_endpoints_of_some_services_are_missing() -> None:
    known, unknown = plan(), plan(known=False)
    unknown["services"] *= 2
    lines = list(markdown.lines(replace(REPORT, plan=unknown)))
    assert lines.count(UNKNOWN_ENDPOINTS) == 1
    assert "### Services (2)" in lines
    assert UNKNOWN_ENDPOINTS not in list(markdown.lines(replace(REPORT, plan=known)))


@given(HOSTILE, HOSTILE)
def test_hostile_text_stays_in_its_code_span_in_markdown(text: str, name: str) -> None:
    finding = Finding(rule="r", message=text, service=name, help=text, origin=FileOrigin(text, 1, 1))
    change = plan(service=name, added=[text], dependents=[name])
    change["files"][0]["path"] = text
    rendered = MarkdownIt("commonmark").parse("\n".join(markdown.lines(Report(findings=(finding,), plan=change))))
    kinds = {token.type for token in rendered}
    kinds |= {child.type for token in rendered for child in token.children or ()}
    assert kinds <= {
        *("paragraph_open", "inline", "paragraph_close", "heading_open", "heading_close", "bullet_list_open"),
        *("bullet_list_close", "list_item_open", "list_item_close", "text", "code_inline", "strong_open"),
        *("strong_close", "softbreak"),
    }
    texts = " ".join(child.content for token in rendered for child in token.children or () if child.type == "text")
    assert "@" not in texts
    assert "#" not in texts


def test_markdown_folds_the_endpoints_of_a_service_that_moved() -> None:
    moved = plan(action="change", effect="move", after=2, added=["http://c"], moved={"dc1": 1, "": 1})
    text = "\n".join(markdown.lines(Report(plan=moved)))
    assert "- `~` `payments v1`: 2 of 2 moved, `dc1` 1\n  <details><summary>endpoints</summary>\n" in text
    folded = text.partition("<details>")[2].partition("</details>")[0]
    assert "  - `+` `http://c`\n  - `-` `http://a`" in folded


@given(HOSTILE, HOSTILE)
def test_hostile_text_does_not_break_out_of_the_fold(text: str, name: str) -> None:
    moved = plan(service=name, action="change", effect="move", added=[text], removed=[name], moved={text or "dc": 1})
    rendered = MarkdownIt("commonmark").parse("\n".join(markdown.lines(Report(plan=moved))))
    html = [token.content.strip() for token in rendered if token.type == "html_block"]
    assert html == ["<details><summary>endpoints</summary>", "</details>"]
    assert not any(child.type == "html_inline" for token in rendered for child in token.children or ())


def test_markdown_names_the_worst_changes_of_services_first() -> None:
    found = plan()
    effects = ["move", "add", "change", "shrink", "remove"]
    found["services"] = [plan(service=effect, effect=effect)["services"][0] for effect in effects]
    lines = [line.split("`")[3].split()[0] for line in markdown.lines(Report(plan=found)) if line.startswith("- `")]
    assert lines[:5] == effects[::-1]


def test_markdown_says_that_only_the_lock_changes() -> None:
    alone = {**plan(), "services": [], "files": []}
    assert (
        next(iter(markdown.lines(Report(plan=alone)))) == "**frostline**: only the lock changes, 0 errors, 0 warnings"
    )


def test_markdown_does_not_cut_text_to_copy_in_a_help_line() -> None:
    accept = f'`- {{rule: guard-instances, service: "{"s" * 200}", until: 2026-01-01, why: "say why"}}`'
    mend = f"if this is intended, rerun with `--allow deletes={'s' * 200}`, or have it reviewed: add {accept}"
    text = "\n".join(markdown.lines(Report(findings=(Finding(rule="r", message="m", help=mend),))))
    assert accept in text


def test_markdown_is_cut_to_the_size_of_a_comment_and_says_so() -> None:
    findings = [Finding(rule="r", message="😀" * 200, service=f"s{number:05}") for number in range(2_000)]
    text = "\n".join(markdown.lines(report_of(findings, plan=plan())))
    assert len(text.encode("utf-16-le")) // 2 <= markdown.LONGEST
    shown = len(re.findall("^- error", text, re.MULTILINE))
    assert f"- … and {2_000 - shown} more" in text


@pytest.mark.parametrize("severity", ["error", "warning"])
@pytest.mark.parametrize("findings", [1, 2_000])
def test_markdown_shows_some_of_each_section_however_long_the_others_are(severity: Severity, findings: int) -> None:
    whole = plan()
    whole["services"] = [plan(service=f"s{number:05}")["services"][0] for number in range(3_000)]
    whole["files"] *= 5_000
    found = [Finding(rule="r", message="m" * 100, severity=severity, service=f"s{n}") for n in range(findings)]
    lines = list(markdown.lines(report_of(found, plan=whole)))
    assert len("\n".join(lines)) in range(markdown.LONGEST * 3 // 4, markdown.LONGEST + 1)
    assert not any("not shown" in line for line in lines)
    for start in ("- `-` `s", "- `~` `a.py", f"- {severity} `r`"):
        assert any(line.startswith(start) for line in lines), start
    assert sum(line.startswith("- … and ") for line in lines) == (2 if findings == 1 else 3)


@pytest.mark.parametrize("text", ["", " ", "`", "``a`", "a`", "\n"])
def test_a_code_span_holds_any_text(text: str) -> None:
    (inline,) = [token for token in MarkdownIt("commonmark").parse(f"x {markdown.code(text)} y") if token.children]
    assert [child.type for child in inline.children or ()] == ["text", "code_inline", "text"]
