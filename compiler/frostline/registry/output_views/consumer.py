"""The registry as one consumer sees it: its upstreams listen on its own side (Consul Connect).

A consumer is a group of a Nomad job, or a Consul service that has sidecars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from frostline.addresses import spelling_of
from frostline.model import Dependency, Endpoint, Entry, FileOrigin, Finding, Key, Registry, registry_of
from frostline.rules import Rule
from frostline.settings import OutputConsumer
from frostline.text import did_you_mean, list_names

_FORMS = "write JOB/GROUP, NAMESPACE:JOB/GROUP or {service: NAME}; `frostline graph` shows who declares upstreams"

UNKNOWN = Rule(
    name="consumer-unknown",
    summary="the `consumer` of an output declares no upstream that any source knows",
    why=(
        "The output would have no bind addresses. The consumer is misspelt, or its job does not run, or no source "
        "reads the job."
    ),
    example="frostline.yaml:9:3: error[consumer-unknown]: no source has an upstream of the consumer `shop/wbe`\n"
    "  help: did you mean `shop/web`?",
    mend=_FORMS,
)
AMBIGUOUS = Rule(
    name="consumer-ambiguous",
    summary="the `consumer` of an output is in several namespaces",
    why="A job or service of the same name in another namespace is another consumer: its sidecars listen elsewhere.",
    example="frostline.yaml:9:3: error[consumer-ambiguous]: "
    "the consumer `shop/web` is in several namespaces: `default:shop/web` and `ops:shop/web`\n"
    "  help: write the consumer with its namespace, as listed here",
    mend="write the consumer with its namespace, as listed here",
)
NO_URL = Rule(
    name="consumer-url",
    summary="a URL pattern needs more than an upstream has",
    why="An upstream has an address and a port, but no node, tags or meta. Without them the pattern makes no URL.",
    example="jobs/shop.nomad.hcl:12:5: error[consumer-url]: payments v1: "
    "the URL pattern of source `jobs` needs values that an upstream does not have\n"
    "  help: use only {scheme} {address} {port} {service} {version} in that pattern `url`",
    mend="use only {scheme} {address} {port} {service} {version} in that pattern `url`",
)
TWO_UPSTREAMS = Rule(
    name="consumer-upstreams",
    severity="warning",
    summary="a consumer has two upstreams with the same service and version",
    why=(
        "The two upstreams listen at two addresses. But a (service, version) has one endpoint here, so the output "
        "uses only one of them."
    ),
    example="jobs/shop.nomad.hcl:12:5: warning[consumer-upstreams]: payments v1: "
    "`default:shop/web` has two upstreams for it; `http://127.0.0.1:9101/v1` is used\n"
    "  help: name the destinations so that they differ in service or version",
    mend="name the destinations so that they differ in service or version",
)
BINDS = Rule(
    name="consumer-binds",
    summary="the sidecars of the `consumer` of an output listen at different addresses for the same destination",
    why=(
        "Each instance of a Consul service has its own sidecar, and all of them read the same output, which has "
        "one address for each destination. For a sidecar that listens elsewhere, that address is wrong."
    ),
    example="mesh(datacenter=dc1, namespace=default, id=web): error[consumer-binds]: payments v1: "
    "the sidecars of `default:web` listen for it at `127.0.0.1:9101` and `127.0.0.1:9102`\n"
    "  help: register the same bind in each sidecar, or name one datacenter: "
    "`consumer: {service: NAME, datacenter: NAME}`",
    mend="register the same bind in each sidecar, or name one datacenter: "
    "`consumer: {service: NAME, datacenter: NAME}`",
)
RULES = (UNKNOWN, AMBIGUOUS, BINDS, NO_URL, TWO_UPSTREAMS)


def consumer_view(
    registry: Registry,
    upstreams: Sequence[Dependency],
    consumer: OutputConsumer,
    origin: FileOrigin,
    has_pattern: Callable[[Key], bool] = lambda key: False,
) -> tuple[Registry, tuple[Finding, ...]]:
    """The registry in which each of the consumer's upstreams is the only endpoint of its (service, version).

    The endpoint is the upstream's bind. The service also gets a second name, with `_` for every character that is not a
    letter, digit or `_`, because Nomad writes names like this in environment variables. An upstream without a port
    changes nothing.
    upstreams: of all consumers. origin: where the configuration names the consumer. has_pattern: whether the output has
    its own URL pattern for this (service, version); otherwise the source's pattern makes the URL of the bind.
    """
    own = [dependency for dependency in upstreams if _is_of(dependency, consumer)]
    consumers = sorted({dependency.upstream.consumer for dependency in own})
    if not own:
        return registry, (_unknown(upstreams, consumer, origin),)
    if len(consumers) > 1:
        return registry, (_ambiguous(consumers, consumer, origin),)
    chosen: dict[Key, Dependency] = {}
    findings = list(_different_binds(own))
    # In this order an upstream that names no datacenter, namespace or peer comes before one that does, and wins.
    for dependency in sorted(own, key=_order):
        if not dependency.upstream.bind.port:
            continue
        if dependency.url is None:
            findings.append(_no_url(dependency, by_output=has_pattern(dependency.key)))
            continue
        first = chosen.setdefault(dependency.key, dependency)
        if first.url != dependency.url and not _differs_by_sidecar(first, dependency):
            findings.append(_two_upstreams(dependency, first))
    known = dict(registry.entries())
    entries = {key: _entry(dependency, known.get(key)) for key, dependency in chosen.items()}
    aliases = {Key(env_name(key.service), key.version): _alias(entry) for key, entry in entries.items()}
    all_entries = {**known, **aliases, **entries}
    return replace(registry_of(all_entries), upstreams=tuple(sorted(own, key=_order))), tuple(findings)


def _alias(entry: Entry) -> Entry:
    """The entry under its second name, with copies of its endpoints: outputs tell endpoints apart by identity."""
    return replace(entry, registered=(), endpoints=tuple(replace(endpoint) for endpoint in entry.endpoints))


def env_name(name: str) -> str:
    """The second spelling of a service's name that Nomad uses in the names of environment variables."""
    return re.sub("[^A-Za-z0-9_]", "_", name)


