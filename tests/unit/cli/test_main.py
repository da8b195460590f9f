from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import click
import pytest

from frostline.cli import console
from frostline.cli import main as cli
from frostline.cli.commands import publishing as commands
from frostline.cli.console import Invocation
from frostline.cli.main import parse_allow, run
from frostline.errors import ErrorGroup, PublishError, SourceError
from frostline.settings import Allow

COMMANDS = ["check", "compile", "explain", "freeze", "graph", "list", "plan", "schema", "sources"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `compile` was told; the command itself does nothing."""
    found: dict[str, Any] = {}

    def compile_command(**arguments: Any) -> int:
        found.update(arguments)
        return 0

    monkeypatch.setattr(commands, "compile_command", compile_command)
    return found


@pytest.fixture(autouse=True)
def _quiet_again() -> Iterator[None]:
    yield
    logging.getLogger("frostline").handlers = []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Allow()),
        (["deletes"], Allow(deletes="*")),
        (["deletes=legacy-*"], Allow(deletes="legacy-*")),
        (["deletes=a=b"], Allow(deletes="a=b")),
        (["updates,empty", "edited, adopt"], Allow(updates=True, empty=True, edited=True, adopt=True)),
    ],
)
def test_allow_is_read_from_words_with_commas_between_them(words: list[str], expected: Allow) -> None:
    assert parse_allow(words) == expected


@pytest.mark.parametrize("word", ["delete", "deletes=", "updates=x", "", "updates,,empty", "Deletes"])
def test_any_other_word_of_allow_is_refused(word: str) -> None:
    with pytest.raises(click.BadParameter, match="is none of deletes"):
        parse_allow([word])


def test_the_defaults_are_those_of_the_design(told: dict[str, Any]) -> None:
    assert run(["compile"]) == 0
    invocation = told.pop("invocation")
    assert told == {"offline": False, "locked": False, "locks": (), "only": (), "allow": Allow()}
    assert (invocation.config, invocation.quiet, invocation.verbose) == (None, False, 0)
    assert (invocation.color, invocation.format) == ("auto", "text")


def test_options_may_be_given_again(told: dict[str, Any]) -> None:
    assert run(["compile", "--only", "a", "--only", "b", "--lock", "x", "--lock", "y", "-vv"]) == 0
    assert (told["only"], told["locks"], told["invocation"].verbose) == (("a", "b"), ("x", "y"), 2)


def test_every_command_has_help_and_the_common_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(cli.frostline.commands) == COMMANDS
    for name in COMMANDS:
        assert run([name, "-h"]) == 0
        shown = capsys.readouterr().out
        for option in ("--config", "--quiet", "--verbose", "--today", "--color"):
            assert option in shown
        assert ("--format" in shown) is (name != "schema")


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("frostline ")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PublishError("no"), 5),
        (ErrorGroup([SourceError("one"), PublishError("two")]), 5),
        (KeyboardInterrupt(), 130),
        (ValueError("canary"), 70),
        (RecursionError("canary"), 70),
        (MemoryError("canary"), 70),
    ],
)
def test_an_exception_becomes_a_status_and_never_a_traceback(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compile_command(**_: Any) -> int:
        raise error

    monkeypatch.setattr(commands, "compile_command", compile_command)
    assert run(["compile"]) == status
    shown = capsys.readouterr()
    assert "error: " in shown.err
    assert "Traceback" not in shown.err
    assert "canary" not in shown.err
    assert shown.out == ""


def invocation(**more: Any) -> Invocation:
    from datetime import date

    given = {"config": None, "quiet": False, "verbose": 0, "today": date(2026, 1, 1), "color": "auto", "format": "text"}
    return Invocation(**given | more)


def test_a_word_to_the_person_is_harmless_and_silent_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell(invocation(), "::error::\x1b[1m")
    console.tell(invocation(quiet=True), "nothing")
    assert capsys.readouterr().err == "\\::error::\\x1b[1m\n"


def test_a_log_line_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    console.log_as_asked(invocation(verbose=1))
    logging.getLogger("frostline.test").info("::set-output name=%s", "x\ny")
    logging.getLogger("frostline.test").debug("not this")
    assert capsys.readouterr().err == "\\::set-output name=x\\ny\n"


def test_signs_have_colours_only_where_they_stand_alone(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit_text(invocation(color="always"), ["  + a", "Plan: +1", "-x"], signs=True)
    console.emit_text(invocation(color="always"), ["  + a"])
    assert capsys.readouterr().out == "\x1b[32m  + a\x1b[0m\nPlan: +1\n-x\n  + a\n"
