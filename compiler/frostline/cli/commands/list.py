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
from frostline.cli.tables import table_lines
from frostline.model import Registry, version_label
from frostline.pipeline.views import committed_registry, list_value

_HEADER = ("SERVICE", "VERSION", "ENDPOINTS", "SOURCE", "URL")


@click.command("list")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """List the services of the committed lock and the local sources."""
    config = load_invocation_config(invocation)
    registry = committed_registry(config)
    if invocation.format == "json":
        print_json(report_value(services=list_value(registry)))
    else:
        print_text(invocation, table_lines(_HEADER, _rows(registry)))
    return errors.DONE


def _rows(registry: Registry) -> list[tuple[str, str, str, str, str]]:
    """A row a (service, version): service, version, endpoints, sources, url."""
    return [
        (service, version_label(version), str(len(entry.endpoints)), ", ".join(entry.sources), entry.url or "-")
        for (service, version), entry in registry.entries()
    ]
