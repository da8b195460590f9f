"""Applies overrides, which are changes by hand, to the assembled registry. A pure function of the two, without a clock.

Every override sees the endpoints as the sources give them. So their order matters only where two contradict each other:
the first one wins, and the contradiction is an error finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from frostline.globs import is_literal
from frostline.model import Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.patterns import host_and_port
from frostline.registry.endpoints import choose_url, merge_endpoints, numeric_address
from frostline.registry.overrides.effects import Effect
from frostline.registry.overrides.rules import CONFLICT, NO_ENDPOINT
from frostline.service_keys import key_names, matches_key
from frostline.settings import EndpointMatch, Override

_Value = TypeVar("_Value")


class Overridden(Struct, frozen=True, kw_only=True):
    """The registry after the overrides. plain: the entries that they change, as they are without overrides.

    findings: contradictions, and services that overrides leave without an endpoint.
    """

    registry: Registry
    plain: Mapping[Key, Entry] = {}
    effects: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()

    def effects_by_key(self) -> dict[Key, list[Effect]]:
        """The effects that change something, by (service, version), in the order of the overrides."""
        by_key: dict[Key, list[Effect]] = {}
        for effect in self.effects:
            if effect.is_at_work:
                by_key.setdefault(effect.key, []).append(effect)
        return by_key


def apply_overrides(registry: Registry, overrides: Sequence[Override], prefer: Sequence[str] = ()) -> Overridden:
    """Apply the overrides. prefer: datacenters in order of preference, which choose each changed entry's url."""
    if not overrides:
        return Overridden(registry=registry)
    entries = dict(registry.entries())
    plain: dict[Key, Entry] = {}
    effects: list[Effect] = []
    findings: list[Finding] = []
    literals = {override.service for override in overrides if is_literal(override.service)}
    globs = [override for override in overrides if override.service not in literals]
    for key, entry in registry.entries():
        # Most overrides name one service, and most services have no override: looking up names is faster than globs.
        if not (literals.intersection(key_names(key)) or any(matches_key(override.service, key) for override in globs)):
            continue
        matching = [override for override in overrides if matches_key(override.service, key)]
        change = _EntryChange(key, entry)
        for override in matching:
            change.apply(override)
        findings += change.findings()
        effects += change.effects
        if any(effect.is_at_work for effect in change.effects):
            plain[key] = entry
            endpoints = merge_endpoints(change.endpoints())
            entries[key] = Entry(
                url=choose_url(key, endpoints, prefer),
                endpoints=endpoints,
                sources=entry.sources,
                registered=entry.registered,
                auth=entry.auth,
            )
    return Overridden(
        registry=registry_of(entries, registry.upstreams),
        plain=plain,
        effects=tuple(effects),
        findings=tuple(findings),
    )


def written_places(overrides: Iterable[Override]) -> frozenset[FileOrigin]:
    """Where overrides write URLs. The endpoints that they add or replace have these as `declared_at`."""
    return frozenset(
        place
        for override in overrides
        for place in (*(place for _, place in override.add), *(part.origin for part in override.replace))
    )


