"""`frostline list`: list the services, offline."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import click

from frostline import errors
from frostline.cli.console import Invocation, print_json, print_text, report_value
from frostline.cli.invoking import invoked, load_invocation_config
from frostline.cli.options import FORMATS, common_options, format_option
from frostline.cli.tables import table_lines
from frostline.model import Key, version_label
from frostline.pipeline.compile.assembling import overridden_of_lock
from frostline.pipeline.compile.holding import held_keys
from frostline.pipeline.freeze.confirmations import SegmentAge, ages_of_lock
from frostline.pipeline.freeze.locks import offline_lock, read_committed_lock
from frostline.pipeline.views.listing import list_value, segments_value
from frostline.registry.overrides.applying import Overridden

_HEADER = ("SERVICE", "VERSION", "ENDPOINTS", "SOURCE", "URL")
_AGE_HEADER = ("SOURCE", "DATACENTER", "NAMESPACE", "LOCK")


@click.command("list")
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation) -> int:
    """List the services of the committed lock and the local sources.

    If `confirmed` is configured, also shows how old the lock is.
    """
    config = load_invocation_config(invocation)
    committed = read_committed_lock(config)
    lock = offline_lock(config, committed)
    ages = ages_of_lock(config, committed) if config.confirmed and committed else []
    overridden, held = overridden_of_lock(config, lock), held_keys(config, lock)
    if invocation.format == "json":
        segments: dict[str, Any] = {"lock_age": segments_value(ages)} if config.confirmed else {}
        print_json(report_value(services=list_value(overridden, held), **segments))
    else:
        print_text(invocation, table_lines(*_table(overridden, held)))
        if ages:
            print_text(invocation, ["", *table_lines(_AGE_HEADER, [_age_row(age) for age in ages])])
    return errors.DONE


def _age_row(age: SegmentAge) -> tuple[str, str, str, str]:
    source, datacenter, namespace = age.snapshot.segment
    return (source, datacenter, namespace, age.describe() if age.at is None else f"{age.describe()}, at {age.at}")


def _table(overridden: Overridden, held: Collection[Key]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header, and a row for each (service, version).

    There are columns for authentication and overrides only if the registry has any. held: what the lock holds.
    """
    rows: list[tuple[str, ...]] = []
    effects = overridden.effects_by_key()
    has_auth = any(entry.auth for _, entry in overridden.registry.entries())
    for key, entry in overridden.registry.entries():
        number = f"{len(entry.endpoints)}{' (held)' if key in held else ''}"
        row = (key.service, version_label(key.version), number, ", ".join(entry.sources), entry.url or "-")
        notes = [f"until {effect.override.until}: {effect.override.why}" for effect in effects.get(key, ())]
        auth = (entry.auth or "-",) if has_auth else ()
        rows.append((*row, *auth, *(["; ".join(dict.fromkeys(notes)) or "-"] if overridden.plain else [])))
    return (*_HEADER, *(["AUTH"] if has_auth else []), *(["OVERRIDE"] if overridden.plain else [])), rows
