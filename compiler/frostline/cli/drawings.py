"""Draw who depends on whom: as text, or in the languages of Graphviz (DOT) and Mermaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from frostline.model import Dependency, Key, Registry, version_label
from frostline.pipeline.views.graph import state_of, state_of_key
from frostline.registry.configured_consumers import Call
from frostline.text import escape_control

_STATES = {
    "served": "",
    "declared": "nothing to call",
    "unknown": "not in the registry",
    "elsewhere": "looked up elsewhere",
}


def text_lines(registry: Registry, calls: Sequence[Call] = ()) -> Iterator[str]:
    """Yield each consumer, and below it the services that it calls, with their bind and what is wrong with them.

    calls: those of `consumers` in the configuration; they come last and have no bind.
    """
    last = None
    for dependency in registry.upstreams:
        consumer = (dependency.upstream.service, dependency.upstream.region, dependency.upstream.consumer)
        if consumer != last:
            noun = "datacenter" if dependency.upstream.service else "region"
            region = f" ({noun} {dependency.upstream.region})" if dependency.upstream.region else ""
            yield escape_control(f"{dependency.upstream.consumer}{region}")
            last = consumer
        state = _STATES[state_of(dependency, registry)]
        bind = dependency.url or str(dependency.upstream.bind)
        called = f"{dependency.service} {version_label(dependency.version)}{f'  at {bind}' if bind else ''}"
        yield escape_control(f"  -> {called}{f'  ({state})' if state else ''}")

    caller = None
    for call in calls:
        if call.consumer != caller:
            yield escape_control(call.consumer)
            caller = call.consumer
        state = _STATES[state_of_key(call.key, registry)]
        yield escape_control(f"  -> {_label(call.key)}{f'  ({state})' if state else ''}")


def dot_lines(registry: Registry, calls: Sequence[Call] = ()) -> Iterator[str]:
    """Yield a digraph. In strings, `"` and `\\` are escaped, so that DOT reads `\\N` and the like as text."""
    yield "digraph frostline {"
    yield "  rankdir=LR;"
    for name, label in _services(registry, calls).items():
        yield f"  {_dot(name)} [label={_dot(label)}, shape=ellipse];"
    for name, label in _consumers(registry, calls).items():
        yield f"  {_dot(name)} [label={_dot(label)}, shape=box];"
    for source, target, is_solid in _edges(registry, calls):
        yield f"  {_dot(source)} -> {_dot(target)}{'' if is_solid else ' [style=dashed]'};"
    yield "}"


def mermaid_lines(registry: Registry, calls: Sequence[Call] = ()) -> Iterator[str]:
    """Yield a flowchart. Nodes are named by numbers, and labels hold no character that means something to Mermaid or
    HTML."""
    services, consumers = _services(registry, calls), _consumers(registry, calls)
    numbers = {name: f"s{number}" for number, name in enumerate(services)}
    numbers |= {name: f"c{number}" for number, name in enumerate(consumers)}
    yield "flowchart LR"
    for name, label in consumers.items():
        yield f'  {numbers[name]}["{_mermaid(label)}"]'
    for name, label in services.items():
        yield f'  {numbers[name]}(["{_mermaid(label)}"])'
    for source, target, is_solid in _edges(registry, calls):
        yield f"  {numbers[source]} {'-->' if is_solid else '-.->'} {numbers[target]}"


FORMS: Mapping[str, Callable[[Registry, Sequence[Call]], Iterator[str]]] = {
    "text": text_lines,
    "dot": dot_lines,
    "mermaid": mermaid_lines,
}
"""The values of `--as`."""


def _consumer(dependency: Dependency) -> str:
    region = f" in {dependency.upstream.region}" if dependency.upstream.region else ""
    return f"{dependency.upstream.consumer}{region}"


def _consumer_id(dependency: Dependency) -> str:
    return f"{'consumer' if dependency.upstream.service else 'job'} {_consumer(dependency)}"


def _consumers(registry: Registry, calls: Sequence[Call]) -> dict[str, str]:
    """Return the id and the label of each consumer, sorted. A job, a service and a configured consumer have different
    ids even if they have the same name."""
    declared = sorted({(_consumer(dependency), _consumer_id(dependency)) for dependency in registry.upstreams})
    configured = sorted({call.consumer for call in calls})
    return {**{name: label for label, name in declared}, **{f"caller {name}": name for name in configured}}


def _edges(registry: Registry, calls: Sequence[Call]) -> Iterator[tuple[str, str, bool]]:
    """Yield the ids of the consumer and the service of each dependency, and whether the service is served."""
    for dependency in registry.upstreams:
        is_solid = state_of(dependency, registry) in ("served", "elsewhere")
        yield _consumer_id(dependency), _service_id(dependency.key), is_solid
    for call in calls:
        yield f"caller {call.consumer}", _service_id(call.key), state_of_key(call.key, registry) == "served"


def _service_id(key: Key) -> str:
    service, version = key
    # A name may hold any text: the version's length tells where it begins, so that no two pairs share an id.
    return f"service {service}" if version is None else f"version {len(version)} {service} {version}"


def _services(registry: Registry, calls: Sequence[Call]) -> dict[str, str]:
    """Return the id and the label of each service that somebody calls, sorted."""
    keys = {*(dependency.key for dependency in registry.upstreams), *(call.key for call in calls)}
    return dict(sorted((_service_id(key), _label(key)) for key in keys))


def _label(key: Key) -> str:
    return f"{key.service} {version_label(key.version)}"


def _dot(text: str) -> str:
    escaped = escape_control(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Replace all but letters, digits and a few signs by Mermaid's own entities (`#35;`)."""
    escaped = escape_control(text)
    return "".join(char if char.isalnum() or char in " -_./:" else f"#{ord(char)};" for char in escaped)
