"""`frostline override`: what it prints, adds and refuses, with which status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frostline.cli.main import run

SERVICES = {
    "payments": {"v1": ["http://10.0.0.7:8080/v1", "http://10.0.0.9:8080/v1?a=http://b"], "v2": "http://p2"},
    "ledger": "http://10.0.0.1",
    "a/v9": "http://slash",
    "a": {"v9": "http://version"},
}

Override = Callable[..., tuple[int, str, str]]


@pytest.fixture
def override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Override:
    """`override(*words, config…)`: status, stdout and stderr, on 24 January 2027."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, **config: Any) -> tuple[int, str, str]:
        value = {"sources": {"partners": {"type": "static", "services": SERVICES}}, **config}
        (tmp_path / "frostline.yaml").write_text(json.dumps(value, indent=1))
        status = run(["override", *words, "--why", "disk", "--today", "2027-01-24"])
        return (status, *capsys.readouterr())

    return call


DROPPED = '- {service: "payments/v1", drop: {address: "10.0.0.7"}, until: 2027-01-31, why: "disk"}\n'


@pytest.mark.parametrize("names", [["payments", "v1"], ["payments/v1"]])
def test_it_prints_an_entry_with_the_key_if_the_configuration_lacks_it(override: Override, names: list[str]) -> None:
    status, printed, said = override(*names, "--drop", "address=10.0.0.7")
    assert (status, printed) == (0, f"overrides:\n  {DROPPED}")
    assert "Add this to frostline.yaml" in said


BLOCK_LIST = """
sources: {partners: {type: static, services: {payments: {v1: ["http://10.0.0.7:8080/v1", "http://10.0.0.9"]}}}}
overrides:
INDENT- {service: payments, add: ["http://10.0.0.8"], until: 2027-02-01, why: x}
"""


@pytest.mark.parametrize("indent", ["", "  ", "      "])
def test_the_printed_entry_can_be_pasted_below_existing_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], indent: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "frostline.yaml"
    file.write_text(BLOCK_LIST.replace("INDENT", indent))
    words = ["override", "payments", "v1", "--drop", "address=10.0.0.7", "--why", "disk", "--today", "2027-01-24"]
    assert run(words) == 0
    printed = capsys.readouterr().out
    assert printed == f"{indent}{DROPPED}"
    file.write_text(file.read_text() + printed)
    assert run(words) == 1
    said = capsys.readouterr().err
    assert "the same is already done at" in said
    assert "`frostline.yaml:5:" in said


def test_it_prints_a_mapping_if_the_list_is_in_brackets(override: Override) -> None:
    there = [{"service": "ledger", "add": ["http://l"], "until": "2027-02-01", "why": "x"}]
    status, printed, said = override("payments", "v1", "--drop", "address=10.0.0.7", overrides=there)
    assert (status, printed) == (0, DROPPED.removeprefix("- "))
    assert "Add this to the list `overrides` at frostline.yaml:" in said


def test_it_adds_to_the_file_and_says_so(override: Override, tmp_path: Path) -> None:
    (tmp_path / "night.yaml").write_text("# night\n")
    status, printed, said = override("payments", "v1", "--drop", "address=10.0.0.7", overrides="night.yaml")
    assert (status, printed) == (0, DROPPED)
    assert said.startswith("Added to night.yaml.")
    assert (tmp_path / "night.yaml").read_text() == f"# night\n{DROPPED}"
    more = ["--add", "http://10.0.0.8:80/v1", "--until", "2027-03-01", "--format", "json"]
    value = json.loads(override("payments", *more, overrides="night.yaml")[1])
    assert value["added_to"] == "night.yaml"
    assert value["override"] == {
        "service": "payments",
        "add": ["http://10.0.0.8:80/v1"],
        "until": "2027-03-01",
        "why": "disk",
    }
    assert len((tmp_path / "night.yaml").read_text().splitlines()) == 3


def test_a_file_that_cannot_take_the_entry_is_left_alone_and_the_entry_is_printed(
    override: Override, tmp_path: Path
) -> None:
    text = '[{service: ledger, add: ["http://l"], until: 2027-02-01, why: x}]\n'
    (tmp_path / "night.yaml").write_text(text)
    status, printed, said = override("payments", "v1", "--drop", "address=10.0.0.7", overrides="night.yaml")
    assert (status, printed) == (2, DROPPED)
    assert said.startswith("night.yaml:1:1: error: the entry cannot be added")
    assert (tmp_path / "night.yaml").read_text() == text


def test_a_url_with_an_equals_sign_is_replaced_whole(override: Override) -> None:
    old, new = "http://10.0.0.9:8080/v1?a=http://b", "http://10.0.0.8:8080/v1?c=https://d"
    _, printed, _ = override("payments", "--replace", f"{old}={new}")
    assert f'replace: {{"{old}": "{new}"}}' in printed


