"""`frostline list`: the services, offline."""

from __future__ import annotations

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    print_json,
    print_text,
    report_value,
)
from frostline.cli.invoking import invoked, load_invocation_config
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.pipeline import assemble as assembling
from frostline.pipeline import explaining
from frostline.pipeline import freeze as freezing


@click.command("list")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """List the services of the committed lock and the local sources."""
    config = load_invocation_config(invocation)
    used = freezing.offline_lock(config, freezing.read_committed_lock(config))
    registry = assembling.registry_of_lock(config, used)
    if invocation.format == "json":
        print_json(report_value(services=explaining.list_value(registry)))
    else:
        header = ("SERVICE", "VERSION", "ENDPOINTS", "SOURCE", "URL")
        print_text(invocation, explaining.table_lines(header, explaining.list_rows(registry)))
    return errors.DONE