def _is_of(dependency: Dependency, consumer: OutputConsumer) -> bool:
    upstream = dependency.upstream
    if not consumer.service:
        return not upstream.service and consumer.group in _names(dependency)
    is_there = consumer.namespace in ("", upstream.namespace) and consumer.datacenter in ("", upstream.region)
    return consumer.service == upstream.service and is_there


def _names(dependency: Dependency) -> tuple[str, ...]:
    """How users may write this upstream's consumer: JOB/GROUP or NAMESPACE:JOB/GROUP, or the service's name."""
    upstream = dependency.upstream
    return (upstream.service,) if upstream.service else (f"{upstream.job}/{upstream.group}", upstream.consumer)


def _differs_by_sidecar(first: Dependency, second: Dependency) -> bool:
    """Whether both belong to sidecars of the same service and have the same destination: see `_different_binds`."""
    return bool(first.upstream.service) and first.upstream.target == second.upstream.target


def _different_binds(own: Iterable[Dependency]) -> Iterator[Finding]:
    """A finding for each destination that the sidecars of a service reach through different addresses."""
    by_target: dict[tuple[str, ...], list[Dependency]] = {}
    for dependency in sorted(own, key=_order):
        if dependency.upstream.service:
            by_target.setdefault(dependency.upstream.target, []).append(dependency)
    for dependencies in by_target.values():
        first = dependencies[0]
        binds = sorted({str(dependency.upstream.bind) for dependency in dependencies})
        if len(binds) > 1:
            yield BINDS.finding(
                f"the sidecars of `{first.upstream.consumer}` listen for it at {list_names(binds)}",
                service=first.service,
                version=first.version,
                value=", ".join(binds),
                origin=first.origin,
            )


def _order(dependency: Dependency) -> tuple[str | int, ...]:
    return dependency.upstream.sort_key()


def _entry(dependency: Dependency, destination: Entry | None) -> Entry:
    """The entry whose only endpoint is the bind. destination: the registry's entry of the service behind it."""
    bind, namespace, url = dependency.upstream.bind, dependency.upstream.namespace, dependency.url or ""
    endpoint = Endpoint(
        url=url,
        address=spelling_of(bind.address),
        port=bind.port,
        source=dependency.source,
        namespace=namespace,
        registered=dependency.upstream.destination,
        declared_at=dependency.declared_at,
    )
    registered, auth = (dependency.upstream.destination,), destination.auth if destination else None
    return Entry(url=url, endpoints=(endpoint,), sources=(dependency.source,), registered=registered, auth=auth)


def _unknown(upstreams: Iterable[Dependency], consumer: OutputConsumer, origin: FileOrigin) -> Finding:
    places = sorted(
        f"namespace {dependency.upstream.namespace}, datacenter {dependency.upstream.region}"
        for dependency in upstreams
        if consumer.service and dependency.upstream.service == consumer.service
    )
    if places:
        return UNKNOWN.finding(
            f"no source has an upstream of the consumer `{consumer}` in the namespace or datacenter that it names",
            value=str(consumer),
            origin=origin,
            help=f"it is in {list_names(dict.fromkeys(places))}",
        )
    known = {
        name
        for dependency in upstreams
        if bool(dependency.upstream.service) == bool(consumer.service)
        for name in _names(dependency)
    }
    return UNKNOWN.finding(
        f"no source has an upstream of the consumer `{consumer}`",
        value=str(consumer),
        origin=origin,
        help=did_you_mean(str(consumer), known, _FORMS),
    )


def _ambiguous(consumers: Sequence[str], consumer: OutputConsumer, origin: FileOrigin) -> Finding:
    return AMBIGUOUS.finding(
        f"the consumer `{consumer}` is in several namespaces: {list_names(consumers)}",
        value=str(consumer),
        origin=origin,
        help="write its namespace: `consumer: {service: NAME, namespace: NAMESPACE}`" if consumer.service else None,
    )


def _no_url(dependency: Dependency, *, by_output: bool) -> Finding:
    owner = "the output" if by_output else f"source `{dependency.source}`"
    return NO_URL.finding(
        f"the URL pattern of {owner} needs values that an upstream does not have",
        service=dependency.service,
        version=dependency.version,
        origin=dependency.origin,
    )


def _two_upstreams(dependency: Dependency, chosen: Dependency) -> Finding:
    return TWO_UPSTREAMS.finding(
        f"`{dependency.upstream.consumer}` has two upstreams for it; `{chosen.url}` is used",
        service=dependency.service,
        version=dependency.version,
        value=dependency.url,
        origin=dependency.origin,
    )
