"""`frostline override`: print or add an entry of `overrides`, for the night on which one address is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from msgspec.structs import replace as replaced_field

from frostline import errors
from frostline.checks.waivers import waiver_of
from frostline.cli.console import Invocation, info, print_data, print_json, report_value, show_findings
from frostline.cli.invoking import DifferentError, invoked, load_invocation_config, unknown_service
from frostline.cli.options import FORMATS, Day, common_options, format_option
from frostline.errors import RefusedError, UsageError
from frostline.files.reading import read_regular
from frostline.model import Finding
from frostline.pipeline.new_override import NewOverride, Target, entry_of, find_target, try_entry, with_entry
from frostline.pipeline.views.explaining import closest
from frostline.publish.single_file import edit_file
from frostline.registry.overrides.rules import CONFLICT
from frostline.settings import Config
from frostline.text import display_path, name_first

DAYS = 7
"""How many days an override lasts without `--until`."""

_URL_START = re.compile(r"=(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@click.command("override")
@click.argument("service")
@click.argument("version", required=False)
@click.option(
    "--drop",
    multiple=True,
    metavar="KEY=VALUE,…",
    help="Leave out the endpoints that have all of these values: address, port, datacenter, namespace, node, id, url.",
)
@click.option("--add", multiple=True, metavar="URL", help="Add an endpoint (repeatable).")
@click.option("--replace", multiple=True, metavar="OLD=NEW", help="Put a URL in the place of another (repeatable).")
@click.option("--until", type=Day(), metavar="DATE", help=f"The last day (default: {DAYS} days from today).")
@click.option("--why", required=True, metavar="TEXT", help="The reason, for whoever reads it later.")
@format_option(*FORMATS)
@common_options
@invoked
def command(
    invocation: Invocation,
    service: str,
    version: str | None,
    drop: Sequence[str],
    add: Sequence[str],
    replace: Sequence[str],
    until: datetime | None,
    why: str,
) -> int:
    """Print an entry of `overrides`, or add it to the overrides file.

    Use it when one address is wrong and cannot wait for a freeze. Works from the committed lock, without a network.
    Exits with 1 if the service is unknown, or if a part of the entry would change nothing.
    """
    config = load_invocation_config(invocation)
    target = find_target(config, service, version)
    if not target.keys:
        raise unknown_service(service, version, closest(target.plain, (), service, version))
    urls = {endpoint.url for key, entry in target.plain.entries() if key in target.keys for endpoint in entry.endpoints}
    parts: list[tuple[str, Mapping[str, Any]]] = [("--drop", {"drop": [_match(text)]}) for text in drop]
    parts += [("--add", {"add": [url]}) for url in add]
    parts += [("--replace", {"replace": _replacement(text, urls)}) for text in replace]
    if not parts:
        raise UsageError("nothing to change", help="give at least one of --drop, --add and --replace")
    last = until.date() if until else invocation.today + timedelta(days=DAYS)
    if last < invocation.today:
        raise UsageError(
            f"--until: {last} is in the past", help="give a later day; compile refuses an expired override"
        )
    entry = entry_of(target.glob, last.isoformat(), why, parts)
    found = _check_entry(config, target, entry)
    findings = tuple(replaced_field(finding, severity="warning") for finding in found)
    added_to = _print_or_add(invocation, config, entry)
    if invocation.format == "json":
        print_json(report_value(findings, override=entry.value, added_to=added_to))
    show_findings(findings, invocation)
    if any(finding.severity == "error" and not waiver_of(finding, config.checks.waivers) for finding in found):
        info(invocation, "`frostline compile` would refuse this entry as it is.")
    return errors.DONE


def _match(text: str) -> dict[str, Any]:
    """Parse `address=10.0.0.9,port=8080`. A URL may have commas, so `url=URL` stands alone."""
    if text.startswith("url="):
        return {"url": text.removeprefix("url=")}
    match: dict[str, Any] = {}
    for word in text.split(","):
        key, equals, value = word.partition("=")
        if not equals or not key or key in match:
            raise UsageError(f"--drop: `{text}` is not KEY=VALUE,…", help="write --drop address=10.0.0.9,port=8080")
        is_number = key == "port" and value.isascii() and value.isdigit()
        match[key] = int(value) if is_number else value
    return match


def _replacement(text: str, urls: set[str]) -> dict[str, str]:
    """Parse `OLD=NEW`. URLs may have `=` in them, so OLD is a present URL if one fits. urls: the present URLs."""
    splits = [(text[: match.start()], text[match.end() :]) for match in _URL_START.finditer(text)]
    if not splits:
        raise UsageError(f"--replace: `{text}` is not OLD=NEW", help="write --replace http://OLD:80=http://NEW:80")
    old, new = next((split for split in splits if split[0] in urls), splits[0])
    return {old: new}


def _check_entry(config: Config, target: Target, entry: NewOverride) -> tuple[Finding, ...]:
    """Return the new findings that the entry would cause.

    Raises DifferentError if a part of the entry changes nothing, and RefusedError if it contradicts another override.
    """
    trial = try_entry(config, target, entry.override)
    if trial.unused:
        endpoints = f"the endpoints are: {name_first(sorted(trial.urls))}" if trial.urls else "there are no endpoints"
        raise DifferentError("; ".join(finding.message for finding in trial.unused), help=endpoints)
    for finding in trial.findings:
        if finding.rule == CONFLICT.name:
            raise RefusedError(finding.message, help=finding.help)
    if trial.done_by:
        places = name_first([str(override.origin) for override in trial.done_by])
        raise DifferentError(
            f"the override of `{target.glob}` changes nothing: the same is already done at {places}",
            help="to change the last day or the reason, edit `until` and `why` there",
        )
    return trial.findings


def _print_or_add(invocation: Invocation, config: Config, entry: NewOverride) -> str | None:
    """Print the entry; if `overrides` names a file, add the entry to it. Return the file's path, or None."""
    file = config.overrides_file
    lines, place = ([entry.line], "") if file else _to_paste(config, entry)
    if invocation.format == "text":
        print_data(lines)
    if file is None:
        info(invocation, f"{place}, then run `frostline compile --offline`.")
        return None
    shown = display_path(file)
    edit_file(file, lambda content: with_entry(content, entry, shown))
    info(invocation, f"Added to {shown}. Publish it with `frostline compile --offline`.")
    return shown


def _to_paste(config: Config, entry: NewOverride) -> tuple[list[str], str]:
    """Return the entry as lines that fit into the present configuration, and what to do with them."""
    shown = display_path(config.path)
    if not config.overrides:
        return ["overrides:", f"  {entry.line}"], f"Add this to {shown}"
    last = config.overrides[-1].origin
    start = re.match(r"( *)- ", _line_at(config, last.line))
    if start:
        return [f"{start[1]}{entry.line}"], f"Add this below the last entry of `overrides` in {shown}"
    return [entry.line.removeprefix("- ")], f"Add this to the list `overrides` at {last}"


def _line_at(config: Config, number: int) -> str:
    """Return a line of the configuration; "" if it came from a pipe, which cannot be read again."""
    if config.digest is not None:
        return ""
    lines = read_regular(config.path).decode("utf-8", "replace").splitlines()
    return lines[number - 1] if number <= len(lines) else ""