def test_a_name_with_a_slash_is_a_service_first(override: Override) -> None:
    assert 'service: "a/v9"' in override("a/v9", "--drop", "url=http://slash")[1]
    assert override("a", "v9", "--drop", "url=http://version")[0] == 0


REFUSED = [
    (1, ["paymets", "--drop", "port=80"], "error: unknown service `paymets`\n  help: did you mean `payments`?"),
    (1, ["payments", "v3", "--drop", "port=80"], "unknown service `payments v3`\n  help: did you mean `payments v"),
    (1, ["payments/v3", "--drop", "port=80"], "error: unknown service `payments/v3`"),
    (
        1,
        ["ledger", "--drop", "address=1.1.1.1"],
        "would drop endpoints with address `1.1.1.1`, but there are none\n  help: the end",
    ),
    (1, ["ledger", "--add", "http://10.0.0.1"], "would add `http://10.0.0.1`, but an endpoint has this URL"),
    (1, ["ledger", "--replace", "http://x=http://y"], "would replace `http://x`, but no endpoint has this URL"),
    (2, ["ledger"], "error: nothing to change\n  help: give at least one of --drop, --add and --replace"),
    (2, ["ledger", "--drop", "adress=1"], "error: --drop: unknown key `adress`\n  help: did you mean `address`?"),
    (2, ["ledger", "--drop", "10.0.0.1"], "error: --drop: `10.0.0.1` is not KEY=VALUE"),
    (2, ["ledger", "--drop", "port=http"], "error: --drop: `port` must be a whole number, not the string `http`"),
    (2, ["ledger", "--add", "10.0.0.1:80"], "error: --add: the URL has no scheme"),
    (2, ["ledger", "--replace", "http://10.0.0.1"], "error: --replace: `http://10.0.0.1` is not OLD=NEW"),
    (2, ["ledger", "--drop", "port=80", "--until", "2027-01-23"], "error: --until: 2027-01-23 is in the past"),
    (
        2,
        ["ledger", "--drop", "port=80", "--until", "soon"],
        "--until: `soon` is not a day\n  help: write a date",
    ),
    (4, ["ledger", "--drop", "port=80", "--replace", "http://10.0.0.1=http://l"], "but the one at the new entry:1:3"),
]


@pytest.mark.parametrize(("status", "words", "message"), REFUSED)
def test_an_error_is_reported_and_nothing_is_printed(
    override: Override, status: int, words: list[str], message: str
) -> None:
    found, printed, said = override(*words)
    assert (found, printed) == (status, "")
    assert message in said


def test_the_listed_endpoints_include_those_that_another_override_adds(override: Override, tmp_path: Path) -> None:
    url = "http://10.0.0.12:80"
    (tmp_path / "night.yaml").write_text(f'- {{service: ledger, add: ["{url}"], until: 2027-02-01, why: x}}\n')
    status, _, said = override("ledger", "--add", url, overrides="night.yaml")
    assert status == 1
    assert f"would add `{url}`, but an endpoint has this URL already\n" in said
    assert f"  help: the endpoints are: `http://10.0.0.1`, `{url}`" in said


@pytest.mark.parametrize("last", ["2027-01-31", "2027-02-05"])
def test_an_entry_that_repeats_an_override_is_not_added(override: Override, tmp_path: Path, last: str) -> None:
    file = tmp_path / "overrides.yaml"
    file.write_text(DROPPED)
    words = ("payments/v1", "--drop", "port=8080,address=10.0.0.7", "--until", last)
    status, printed, said = override(*words, overrides="overrides.yaml")
    assert (status, printed) == (1, "")
    assert "the override of `payments/v1` changes nothing: the same is already done at `overrides.yaml:1:3`" in said
    assert "edit `until` and `why` there" in said
    assert file.read_text() == DROPPED
    assert override("payments/v1", "--add", "http://10.0.0.8", overrides="overrides.yaml")[0] == 0


def test_an_entry_that_leaves_no_endpoint_is_a_warning(override: Override) -> None:
    status, printed, said = override("ledger", "--drop", "port=80")
    assert status == 0
    assert "drop: {port: 80}" in printed
    assert "warning[override-no-endpoint]: ledger" in said
    assert said.endswith("`frostline compile` would refuse this entry as it is.\n")
    waiver = {"rule": "override-no-endpoint", "service": "ledger", "until": "2027-02-01", "why": "moves"}
    assert "would refuse" not in override("ledger", "--drop", "port=80", checks={"waivers": [waiver]})[2]