class _EntryChange:
    """The endpoints of one (service, version) while overrides are applied to them."""

    def __init__(self, key: Key, entry: Entry) -> None:
        self.key, self.entry = key, entry
        self.decided: dict[int, tuple[Endpoint | None, Override]] = {}  # by index of the endpoint; None: dropped
        self.added: list[Endpoint] = []
        self.overrides: list[Override] = []
        self.effects: list[Effect] = []
        self.conflicts: list[Finding] = []

    def apply(self, override: Override) -> None:
        self.overrides.append(override)
        parts: set[FileOrigin] = set()
        dropped: list[Endpoint] = []
        replaced: list[tuple[Endpoint, Endpoint]] = []
        for index, endpoint in enumerate(self.entry.endpoints):
            for replacement, place in _outcomes(override, endpoint):
                parts.add(place)
                if not self._decide(index, replacement, override, place):
                    continue
                if replacement is None:
                    dropped.append(endpoint)
                else:
                    replaced.append((endpoint, replacement))
        added = [
            _added_endpoint(url, place, dropped or self.entry.endpoints, self.entry)
            for url, place in override.add
            if all(url != endpoint.url for endpoint in (*self.entry.endpoints, *self.added))
        ]
        self.added += added
        parts.update(place for url, place in override.add if any(url == endpoint.url for endpoint in added))
        if parts:
            self.effects.append(
                Effect(
                    override=override,
                    key=self.key,
                    dropped=tuple(dropped),
                    replaced=tuple(replaced),
                    added=tuple(added),
                    parts=frozenset(parts),
                )
            )

    def _decide(self, index: int, replacement: Endpoint | None, override: Override, place: FileOrigin) -> bool:
        """Replace the endpoint, or drop it (None), unless an earlier override has decided about it already.

        Returns whether this override decides. A different earlier decision is a conflict.
        """
        if index not in self.decided:
            self.decided[index] = (replacement, override)
            return True
        first, by = self.decided[index]
        if (first and first.url) != (replacement and replacement.url):
            url = self.entry.endpoints[index].url
            self.conflicts.append(
                self._conflict(f"{_act(url, replacement)}, but the one at {by.origin} {_act('it', first)}", place)
            )
        return False

    def _conflict(self, message: str, place: FileOrigin) -> Finding:
        service, version = self.key
        return CONFLICT.finding(f"an override {message}", service=service, version=version, origin=place)

    def endpoints(self) -> list[Endpoint]:
        """The endpoints after the overrides: kept, replaced and added ones."""
        kept = [
            endpoint if index not in self.decided else self.decided[index][0]
            for index, endpoint in enumerate(self.entry.endpoints)
        ]
        return [endpoint for endpoint in (*kept, *self.added) if endpoint is not None]

    def findings(self) -> Iterator[Finding]:
        """A finding for each contradiction, and one if no endpoint is left."""
        yield from self.conflicts
        replacements = [endpoint for endpoint, _ in self.decided.values() if endpoint is not None]
        new = [*self.added, *replacements]
        for match in (match for override in self.overrides for match in override.drop if match.address or match.url):
            for endpoint in new:
                if _fits(match, endpoint):
                    message = f"drops `{endpoint.url}`, which the override at {endpoint.declared_at} adds"
                    yield self._conflict(message, match.origin)
        if self.entry.endpoints and not self.endpoints():
            last = self.effects[-1].override
            yield NO_ENDPOINT.finding(
                f"overrides leave it without an endpoint; it has {len(self.entry.endpoints)} without them",
                service=self.key.service,
                version=self.key.version,
                origin=last.origin,
            )


def _act(url: str, replacement: Endpoint | None) -> str:
    name = url if url == "it" else f"`{url}`"
    return f"drops {name}" if replacement is None else f"replaces {name} by `{replacement.url}`"


def _outcomes(override: Override, endpoint: Endpoint) -> Iterator[tuple[Endpoint | None, FileOrigin]]:
    """The replacement of the endpoint (None: it is dropped) by each part of the override, with the part's place."""
    for match in override.drop:
        if _fits(match, endpoint):
            yield None, match.origin
    for part in override.replace:
        if part.old == endpoint.url:
            yield _at_url(endpoint, part.new, part.origin), part.origin


def _fits(match: EndpointMatch, endpoint: Endpoint) -> bool:
    if match.address is not None and numeric_address(match.address) != numeric_address(endpoint.address):
        return False
    if match.port is not None and match.port != endpoint.port:
        return False
    fields = ("datacenter", "namespace", "node", "id", "url")
    return all(getattr(match, field) in (None, getattr(endpoint, field)) for field in fields)


def _at_url(endpoint: Endpoint, url: str, place: FileOrigin) -> Endpoint:
    """The endpoint at another URL. It loses node and id, because no source knows such an instance."""
    address, port = host_and_port(url)
    return replace(endpoint, url=url, address=address, port=port, node="", id="", node_address="", declared_at=place)


def _added_endpoint(url: str, place: FileOrigin, like: Sequence[Endpoint], entry: Entry) -> Endpoint:
    """The endpoint of an added URL. It gets all values that the endpoints in `like` have in common."""
    address, port = host_and_port(url)
    tags = [tag for tag in like[0].tags if all(tag in endpoint.tags for endpoint in like)] if like else []
    meta = dict(like[0].meta) if like else {}
    return Endpoint(
        url=url,
        address=address,
        port=port,
        source=_common([endpoint.source for endpoint in like], entry.sources[0]),
        datacenter=_common([endpoint.datacenter for endpoint in like], ""),
        namespace=_common([endpoint.namespace for endpoint in like], ""),
        tags=tuple(tags),
        meta={key: value for key, value in meta.items() if all(endpoint.meta.get(key) == value for endpoint in like)},
        weight=_common([endpoint.weight for endpoint in like], 1),
        registered=_common([endpoint.registered for endpoint in like], ""),
        declared_at=place,
    )


def _common(values: Iterable[_Value], otherwise: _Value) -> _Value:
    """The value if all of these are equal; `otherwise` if they differ or there are none."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else otherwise
