"""The first step of a compile: assemble the registry from what each source contributes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import cast

from msgspec import Struct

from frostline.events import stage
from frostline.model import Contribution, Finding, Key, Lock, Registry
from frostline.pipeline.compile.rendering import RegistryViews
from frostline.pipeline.compile.states import state_of
from frostline.pipeline.freeze.live import live_sources
from frostline.plan.changes import RegistryState
from frostline.published import ManifestEntry
from frostline.registry.assembling import assemble as assemble_registry
from frostline.registry.assembling import contribution_of
from frostline.registry.auth import pass_on_auths
from frostline.registry.configured_consumers import consumers_by_key, unmatched_findings
from frostline.registry.declaring import contribution_of_declaration
from frostline.registry.overrides.applying import Overridden, apply_overrides
from frostline.registry.overrides.effects import Effect
from frostline.registry.overrides.rules import unused_findings
from frostline.settings import Config, DeclaringSettings
from frostline.sources.base import contributes, declares, keys_are_independent, needs_other_sources, source_module


class Assembly(Struct, frozen=True, kw_only=True):
    """The registry, how each output sees it, and what is wrong with it.

    declared: the contributions of job files, which are read once a run.
    state: the registry with its manifest entries.
    effects: what each override does.
    """

    declared: tuple[Contribution, ...]
    views: RegistryViews
    state: RegistryState
    findings: tuple[Finding, ...]
    effects: tuple[Effect, ...] = ()

    @property
    def registry(self) -> Registry:
        return self.state.registry


def assemble(config: Config, lock: Lock) -> Assembly:
    """Read the local files, and assemble them with the lock."""
    declared = declared_contributions(config)
    with stage("assembling the registry"):
        views = RegistryViews(config, contributions_of(config, lock, declared))
        overridden, findings = views.overridden((), ())
        state = state_of(overridden)
    keys = [entry.key for entry in state.entries]
    findings = (
        *findings,
        *overridden.findings,
        *unused_findings(config.overrides, overridden.effects, overridden.registry),
        *unmatched_findings(config.consumers, keys, config.checks.policies.get("upstreams")),
    )
    return Assembly(declared=declared, views=views, state=state, findings=findings, effects=overridden.effects)


def declared_contributions(config: Config) -> tuple[Contribution, ...]:
    """Read the sources whose files declare services, such as job files."""
    contributions: list[Contribution] = []
    for settings in config.sources.values():
        if declares(settings.type):
            with stage(f"reading source {settings.name}"):
                declaration = source_module(settings.type).declare(settings)
            contributions.append(contribution_of_declaration(declaration, cast(DeclaringSettings, settings)))
    return tuple(contributions)


def contributions_of(
    config: Config,
    lock: Lock,
    declared: Sequence[Contribution] | None = None,
    only_keys: Collection[Key] | None = None,
) -> tuple[Contribution, ...]:
    """Return what each source contributes: live sources from the lock, then local ones; last those that need the names
    of the others.

    declared: the result of `declared_contributions`; None to read the files.
    only_keys: restrict live sources to these keys; None: no restriction.
    """
    contributions: list[Contribution] = []
    local = [settings for settings in config.sources.values() if contributes(settings.type)]
    if not all(keys_are_independent(settings.type) for settings in local):
        only_keys = None
    for name, settings in live_sources(config).items():
        snapshots = [snapshot for snapshot in lock.snapshots if snapshot.source == name]
        names_only = not settings.keep.endpoints
        contributions.append(
            contribution_of(name, snapshots, settings.naming, only_keys, settings.fallbacks, names_only=names_only)
        )
    contributions += declared_contributions(config) if declared is None else declared
    for are_last in (False, True):
        known = {contribution.source: frozenset(contribution.endpoints) for contribution in contributions}
        for local_settings in local:
            if needs_other_sources(local_settings.type) is are_last:
                contributions.append(source_module(local_settings.type).contribute(local_settings, dict(known)))
    return pass_on_auths(contributions)


def registry_of_lock(
    config: Config,
    lock: Lock | None,
    declared: Sequence[Contribution] | None = None,
    only_keys: Collection[Key] | None = None,
) -> Registry:
    """Return the registry of a lock under today's configuration, with overrides. Its findings are ignored.

    only_keys: build only these keys from live sources; other keys then lack live endpoints. None: all keys.
    """
    return overridden_of_lock(config, lock, declared, only_keys).registry


def overridden_of_lock(
    config: Config,
    lock: Lock | None,
    declared: Sequence[Contribution] | None = None,
    only_keys: Collection[Key] | None = None,
) -> Overridden:
    """As `registry_of_lock`, with what the overrides change in the registry."""
    contributions = contributions_of(config, lock or Lock(), declared, only_keys)
    registry, _ = assemble_registry(contributions, config.precedence, config.merge)
    return apply_overrides(registry, config.overrides)


def state_of_lock(
    config: Config, lock: Lock | None, declared: Sequence[Contribution], only_keys: Collection[Key] | None = None
) -> RegistryState:
    """As `registry_of_lock`, with the manifest entries of the registry."""
    return state_of(overridden_of_lock(config, lock, declared, only_keys))


def configured_consumers_of(config: Config, *entries: Iterable[ManifestEntry]) -> dict[Key, tuple[str, ...]]:
    """Return the configured `consumers` of each (service, version) in these manifest entries, sorted."""
    return consumers_by_key(config.consumers, (entry.key for entry in chain(*entries)))


def upstream_consumers(registry: Registry) -> dict[Key, tuple[str, ...]]:
    """Return who declares each (service, version) as an upstream, sorted.

    Upstreams that are looked up elsewhere, such as in a peer, are left out.
    """
    consumers: dict[Key, set[str]] = {}
    for dependency in registry.upstreams:
        if not dependency.is_elsewhere:
            consumers.setdefault(dependency.key, set()).add(dependency.upstream.consumer)
    return {key: tuple(sorted(names)) for key, names in consumers.items()}
