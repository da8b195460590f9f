"""`frostline explain`: show where endpoints come from, and why other instances are left out."""

from __future__ import annotations

from collections.abc import Iterator

import click

from frostline import errors
from frostline.cli.console import Invocation, info, print_json, print_text, report_value
from frostline.cli.invoking import invoked, load_invocation_config, print_warnings, unknown_service
from frostline.cli.options import FORMATS, common_options, format_option, offline_option
from frostline.lock.codec import lock_of
from frostline.model import Entry, Registry, SegmentAnswer, version_label
from frostline.pipeline.compile.assembling import registry_of_lock
from frostline.pipeline.compile.holding import hold_part
from frostline.pipeline.freeze.freezing import freeze
from frostline.pipeline.freeze.locks import CommittedLock, offline_lock, read_committed_lock
from frostline.pipeline.views.committed import known_registry
from frostline.pipeline.views.explaining import (
    Explanation,
    SeenByOutput,
    closest,
    explain,
    explanation_value,
    services_named,
    with_known_callers,
)
from frostline.registry.overrides.rules import describe
from frostline.settings import Config
from frostline.text import escape_control, quote


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
    SERVICE may also be SERVICE/VERSION, or a registered name such as payments-v1.
    Exits with 1 if the service is unknown.

    \b
      *  the chosen URL: use it if you want only one
      >  what an output has, if that differs
      !  an override applies
      <  who depends on the service
    """
    config = load_invocation_config(invocation)
    answers: tuple[SegmentAnswer, ...] = ()
    if offline:
        used = offline_lock(config, read_committed_lock(config))
        info(invocation, "Reading the lock only; instances excluded by selection are not listed.")
    else:
        committed = CommittedLock(config)
        frozen = freeze(config, committed, services=services_named(config, service))
        print_warnings(invocation, frozen.warnings)
        locks = committed.pair_with(with_known_callers(frozen.snapshots, committed.known), frozen)
        used, answers = hold_part(config, locks, invocation.today), frozen.answers
    explanation = explain(config, used, answers, service, version)
    if not explanation.keys:
        names = explanation.registry if offline else (known_registry(config) or _read_registry(config))
        close = closest(names, explanation.exclusions, service, version)
        raise unknown_service(service, version, close)
    if invocation.format == "json":
        print_json(report_value(explained=explanation_value(explanation)))
    else:
        print_text(invocation, explanation_lines(explanation))
    return errors.DONE


def _read_registry(config: Config) -> Registry:
    """Read the whole registry from the sources, for the names in it."""
    return registry_of_lock(config, lock_of(freeze(config, CommittedLock(config)).snapshots))


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation as text for a person."""
    effects = explanation.overridden.effects_by_key()
    for key in explanation.keys:
        entry = explanation.registry.get(key)
        yield escape_control(f"{key.service} {version_label(key.version)}")
        if entry is None:
            yield "  not in the registry"
        elif entry.declared:
            yield escape_control(f"  known to {', '.join(entry.sources)}, but nothing to call")
        if entry and entry.auth:
            yield escape_control(f"  callers authenticate by {quote(entry.auth)}")
        if key in explanation.held:
            yield "  held as in the lock: a guard refuses what its source says now"
        for endpoint in entry.endpoints if entry else ():
            mark = "*" if entry and endpoint.url == entry.url else " "
            yield escape_control(f"  {mark} {endpoint.url}  from {endpoint.origin}")
        for seen in explanation.outputs:
            if seen.key == key:
                yield from _output_lines(seen, entry)
        for effect in effects.get(key, ()):
            override = effect.override
            end = f"until {override.until} ({override.why}), {override.origin}"
            yield escape_control(f"  ! an override {describe([effect])} {end}")
        for consumer, origin in explanation.dependents_of(key):
            yield escape_control(f"  < {consumer} depends on it, {origin}")
        missing = explanation.exclusions_of(key)
        if missing:
            yield "  left out:"
            for exclusion in missing:
                yield escape_control(f"    {exclusion.name}  {exclusion.origin}: {exclusion.reason}")


def _output_lines(seen: SeenByOutput, entry: Entry | None) -> Iterator[str]:
    """Yield what an output has of a (service, version). entry: its entry in the registry."""
    if seen.entry is None or seen.entry.declared:
        what = "leaves it out" if seen.entry is None else "has it without an endpoint"
        yield escape_control(f"  > the output {seen.output} {what}")
        return
    only_chosen = entry is not None and entry.endpoints == seen.entry.endpoints and entry.url != seen.entry.url
    for endpoint in seen.entry.endpoints:
        is_chosen = endpoint.url == seen.entry.url
        if only_chosen and not is_chosen:
            continue
        mark = "*" if is_chosen else " "
        yield escape_control(f"  > {mark} {endpoint.url}  in the output {seen.output}")
