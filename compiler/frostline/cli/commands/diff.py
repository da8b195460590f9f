"""`frostline diff`: show what changed from one lock to another."""

from __future__ import annotations

import click

from frostline import errors
from frostline.cli.console import Invocation, print_json, print_report, print_text, report_value
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings
from frostline.cli.options import REPORT_FORMATS, common_options, format_option
from frostline.pipeline.check.comparing import diff_locks, other_settings, read_named_lock
from frostline.plan.changes import plan_value
from frostline.plan.text import difference_lines


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@format_option(*REPORT_FORMATS)
@common_options
@invoked
def command(invocation: Invocation, before: str, after: str) -> int:
    """Show what changed from lock A to lock B.

    Each is a lock file, a folder of lock files, or a git revision in which the configured lock is read. Shows the
    services and endpoints that the two locks give with today's configuration and local files. Uses no network. Exits
    with 1 if the locks differ.
    """
    config = load_invocation_config(invocation)
    locks = [read_named_lock(config, name) for name in (before, after)]
    print_warnings(invocation, list(other_settings(config, locks)))
    difference = diff_locks(config, locks[0].lock, locks[1].lock)
    value = plan_value(difference)
    if invocation.format == "json":
        print_json({**value, "report": report_value()})
    elif invocation.format == "text":
        print_text(invocation, difference_lines(difference, verbose=invocation.verbose > 0), signs=True)
    else:
        print_report(invocation, (), plan=value)
    return errors.DIFFERENT if difference.has_changes else errors.DONE
