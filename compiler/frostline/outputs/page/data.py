"""The registry as rows of numbers, which templates/page/page.js reads: each text is written once.

10,000 services with 170,000 endpoints are about 8 MB so, and 27 MB as plain JSON.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from frostline.endpoint_runs import runs_of
from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, InstanceOrigin, Key, Registry
from frostline.outputs.base import Beside
from frostline.service_keys import key_text, matches_key
from frostline.settings import EndpointMatch, Override, Waiver

Row = list[Any]


class _Table:
    """Values, each once, in the order of their first use; -1 stands for None."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def place(self, value: Hashable, row: Any = None) -> int:
        """Where this value is. row: what is written of it; None: the value itself."""
        if value is None:
            return -1
        place = self._places.get(value)
        if place is None:
            place = self._places[value] = len(self.rows)
            self.rows.append(value if row is None else row)
        return place

    def __contains__(self, value: Hashable) -> bool:
        return value in self._places

    def places(self, values: Iterable[str]) -> list[int]:
        """Where each of these values is."""
        return [self.place(value) for value in values]


class _Writer:
    """folder: of the configuration; the files of job files are named from there. own: the configuration's own name."""

    def __init__(self, registry: Registry, beside: Beside, configuration: FileOrigin) -> None:
        self.registry, self.beside = registry, beside
        self.own = configuration.path
        self.folder = Path(self.own).parent
        self.texts, self.urls, self.shared = _Table(), _Table(), _Table()
        self.tags: dict[tuple[str, ...], list[int]] = {}
        self.entry_places = {key: place for place, (key, _) in enumerate(registry.entries())}

    def entry(self, key: Key, entry: Entry, overrides: list[int], waivers: list[int]) -> Row:
        texts, said = self.texts, entry.properties
        return [
            texts.place(key.service),
            texts.place(key.version),
            texts.place(entry.url),
            texts.places(entry.sources),
            texts.place(entry.auth),
            texts.places(entry.registered),
            self.points(entry),
            [texts.places(said.tags), self.flat(said.meta), said.port] if said else 0,
            overrides,
            waivers,
        ]

    def points(self, entry: Entry) -> list[int]:
        """Five numbers for each endpoint: address, port, URL, what it shares with others, node."""
        text, found = self.texts.place, list[int]()
        for number, run in enumerate(runs_of(entry)):
            places: dict[Hashable, int] = {}
            for endpoint in run.endpoints:
                own = (number, endpoint.source, endpoint.namespace, endpoint.node_address, endpoint.declared_at)
                place = places.get(own)
                if place is None:
                    place = places[own] = self.alike(endpoint)
                found += (text(endpoint.address), endpoint.port, self.url(endpoint), place, text(endpoint.node))
        return found

    def alike(self, endpoint: Endpoint) -> int:
        """The place of what an endpoint shares with others."""
        file, meta = self.file(endpoint.declared_at), tuple(sorted(endpoint.meta.items()))
        texts = (endpoint.datacenter, endpoint.namespace, endpoint.source, endpoint.node_address, file)
        value = (texts, endpoint.weight, endpoint.tags, meta)
        if value in self.shared:
            return self.shared.place(value)
        datacenter, namespace, source, *rest = self.texts.places(texts)
        tags = self.tags.get(endpoint.tags)
        if tags is None:
            tags = self.tags[endpoint.tags] = self.texts.places(endpoint.tags)
        row = [datacenter, namespace, source, endpoint.weight, tags, self.flat(endpoint.meta), *rest]
        return self.shared.place(value, row)

    def url(self, endpoint: Endpoint) -> int:
        """The place of the URL as [what is before ADDRESS:PORT, what is after it]; [the URL, -1] if it lacks that."""
        address, url = endpoint.address, endpoint.url
        authority = f"[{address}]:{endpoint.port}" if ":" in address else f"{address}:{endpoint.port}"
        before, found, after = url.partition(authority)
        if not found:
            return self.urls.place((url,), [self.texts.place(url), -1])
        return self.urls.place((before, after), [self.texts.place(before), self.texts.place(after)])

    def file(self, origin: FileOrigin | None) -> str:
        """The job file, seen from the configuration wherever the command runs; "" for the configuration itself."""
        if origin is None or origin.path == self.own:
            return ""
        return PurePath(os.path.relpath(origin.path, self.folder)).as_posix()

    def flat(self, meta: Mapping[str, str]) -> list[int]:
        return [place for pair in sorted(meta.items()) for place in self.texts.places(pair)]

    def override(self, override: Override) -> Row:
        changes = (
            [_match_text(match) for match in override.drop],
            [url for url, _ in override.add],
            [f"{one.old} → {one.new}" for one in override.replace],
        )
        head = self.texts.places((override.service, override.until, override.why))
        return [*head, *(self.texts.places(change) for change in changes)]

    def findings(self) -> list[Row]:
        """Each [entry, what else it is about, is it an error, rule, message, where, waived until, why]."""
        rows = (self.finding(finding, waiver) for finding, waiver in self.beside.findings)
        return list({tuple(row): row for row in rows}.values())  # two that differ in their lines alone are one

    def finding(self, finding: Finding, waiver: Waiver | None) -> Row:
        key = Key(finding.service, finding.version) if finding.service is not None else None
        texts = (finding.rule, finding.message, self.where(finding.origin))
        said = (waiver.until, waiver.why) if waiver else (None, None)
        return [
            self.entry_places.get(key, -1) if key else -1,
            self.texts.place(key_text(key) if key else None),
            int(finding.severity == "error"),
            *self.texts.places(texts),
            *map(self.texts.place, said),
        ]

    def where(self, origin: FileOrigin | InstanceOrigin | None) -> str:
        """The place of a finding, without what moves: a file has no line, an instance neither node nor id."""
        if isinstance(origin, InstanceOrigin):
            return ", ".join(filter(None, (origin.source, origin.datacenter, origin.namespace)))
        return (self.file(origin) or "configuration") if origin else ""

    def consumers(self) -> list[Row]:
        """Each [name, kind, calls], of a service of Consul its registered name too. kind: `_KINDS`."""
        rows: dict[tuple[str, int], Row] = {}
        for dependency in self.registry.upstreams:
            up = dependency.upstream
            name = f"{up.consumer} ({up.region})" if up.region else up.consumer
            kind = _SERVICE if up.service else _JOB
            row = rows.setdefault((name, kind), [self.texts.place(name), kind, []])
            if up.service and len(row) == _CONSUMER_WIDTH:
                row.append(self.texts.place(up.service))
            row[2].append(self.call(dependency))
        nothing = self.texts.place("")
        for key, names in self.beside.configured_consumers.items():
            for name in names:
                place = self.texts.place(name)
                row = rows.setdefault((name, _NAMED), [place, _NAMED, [], place])
                row[2].append([self.entry_places.get(key, -1), self.texts.place(key_text(key)), nothing, nothing])
        return [rows[key] for key in sorted(rows)]

    def call(self, dependency: Dependency) -> Row:
        up = dependency.upstream
        said = {"namespace": up.destination_namespace, "datacenter": up.datacenter, "peer": up.peer}
        said |= {"port": up.destination_port, "kind": up.kind if up.kind != "service" else ""}
        elsewhere = ", ".join(f"{word} {value}" for word, value in said.items() if value)
        target = -1 if dependency.is_elsewhere else self.entry_places.get(dependency.key, -1)
        return [target, *self.texts.places((up.destination, elsewhere, str(up.bind)))]


