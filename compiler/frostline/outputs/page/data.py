"""The registry as rows of numbers, which templates/page/page.js reads. Each text is written once.

With 10,000 services and 170,000 endpoints that takes about 8 MB, plain JSON 27 MB.
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
    """A table of values, each once, in the order of their first use. Rows refer to a value by its place."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._places: dict[Hashable, int] = {}

    def place(self, value: Hashable, row: Any = None) -> int:
        """The place of this value, which is added if it is new; -1 for None. row: what the table then writes for it;
        None: the value itself."""
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
        """The place of each of these values."""
        return [self.place(value) for value in values]


class _Writer:
    """Turns the registry and what is beside it into rows.

    own: the path of the configuration. folder: its folder, to which the paths of job files are relative.
    """

    def __init__(self, registry: Registry, beside: Beside, configuration: FileOrigin) -> None:
        self.registry, self.beside = registry, beside
        self.own = configuration.path
        self.folder = Path(self.own).parent
        self.texts, self.urls, self.shared = _Table(), _Table(), _Table()
        self.tags: dict[tuple[str, ...], list[int]] = {}
        self.entry_places = {key: place for place, (key, _) in enumerate(registry.entries())}

    def entry(self, key: Key, entry: Entry, overrides: list[int], waivers: list[int]) -> Row:
        texts, properties = self.texts, entry.properties
        return [
            texts.place(key.service),
            texts.place(key.version),
            texts.place(entry.url),
            texts.places(entry.sources),
            texts.place(entry.auth),
            texts.places(entry.registered),
            self.points(entry),
            [texts.places(properties.tags), self.flat(properties.meta), properties.port] if properties else 0,
            overrides,
            waivers,
        ]

    def points(self, entry: Entry) -> list[int]:
        """Five numbers for each endpoint: address, port, URL, shared values (`alike`), node."""
        text, numbers = self.texts.place, list[int]()
        for number, run in enumerate(runs_of(entry)):
            places: dict[Hashable, int] = {}
            for endpoint in run.endpoints:
                own = (number, endpoint.source, endpoint.namespace, endpoint.node_address, endpoint.declared_at)
                place = places.get(own)
                if place is None:
                    place = places[own] = self.alike(endpoint)
                numbers += (text(endpoint.address), endpoint.port, self.url(endpoint), place, text(endpoint.node))
        return numbers

    def alike(self, endpoint: Endpoint) -> int:
        """The place of the values that an endpoint shares with others."""
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
        """The place of the URL, written as [text before ADDRESS:PORT, text after it]; [URL, -1] if it does not contain
        ADDRESS:PORT."""
        address, url = endpoint.address, endpoint.url
        authority = f"[{address}]:{endpoint.port}" if ":" in address else f"{address}:{endpoint.port}"
        before, found, after = url.partition(authority)
        if not found:
            return self.urls.place((url,), [self.texts.place(url), -1])
        return self.urls.place((before, after), [self.texts.place(before), self.texts.place(after)])

    def file(self, origin: FileOrigin | None) -> str:
        """The path of the job file, relative to the configuration's folder wherever the command runs; "" for the
        configuration itself."""
        if origin is None or origin.path == self.own:
            return ""
        return PurePath(os.path.relpath(origin.path, self.folder)).as_posix()

    def flat(self, meta: Mapping[str, str]) -> list[int]:
        return [place for pair in sorted(meta.items()) for place in self.texts.places(pair)]

    def override(self, override: Override) -> Row:
        changes = (
            [_match_text(match) for match in override.drop],
            [url for url, _ in override.add],
            [f"{replacement.old} → {replacement.new}" for replacement in override.replace],
        )
        head = self.texts.places((override.service, override.until, override.why))
        return [*head, *(self.texts.places(change) for change in changes)]

    def findings(self) -> list[Row]:
        """Rows of [entry, key text, whether it is an error, rule, message, place, waived until, why it is waived]."""
        rows = (self.finding(finding, waiver) for finding, waiver in self.beside.findings)
        return list({tuple(row): row for row in rows}.values())  # findings that differ only in their lines become one

    def finding(self, finding: Finding, waiver: Waiver | None) -> Row:
        key = Key(finding.service, finding.version) if finding.service is not None else None
        texts = (finding.rule, finding.message, self.where(finding.origin))
        waived = (waiver.until, waiver.why) if waiver else (None, None)
        return [
            self.entry_places.get(key, -1) if key else -1,
            self.texts.place(key_text(key) if key else None),
            int(finding.severity == "error"),
            *self.texts.places(texts),
            *map(self.texts.place, waived),
        ]

    def where(self, origin: FileOrigin | InstanceOrigin | None) -> str:
        """The place of a finding without what changes often: the line of a file, node and id of an instance."""
        if isinstance(origin, InstanceOrigin):
            return ", ".join(filter(None, (origin.source, origin.datacenter, origin.namespace)))
        return (self.file(origin) or "configuration") if origin else ""

    def consumers(self) -> list[Row]:
        """Rows of [name, kind, calls], for a Consul service or a configured name also the registered name.

        kind: _JOB, _SERVICE or _NAMED.
        """
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
        details = {"namespace": up.destination_namespace, "datacenter": up.datacenter, "peer": up.peer}
        details |= {"port": up.destination_port, "kind": up.kind if up.kind != "service" else ""}
        elsewhere = ", ".join(f"{word} {value}" for word, value in details.items() if value)
        target = -1 if dependency.is_elsewhere else self.entry_places.get(dependency.key, -1)
        return [target, *self.texts.places((up.destination, elsewhere, str(up.bind)))]


_JOB, _SERVICE, _NAMED = 0, 1, 2
"""Kinds of consumers: the group of a job, a service of Consul, a name in `consumers` of the configuration."""

_CONSUMER_WIDTH = 3


def page_data(registry: Registry, beside: Beside, configuration: FileOrigin, digest: str) -> dict[str, Any]:
    """The data that page.js reads. configuration: the place of the output in frostline.yaml."""
    writer = _Writer(registry, beside, configuration)
    keys = list(writer.entry_places)
    overrides = {place: _matched(override.service, keys) for place, override in enumerate(beside.overrides)}
    waivers = {place: _matched(waiver.service, keys) for place, waiver in enumerate(beside.waivers)}
    entries = [
        writer.entry(
            key,
            entry,
            [place for place, matched in overrides.items() if key in matched],
            # A waiver of all services is left to the overview, because it would be repeated for each service.
            [place for place, matched in waivers.items() if key in matched and beside.waivers[place].service != "*"],
        )
        for key, entry in registry.entries()
    ]
    return {
        "digest": digest,
        "entries": entries,
        "consumers": writer.consumers(),
        "overrides": [writer.override(override) for override in beside.overrides],
        "waivers": [
            writer.texts.places((waiver.rule, waiver.service, waiver.until, waiver.why)) for waiver in beside.waivers
        ],
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
