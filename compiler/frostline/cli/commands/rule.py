"""`frostline rule`: show what a rule means, why it exists, and what to do about its findings."""

from __future__ import annotations

from shutil import get_terminal_size

import click
from msgspec.structs import asdict

from frostline import errors
from frostline.cli.completing import one_of, rule_names
from frostline.cli.console import (
    Invocation,
    print_json,
    print_text,
    report_value,
)
from frostline.cli.invoking import invoked
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.cli.tables import table_lines
from frostline.pipeline.compile.waivable import waiver_line
from frostline.pipeline.reference.rule_page import text_lines
from frostline.pipeline.reference.rule_table import find_rule, rule_table


@click.command("rule")
@click.argument("name", required=False, shell_complete=one_of(rule_names))
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, name: str | None) -> int:
    """Show what a rule of findings means, or list all rules.

    Says why the rule exists and what to do about its findings, with an example and the waiver that silences them.
    """
    rules = list(rule_table().values()) if name is None else [find_rule(name)]
    if invocation.format == "json":
        values = [{**asdict(rule), "waiver": waiver_line(rule.name, invocation.today)} for rule in rules]
        print_json(report_value(rules=values))
    elif name is None:
        rows = [(rule.name, rule.severity, rule.summary) for rule in rules]
        print_text(invocation, table_lines(("RULE", "SEVERITY", "WHAT IS WRONG"), rows))
    else:
        waiver = waiver_line(rules[0].name, invocation.today)
        print_text(invocation, text_lines(rules[0], get_terminal_size().columns, waiver))
    return errors.DONE