_JOB, _SERVICE, _NAMED = 0, 1, 2
"""Who a consumer is: the group of a job, a service of Consul, a name in `consumers` of the configuration."""

_CONSUMER_WIDTH = 3


def page_data(registry: Registry, beside: Beside, configuration: FileOrigin, digest: str) -> dict[str, Any]:
    """What page.js reads. configuration: where the output stands in it."""
    writer = _Writer(registry, beside, configuration)
    keys = list(writer.entry_places)
    overrides = {place: _matched(one.service, keys) for place, one in enumerate(beside.overrides)}
    waivers = {place: _matched(one.service, keys) for place, one in enumerate(beside.waivers)}
    entries = [
        writer.entry(
            key,
            entry,
            [place for place, matched in overrides.items() if key in matched],
            # One for every service would be said of each; the overview lists it.
            [place for place, matched in waivers.items() if key in matched and beside.waivers[place].service != "*"],
        )
        for key, entry in registry.entries()
    ]
    return {
        "digest": digest,
        "entries": entries,
        "consumers": writer.consumers(),
        "overrides": [writer.override(one) for one in beside.overrides],
        "waivers": [writer.texts.places((one.rule, one.service, one.until, one.why)) for one in beside.waivers],
        "findings": writer.findings(),
        "shared": writer.shared.rows,
        "urls": writer.urls.rows,
        "texts": writer.texts.rows,
    }


def _matched(glob: str, keys: Iterable[Key]) -> frozenset[Key]:
    return frozenset(key for key in keys if matches_key(glob, key))


def _match_text(match: EndpointMatch) -> str:
    names = ("address", "port", "datacenter", "namespace", "node", "id", "url")
    values = {name: getattr(match, name) for name in names}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
