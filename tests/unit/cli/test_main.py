from __future__ import annotations

import json
import re
from typing import Any

import click
import pytest

from frostline.cli import main as cli
from frostline.cli.commands import COMMANDS
from frostline.cli.commands import schema as schema_module
from frostline.cli.main import frostline, run
from frostline.errors import ErrorGroup, FrostlineError, PublishError, SourceError


def command_of(name: str) -> click.Command:
    command = frostline.get_command(click.Context(frostline), name)
    assert command is not None
    return command


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`failing(error)`: the command `schema` raises this error."""

    def fail_with(error: BaseException) -> None:
        def schema_names() -> list[str]:
            raise error

        monkeypatch.setattr(schema_module.resources, "schema_names", schema_names)

    return fail_with


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PublishError("no"), 5),
        (ErrorGroup([SourceError("a"), PublishError("b")]), 5),
        (KeyboardInterrupt(), 130),
        (ValueError("canary"), 70),
        (RecursionError("canary"), 70),
        (MemoryError("canary"), 3),
    ],
)
def test_an_exception_becomes_a_status_and_never_a_traceback(
    error: BaseException, status: int, failing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error)
    assert run(["schema"]) == status
    shown = capsys.readouterr()
    assert "error: " in shown.err
    assert "Traceback" not in shown.err
    assert "canary" not in shown.err
    assert shown.out == ""


def test_a_bug_names_its_place_and_asks_for_a_report(failing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failing(ValueError("canary"))
    run(["schema"])
    assert re.search(r"ValueError at test_main\.py:\d+\n  help: please report it", capsys.readouterr().err)


def test_a_wrong_command_line_is_a_usage_error_that_points_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "--nonsense"]) == 2
    assert "see `frostline compile --help`" in capsys.readouterr().err
    assert run(["nonsense"]) == 2
    assert "the commands are `init`, " in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["--format=json"], ["--format", "json"]])
def test_a_wrong_command_line_that_asks_for_json_is_reported_as_json_too(
    asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", *asked, "--nonsense"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["status"] == 2
    assert run(["plan", "--nonsense"]) == 2
    assert capsys.readouterr().out == ""


def test_no_command_at_all_shows_the_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("Usage: frostline ")
    assert shown.out == ""


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"frostline {cli.__version__}\n"


# --- help -------------------------------------------------------------------------------------------------------------


def help_of(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*arguments, "--help"]) == 0
    return capsys.readouterr().out


def test_help_explains_the_marks_of_explain_and_the_lines_for_completion(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for mark in "*>!<":
        assert f"\n    {mark}  " in help_of(["explain"], capsys, monkeypatch)
    assert '\n    eval "$(frostline completion bash)" ' in help_of(["completion"], capsys, monkeypatch)


def test_help_has_every_command_with_its_whole_summary_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of([], capsys, monkeypatch)
    section = shown.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [tuple(line.split(maxsplit=1)) for line in section.splitlines()] == list(COMMANDS.items())


def test_help_has_every_exit_status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    section = help_of([], capsys, monkeypatch).partition("Exit status")[2]
    statuses = {error.status for error in all_errors(FrostlineError)} | {0}
    assert {int(number) for number in re.findall(r"^  (\d+) ", section, re.MULTILINE)} == statuses


def all_errors(family: type[FrostlineError]) -> set[type[FrostlineError]]:
    return {family}.union(*(all_errors(error) for error in family.__subclasses__()))


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_fits_80_columns(
    name: str | None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of([name] if name else [], capsys, monkeypatch)
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_of_a_command_is_the_first_sentence_of_its_help(name: str) -> None:
    text = command_of(name).help
    assert text is not None
    assert text.split("\n\n")[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_common_options_and_help_for_all_of_its_own(name: str) -> None:
    command = command_of(name)
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    flags = {flag for option in options for flag in option.opts}
    assert {"--config", "--quiet", "--verbose", "--today", "--color", "--help"} <= flags
    assert ("--format" in flags) is (name not in ("schema", "watch", "completion"))
    assert [option.name for option in options if not option.help] == []
