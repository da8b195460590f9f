"""The registry as one consumer sees it: a group of a job, whose upstreams listen on its own side (Consul Connect)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.rules import Rule
from frostline.text import did_you_mean, list_names

_FORMS = "write JOB/GROUP, or NAMESPACE:JOB/GROUP; `frostline graph` shows who declares upstreams"

UNKNOWN = Rule(
    name="consumer-unknown",
    summary="the `consumer` of an output declares no upstream that any source knows",
    why="The output would have no bind addresses: the consumer is misspelt, or its job is not running or not read.",
    example="frostline.yaml:9:3: error[consumer-unknown]: no source has an upstream of the consumer `shop/wbe`\n"
    "  help: did you mean `shop/web`?",
    mend=_FORMS,
)
AMBIGUOUS = Rule(
    name="consumer-ambiguous",
    summary="the `consumer` of an output is in several namespaces",
    why="A job of the same name in another namespace is another consumer, whose sidecars listen elsewhere.",
    example="frostline.yaml:9:3: error[consumer-ambiguous]: "
    "the consumer `shop/web` is in several namespaces: `default:shop/web` and `ops:shop/web`\n"
    "  help: write the consumer with its namespace, as listed here",
    mend="write the consumer with its namespace, as listed here",
)
NO_URL = Rule(
    name="consumer-url",
    summary="the URL pattern of a source needs more than an upstream has",
    why="An upstream has an address and a port, but no node, tags or meta. Without them the pattern makes no URL.",
    example="jobs/shop.nomad.hcl:12:5: error[consumer-url]: payments v1: "
    "the URL pattern of source `jobs` needs values that an upstream does not have\n"
    "  help: use only {scheme} {address} {port} {service} {version} in the pattern `url` of the source",
    mend="use only {scheme} {address} {port} {service} {version} in the pattern `url` of the source",
)
TWO_UPSTREAMS = Rule(
    name="consumer-upstreams",
    severity="warning",
    summary="a consumer has two upstreams with the same service and version",
    why="They listen at two addresses, but a (service, version) has one endpoint here, so only one of them is used.",
    example="jobs/shop.nomad.hcl:12:5: warning[consumer-upstreams]: payments v1: "
    "`default:shop/web` has two upstreams for it; `http://127.0.0.1:9101/v1` is used\n"
    "  help: name the destinations so that they differ in service or version",
    mend="name the destinations so that they differ in service or version",
)
RULES = (UNKNOWN, AMBIGUOUS, NO_URL, TWO_UPSTREAMS)


def consumer_view(
    registry: Registry, upstreams: Sequence[Dependency], consumer: str, origin: FileOrigin
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry in which each of the consumer's upstreams is the one endpoint of its (service, version).

    The endpoint is the upstream's bind. It has a second name, with `_` for every character that is not a letter, digit
    or `_`: Nomad writes names so in environment variables. An upstream with a socket changes nothing.
    upstreams: of all consumers. origin: where the configuration names the consumer.
    """
    own = [dependency for dependency in upstreams if consumer in _names(dependency)]
    consumers = sorted({dependency.upstream.consumer for dependency in own})
    if not own:
        return registry, (_unknown(upstreams, consumer, origin),)
    if len(consumers) > 1:
        return registry, (_ambiguous(consumers, consumer, origin),)
    entries: dict[Key, Entry] = {}
    findings: list[Finding] = []
    # Sorted: an upstream that names no datacenter, namespace or peer comes before one that does, and wins.
    for dependency in sorted(own, key=_order):
        if dependency.upstream.bind.socket:
            continue
        if dependency.url is None:
            findings.append(_no_url(dependency))
            continue
        entry = _entry(dependency, dependency.url)
        if dependency.key in entries and entries[dependency.key].url != entry.url:
            findings.append(_two_upstreams(dependency, entries[dependency.key]))
            continue
        entries[dependency.key] = entry
    aliases = {Key(env_name(key.service), key.version): entry for key, entry in entries.items()}
    all_entries = {**dict(registry.entries()), **aliases, **entries}
    return replace(registry_of(all_entries), upstreams=tuple(sorted(own, key=_order))), tuple(findings)


def env_name(name: str) -> str:
    """A name as Nomad writes it in the names of environment variables, besides the name itself."""
    return re.sub("[^A-Za-z0-9_]", "_", name)


def _names(dependency: Dependency) -> tuple[str, str]:
    """How users may write the consumer: JOB/GROUP, or NAMESPACE:JOB/GROUP."""
    upstream = dependency.upstream
    return f"{upstream.job}/{upstream.group}", upstream.consumer


def _order(dependency: Dependency) -> tuple[str | int, ...]:
    return dependency.upstream.sort_key()


def _entry(dependency: Dependency, url: str) -> Entry:
    bind, namespace = dependency.upstream.bind, dependency.upstream.namespace
    endpoint = Endpoint(
        url=url,
        address=bind.address,
        port=bind.port,
        source=dependency.source,
        namespace=namespace,
        declared_at=dependency.declared_at,
    )
    return Entry(url=url, endpoints=(endpoint,), sources=(dependency.source,))


def _unknown(upstreams: Iterable[Dependency], consumer: str, origin: FileOrigin) -> Finding:
    known = {name for dependency in upstreams for name in _names(dependency)}
    return UNKNOWN.finding(
        f"no source has an upstream of the consumer `{consumer}`",
        value=consumer,
        origin=origin,
        help=did_you_mean(consumer, known, _FORMS),
    )


def _ambiguous(consumers: Sequence[str], consumer: str, origin: FileOrigin) -> Finding:
    return AMBIGUOUS.finding(
        f"the consumer `{consumer}` is in several namespaces: {list_names(consumers)}", value=consumer, origin=origin
    )


def _no_url(dependency: Dependency) -> Finding:
    return NO_URL.finding(
        f"the URL pattern of source `{dependency.source}` needs values that an upstream does not have",
        service=dependency.service,
        version=dependency.version,
        origin=dependency.origin,
    )


def _two_upstreams(dependency: Dependency, chosen: Entry) -> Finding:
    return TWO_UPSTREAMS.finding(
        f"`{dependency.upstream.consumer}` has two upstreams for it; `{chosen.url}` is used",
        service=dependency.service,
        version=dependency.version,
        value=dependency.url,
        origin=dependency.origin,
    )
