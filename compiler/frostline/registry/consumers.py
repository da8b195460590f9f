"""Consuming: the registry as one group of a job sees it, whose upstreams listen on its own side (Consul Connect)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from msgspec.structs import replace

from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of

_FORMS = "write JOB/GROUP, or NAMESPACE:JOB/GROUP"


def consumed(
    registry: Registry, upstreams: Sequence[Dependency], consumer: str, place: FileOrigin
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry with the bind of each of this consumer's upstreams as the one endpoint of its (service, version).

    The same under the service's name with every character that is no letter, digit or `_` as `_`: names that came
    from environment variables are so written. An upstream with a socket changes nothing. upstreams: all that are known.
    """
    own = [one for one in upstreams if consumer in (_short(one), one.upstream.consumer)]
    namespaces = sorted({one.upstream.consumer for one in own})
    if len(namespaces) != 1:
        return registry, (_unknown(upstreams, consumer, place) if not own else _ambiguous(namespaces, consumer, place),)
    entries: dict[Key, Entry] = {}
    findings: list[Finding] = []
    # In order, one without a datacenter, a namespace or a peer of its destination comes before one with.
    for one in sorted(own, key=_order):
        if one.upstream.bind.socket:
            continue
        if one.url is None:
            findings.append(_no_url(one))
            continue
        entry = _entry(one, one.url)
        if one.key in entries and entries[one.key].url != entry.url:
            findings.append(_twice(one, entries[one.key]))
            continue
        entries[one.key] = entry
    aliases = {Key(cleaned(key.service), key.version): entry for key, entry in entries.items()}
    united = {**dict(registry.entries()), **aliases, **entries}
    return replace(registry_of(united), upstreams=tuple(sorted(own, key=_order))), tuple(findings)


def cleaned(name: str) -> str:
    """A name as Nomad writes it into the names of environment variables besides the name itself."""
    return re.sub("[^A-Za-z0-9_]", "_", name)


def _short(one: Dependency) -> str:
    return f"{one.upstream.job}/{one.upstream.group}"


def _order(one: Dependency) -> tuple[str | int, ...]:
    return one.upstream.sort_key()


def _entry(one: Dependency, url: str) -> Entry:
    bind, namespace = one.upstream.bind, one.upstream.namespace
    endpoint = Endpoint(
        url=url,
        address=bind.address,
        port=bind.port,
        source=one.source,
        namespace=namespace,
        declared_at=one.declared_at,
    )
    return Entry(url=url, endpoints=(endpoint,), sources=(one.source,))


def _unknown(upstreams: Iterable[Dependency], consumer: str, place: FileOrigin) -> Finding:
    known = sorted({name for one in upstreams for name in (_short(one), one.upstream.consumer)})
    close = get_close_matches(consumer, known, 1)
    return Finding(
        rule="consumer-unknown",
        value=consumer,
        origin=place,
        message=f"no source knows an upstream of the consumer `{consumer}`",
        help=f"did you mean `{close[0]}`?" if close else f"{_FORMS}; `frostline graph` shows who declares upstreams",
    )


def _ambiguous(names: Sequence[str], consumer: str, place: FileOrigin) -> Finding:
    return Finding(
        rule="consumer-ambiguous",
        value=consumer,
        origin=place,
        message=f"the consumer `{consumer}` is in several namespaces: {', '.join(f'`{name}`' for name in names)}",
        help="write it with its namespace, as here",
    )


def _no_url(one: Dependency) -> Finding:
    return Finding(
        rule="consumer-url",
        service=one.service,
        version=one.version,
        origin=one.origin,
        message=f"the URL pattern of source `{one.source}` asks for more than an upstream has",
        help="give the source a pattern `url` with {scheme} {address} {port} {service} {version} only",
    )


def _twice(one: Dependency, chosen: Entry) -> Finding:
    return Finding(
        rule="consumer-upstreams",
        severity="warning",
        service=one.service,
        version=one.version,
        value=one.url,
        origin=one.origin,
        message=f"`{one.upstream.consumer}` has two upstreams of it; `{chosen.url}` is used",
        help="name the destinations so that they differ in service or version",
    )
