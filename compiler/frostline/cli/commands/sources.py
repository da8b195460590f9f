"""`frostline sources`: whether each source can be read, and what it sees."""

from __future__ import annotations

import sys

import click
from msgspec.structs import asdict, astuple

from frostline import errors
from frostline.cli.console import Invocation, print_err, print_json, print_text, report_value, text_report
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.cli.tables import table_lines
from frostline.errors import ErrorGroup
from frostline.pipeline.survey import Survey, survey_sources


@click.command("sources")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """Ask each source whether it can be read and what it sees.

    Exits with 3 if a source cannot be read.
    """
    survey = survey_sources(load_invocation_config(invocation))
    _print_survey(invocation, survey)
    return max((error.status for error in survey.errors), default=errors.DONE)


def _print_survey(invocation: Invocation, survey: Survey) -> None:
    print_warnings(invocation, survey.warnings)
    error = ErrorGroup(survey.errors) if survey.errors else None
    if invocation.format == "json":
        print_json(report_value(error=error, sources=[asdict(state) for state in survey.states]))
    else:
        header = ("SOURCE", "TYPE", "STATE", "SEES")
        print_text(invocation, table_lines(header, [astuple(state) for state in survey.states]))
    for line in text_report(invocation, sys.stderr, (), error):
        print_err(line)
