"""`frostline explain`: where endpoints come from, and why other instances are left out."""

from __future__ import annotations

from collections.abc import Sequence

import click

from frostline import errors
from frostline.cli.console import (
    Invocation,
    info,
    print_json,
    print_text,
    report_value,
)
from frostline.cli.invoking import DifferentError, invoked, load_invocation_config, print_warnings
from frostline.cli.options import FORMATS, common_options, format_option, offline_option
from frostline.lock.codec import lock_of
from frostline.model import SegmentAnswer
from frostline.pipeline import assemble as assembling
from frostline.pipeline import explaining
from frostline.pipeline import freeze as freezing
from frostline.registry.exclusions import excluded_instances, overridden_endpoints
from frostline.text import list_names


@click.command("explain")
@click.argument("service")
@click.argument("version", required=False)
@offline_option
@format_option(*FORMATS)
@common_options
@invoked
def command(invocation: Invocation, service: str, version: str | None, offline: bool) -> int:
    """Show where the endpoints of a service come from.

    Lists each endpoint with its origin, and each instance that was left out with the reason.
    Exits with 1 if the service is unknown.
    """
    config = load_invocation_config(invocation)
    answers: tuple[SegmentAnswer, ...] = ()
    if offline:
        used = freezing.offline_lock(config, freezing.read_committed_lock(config))
        info(invocation, "Reading the lock only; instances excluded by selection are not listed.")
    else:
        frozen = freezing.freeze(config, freezing.CommittedLock(config), every_service=True)
        print_warnings(invocation, frozen.warnings)
        used, answers = lock_of(frozen.snapshots), frozen.answers
    declared = assembling.declared_contributions(config)
    contributions = assembling.contributions_of(config, used, declared)
    registry = assembling.registry_of_lock(config, used, declared)
    live = freezing.live_sources(config)
    exclusions = [*excluded_instances(answers, live), *overridden_endpoints(contributions, registry)]
    keys = explaining.chosen(registry, exclusions, service, version)
    if not keys:
        raise _unknown_service(service, version, explaining.closest(registry, exclusions, service, version))
    if invocation.format == "json":
        print_json(report_value(explained=explaining.explanation_value(keys, registry, exclusions)))
    else:
        print_text(invocation, explaining.explanation_lines(keys, registry, exclusions))
    return errors.DONE


def _unknown_service(service: str, version: str | None, close: Sequence[str]) -> DifferentError:
    asked = service if version is None else f"{service} {version}"
    hint = f"did you mean {list_names(close, 'or')}?" if close else "see `frostline list`"
    return DifferentError(f"unknown service `{asked}`", help=hint)
