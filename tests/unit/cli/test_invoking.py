from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from frostline import errors
from frostline.cli.console import Invocation
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, common_options, format_option, timings_option
from frostline.errors import ErrorGroup, RefusedError
from frostline.events import stage


def run(function: Callable[[Invocation], int], *arguments: str) -> int:
    """Run a command with this function and these words, and return its status."""
    command = click.command()(format_option(*FORMATS)(timings_option(common_options(invoked(function)))))
    status: int = command.main(list(arguments), standalone_mode=False)
    return status


def refuse(invocation: Invocation) -> int:
    with stage("refusing"):
        raise RefusedError("no", help="ask again")


def test_a_function_gets_the_invocation_and_returns_the_status() -> None:
    assert run(lambda invocation: 1 if invocation.format == "json" else 0, "--format", "json") == 1


def test_an_error_becomes_its_status_and_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(refuse, "--format", "json") == errors.REFUSED
    shown = capsys.readouterr()
    assert shown.err == "error: no\n  help: ask again\n1 error\n"
    assert '"message": "no"' in shown.out


def test_timings_are_printed_after_an_error_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(refuse, "--timings") == errors.REFUSED
    assert capsys.readouterr().err.splitlines()[3].startswith("refusing ")


def test_the_option_names_the_configuration_else_the_nearest_is_used(
    invocation: Callable[..., Invocation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for path in (tmp_path / "frostline.yaml", inner / "other.yaml"):
        path.write_text("version: 1\nsources: {a: {type: static, services: {b: 'http://b'}}}\n")
    monkeypatch.chdir(inner)
    assert load_invocation_config(invocation()).path == tmp_path / "frostline.yaml"
    assert load_invocation_config(invocation(config=Path("other.yaml"))).path == inner / "other.yaml"
    with pytest.raises(ErrorGroup):
        load_invocation_config(invocation(config=Path("nosuch.yaml")))


def test_warnings_are_silent_when_quiet(
    invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    print_warnings(invocation(), ["mind this"])
    print_warnings(invocation(quiet=True), ["not this"])
    assert capsys.readouterr().err == "warning: mind this\n"
