"""`frostline sources`: ask each source whether it can be read and what it sees."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
from msgspec.structs import asdict, astuple

from frostline import errors
from frostline.cli.completing import one_of, source_names
from frostline.cli.console import (
    Invocation,
    info,
    print_ending,
    print_err,
    print_json,
    print_text,
    report_value,
    text_report,
)
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.cli.tables import table_lines
from frostline.errors import ErrorGroup
from frostline.pipeline.survey import SourcePolicy, Survey, policies_of, survey_sources
from frostline.text import quote


@click.command("sources")
@click.option(
    "--policy",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[SOURCE]",
    shell_complete=one_of(source_names),
    help="Print the smallest ACL policy that each live source, or this one, needs; no network.",
)
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, policy: str | None) -> int:
    """Ask each source whether it can be read and what it sees.

    Exits with 3 if a source cannot be read.
    """
    config = load_invocation_config(invocation)
    if policy is not None:
        _print_policies(invocation, policies_of(config, policy or None))
        return errors.DONE
    survey = survey_sources(config)
    _print_survey(invocation, survey)
    return max((error.status for error in survey.errors), default=errors.DONE)


def _print_policies(invocation: Invocation, policies: Sequence[SourcePolicy]) -> None:
    if invocation.format == "json":
        print_json(report_value(policies=[asdict(policy) for policy in policies]))
        return
    if not policies:
        info(invocation, "No source asks a server, so none needs a policy.")
    print_text(invocation, _policy_lines(policies))


def _policy_lines(policies: Sequence[SourcePolicy]) -> Iterator[str]:
    for number, policy in enumerate(policies):
        yield from [""] if number else []
        yield f"# ACL policy of the source {quote(policy.source)} ({policy.type})"
        yield from policy.policy.split("\n")


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
    print_ending(error)
