"""`frostline schema`: print the JSON Schemas of what frostline reads and writes."""

from __future__ import annotations

import click

from frostline import errors, resources
from frostline.cli.completing import one_of, schema_names
from frostline.cli.console import (
    Invocation,
    print_data,
)
from frostline.cli.invoking import invoked
from frostline.cli.options import common_options
from frostline.errors import UsageError
from frostline.text import did_you_mean


@click.command("schema")
@click.argument("name", required=False, shell_complete=one_of(schema_names))
@common_options
@invoked
def command(invocation: Invocation, name: str | None) -> int:
    """Print a JSON Schema, or the names of all schemas."""
    names = resources.schema_names()
    if name is None:
        print_data(names)
        return errors.DONE
    if name not in names:
        raise UsageError(f"there is no schema `{name}`", help=did_you_mean(name, names, f"schemas: {', '.join(names)}"))
    print_data(resources.schema_text(name).decode().rstrip("\n").split("\n"))
    return errors.DONE
