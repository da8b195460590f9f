from __future__ import annotations

import click
import pytest

from frostline.cli.commands.compile import command
from frostline.cli.main import run

ABOUT_THE_PLAN = {"--plan", "--expect", "--max-age"}
COMMON = {"--config", "--quiet", "--verbose", "--color", "--format", "--timings", "--metrics", "--help"}
WITH_A_PLAN = COMMON | ABOUT_THE_PLAN
VALUES = {"--lock": ["x"], "--only": ["x"], "--allow": ["updates"], "--today": ["2026-01-01"], "--wait": ["1s"]}


@pytest.mark.parametrize(
    "flag",
    sorted(
        flag
        for option in command.params
        if isinstance(option, click.Option)
        for flag in option.opts
        if flag.startswith("--") and flag not in WITH_A_PLAN
    ),
)
def test_an_option_that_a_saved_plan_holds_cannot_be_given_with_it(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compile", "--plan", "nosuch", flag, *VALUES.get(flag, [])]) == 2
    assert f"--plan and {flag} exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-q"], ["--color", "never"], ["--format", "json"], ["--timings"], ["-v"]])
def test_an_option_about_printing_can_be_given_with_a_saved_plan(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compile", "--plan", "nosuch", *words]) == 2
    assert "the plan cannot be read" in capsys.readouterr().err


def test_offline_and_lock_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compile", "--offline", "--lock", "x"]) == 2
    assert "--offline and --lock exclude each other" in capsys.readouterr().err
