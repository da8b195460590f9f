from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from frostline.cli import console
from frostline.cli.console import Invocation
from frostline.errors import PublishError
from frostline.model import Finding

WARNING = Finding(rule="a", message="mind this", severity="warning")
ERROR = Finding(rule="b", message="mend this")


def test_info_is_escaped_and_silent_when_quiet(
    invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    console.info(invocation(), "::error::\x1b[1m")
    console.info(invocation(quiet=True), "nothing")
    assert capsys.readouterr().err == "\\::error::\\x1b[1m\n"


def test_a_log_line_is_escaped(invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]) -> None:
    console.configure_logging(invocation(verbose=1))
    logging.getLogger("frostline.test").info("::set-output name=%s", "x\ny")
    assert capsys.readouterr().err == "\\::set-output name=x\\ny\n"


@pytest.mark.parametrize(
    ("verbose", "levels"), [(0, []), (1, ["info"]), (2, ["info", "debug"]), (3, ["info", "debug"])]
)
def test_each_v_logs_more(
    verbose: int, levels: list[str], invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    console.configure_logging(invocation(verbose=verbose))
    logger = logging.getLogger("frostline.test")
    logger.info("info")
    logger.debug("debug")
    assert capsys.readouterr().err.split() == levels


def test_signs_have_colors_only_where_they_stand_alone(
    invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    console.print_text(invocation(color="always"), ["  + a", "Plan: +1", "-x"], signs=True)
    console.print_text(invocation(color="always"), ["  + a"])
    console.print_text(invocation(color="auto"), ["  + a"], signs=True)
    assert capsys.readouterr().out == "\x1b[32m  + a\x1b[0m\nPlan: +1\n-x\n  + a\n  + a\n"


def test_quiet_leaves_warnings_out_and_errors_in(
    invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    console.show_findings([WARNING, ERROR], invocation(quiet=True))
    shown = capsys.readouterr().err
    assert "mend this" in shown
    assert "mind this" not in shown
    console.show_findings([WARNING, ERROR], invocation())
    assert "mind this" in capsys.readouterr().err


def test_an_error_is_printed_to_stderr_and_in_the_format_of_the_invocation_to_stdout(
    invocation: Callable[..., Invocation], capsys: pytest.CaptureFixture[str]
) -> None:
    console.show_error(PublishError("full", help="make room"), invocation(format="json"))
    shown = capsys.readouterr()
    assert shown.err == "error: full\n  help: make room\n1 error\n"
    assert json.loads(shown.out)["errors"][0]["message"] == "full"
    console.show_error(PublishError("full"), invocation())
    assert capsys.readouterr().out == ""
