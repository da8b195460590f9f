"""The registry with the URLs that one output's own URL patterns make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from msgspec.structs import replace

from frostline.addresses import host_of
from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Instance, Key, Registry, registry_of
from frostline.registry.declaring import bind_url
from frostline.registry.endpoints import choose_url, merge_endpoints
from frostline.registry.url_values import UrlError
from frostline.registry.urls import FilledPattern, UrlMaker, plain_end, url_of
from frostline.settings import Naming, UrlPatterns


class OutputUrls:
    """Makes the URLs of one output.

    namings: source name -> naming, for the sources that make URLs from patterns. URLs of other sources stay as they
    are. written: where overrides write URLs; those stay as well, whatever the source of their endpoint.
    """

    def __init__(
        self, patterns: UrlPatterns, namings: Mapping[str, Naming], written: Collection[FileOrigin] = ()
    ) -> None:
        self._patterns = patterns
        self._makers = {name: UrlMaker(replace(naming, **patterns.present())) for name, naming in namings.items()}
        self._written = written

    def applies_to(self, key: Key) -> bool:
        """Whether the output has its own pattern for this (service, version)."""
        return (self._patterns.unversioned_url if key.version is None else self._patterns.url) is not None

    def registry(
        self, registry: Registry, prefer: Sequence[str] = (), settled: Collection[Key] = ()
    ) -> tuple[Registry, tuple[Finding, ...]]:
        """The registry with these URLs, without the endpoints that cannot have one, and a finding for each of those.

        settled: the keys that stay as they are. Endpoints that differed only in their URLs become one, with the summed
        weight.
        """
        findings: list[Finding] = []
        entries: dict[Key, Entry] = {}
        for key, entry in registry.entries():
            if key not in settled and self.applies_to(key):
                endpoints = merge_endpoints(self._endpoints(key, entry.endpoints, findings))
                entry = replace(entry, endpoints=endpoints, url=choose_url(key, endpoints, prefer))
            entries[key] = entry
        return registry_of(entries, registry.upstreams), tuple(findings)

    def dependencies(self, dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
        """These upstreams, with the output's URLs for their binds."""
        return tuple(
            replace(dependency, url=bind_url(dependency.upstream, dependency.key, self._makers[dependency.source]))
            if dependency.source in self._makers
            else dependency
            for dependency in dependencies
        )

    def _endpoints(self, key: Key, endpoints: Iterable[Endpoint], findings: list[Finding]) -> Iterator[Endpoint]:
        for (source, datacenter, namespace), run in groupby(endpoints, _PLACE):
            maker = self._makers.get(source)
            if maker is None:
                yield from run
                continue
            filled = maker.filled(key, datacenter, namespace)
            end = plain_end(filled)
            for endpoint in run:
                if endpoint.declared_at in self._written:
                    yield endpoint
                    continue
                try:
                    yield replace(endpoint, url=_url(key, endpoint, filled, end))
                except UrlError as error:
                    findings.append(error.finding(key, endpoint.origin))


_PLACE = attrgetter("source", "datacenter", "namespace")


def _url(key: Key, endpoint: Endpoint, filled: FilledPattern, end: str | None) -> str:
    """The URL of this endpoint by the pattern. end: `plain_end` of the pattern. Raises UrlError."""
    if end is not None and endpoint.port and endpoint.address and "scheme" not in endpoint.meta:
        return f"http://{host_of(endpoint.address).in_url}:{endpoint.port}{end}"
    instance = Instance(
        service=key.service,
        node=endpoint.node,
        id=endpoint.id,
        address=endpoint.address,
        port=endpoint.port,
        tags=endpoint.tags,
        meta=endpoint.meta,
    )
    return url_of(filled, instance)
