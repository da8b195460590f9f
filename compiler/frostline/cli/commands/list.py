"""`frostline list`: the services, offline."""

from __future__ import annotations

from collections.abc import Collection

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
from frostline.model import Key, Registry, version_label
from frostline.pipeline.assemble import registry_of_lock
from frostline.pipeline.holding import held_keys
from frostline.pipeline.views import committed_lock, list_value

_HEADER = ("SERVICE", "VERSION", "ENDPOINTS", "SOURCE", "URL")


@click.command("list")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """List the services of the committed lock and the local sources."""
    config = load_invocation_config(invocation)
    lock = committed_lock(config)
    registry, held = registry_of_lock(config, lock), held_keys(config, lock)
    if invocation.format == "json":
        print_json(report_value(services=list_value(registry, held)))
    else:
        print_text(invocation, table_lines(_HEADER, _rows(registry, held)))
    return errors.DONE


def _rows(registry: Registry, held: Collection[Key]) -> list[tuple[str, str, str, str, str]]:
    """A row a (service, version): service, version, endpoints, sources, url. held: as `held_keys` has it."""
    return [
        (
            key.service,
            version_label(key.version),
            f"{len(entry.endpoints)}{' (held)' if key in held else ''}",
            ", ".join(entry.sources),
            entry.url or "-",
        )
        for key, entry in registry.entries()
    ]
