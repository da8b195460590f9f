"""What `graph` says: who depends on whom, as text, or in the languages of Graphviz (DOT) and Mermaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from frostline.canonical import origin_value
from frostline.model import Dependency, Registry, version_label
from frostline.text import escape_control

_STATES = {
    "served": "",
    "declared": "nothing to call",
    "unknown": "not in the registry",
    "elsewhere": "looked up elsewhere",
}


def graph_value(registry: Registry) -> list[dict[str, Any]]:
    """The upstreams as JSON values, sorted by consumer."""
    return [
        {
            "consumer": one.upstream.consumer,
            "region": one.upstream.region or None,
            "destination": one.upstream.destination,
            "service": one.service,
            "version": one.version,
            "url": one.url,
            "state": state_of(one, registry),
            "origin": origin_value(one.origin),
        }
        for one in registry.upstreams
    ]


def state_of(one: Dependency, registry: Registry) -> str:
    """served, declared (known, with nothing to call), unknown, or elsewhere (a peer, a prepared query)."""
    if one.is_elsewhere:
        return "elsewhere"
    entry = registry.get(one.key)
    if entry is None:
        return "unknown"
    return "declared" if entry.declared else "served"


def text_lines(registry: Registry) -> Iterator[str]:
    """Each consumer, and below it what it calls, where that listens on the consumer's side, and what is wrong."""
    last = None
    for one in registry.upstreams:
        consumer = (one.upstream.region, one.upstream.consumer)
        if consumer != last:
            region = f" (region {one.upstream.region})" if one.upstream.region else ""
            yield escape_control(f"{one.upstream.consumer}{region}")
            last = consumer
        state = _STATES[state_of(one, registry)]
        at = one.url or f"unix://{one.upstream.bind.socket}"
        yield escape_control(
            f"  -> {one.service} {version_label(one.version)}  at {at}{f'  ({state})' if state else ''}"
        )


def dot_lines(registry: Registry) -> Iterator[str]:
    """A digraph. Strings are quoted as DOT has it: `"` and `\\` escaped, so that `\\N` and the like stay text."""
    yield "digraph frostline {"
    yield "  rankdir=LR;"
    for name, label in _services(registry).items():
        yield f"  {_dot(name)} [label={_dot(label)}, shape=ellipse];"
    for consumer in _consumers(registry):
        yield f"  {_dot(f'job {consumer}')} [label={_dot(consumer)}, shape=box];"
    for one in registry.upstreams:
        style = "" if state_of(one, registry) in ("served", "elsewhere") else " [style=dashed]"
        yield f"  {_dot(f'job {_consumer(one)}')} -> {_dot(_service_id(one))}{style};"
    yield "}"


def mermaid_lines(registry: Registry) -> Iterator[str]:
    """A flowchart. Nodes have numbers for names; labels hold no character that Mermaid or HTML reads."""
    services, consumers = _services(registry), _consumers(registry)
    numbers = {name: f"s{number}" for number, name in enumerate(services)}
    numbers |= {f"job {name}": f"c{number}" for number, name in enumerate(consumers)}
    yield "flowchart LR"
    for consumer in consumers:
        yield f'  {numbers[f"job {consumer}"]}["{_mermaid(consumer)}"]'
    for name, label in services.items():
        yield f'  {numbers[name]}(["{_mermaid(label)}"])'
    for one in registry.upstreams:
        arrow = "-->" if state_of(one, registry) in ("served", "elsewhere") else "-.->"
        yield f"  {numbers[f'job {_consumer(one)}']} {arrow} {numbers[_service_id(one)]}"


FORMS: Mapping[str, Callable[[Registry], Iterator[str]]] = {
    "text": text_lines,
    "dot": dot_lines,
    "mermaid": mermaid_lines,
}
"""What `--as` takes."""


def _consumer(one: Dependency) -> str:
    region = f" in {one.upstream.region}" if one.upstream.region else ""
    return f"{one.upstream.consumer}{region}"


def _consumers(registry: Registry) -> list[str]:
    return sorted({_consumer(one) for one in registry.upstreams})


def _service_id(one: Dependency) -> str:
    # A name may hold any text: the version's length tells where it begins, so that no two pairs share an id.
    return (
        f"service {one.service}" if one.version is None else f"version {len(one.version)} {one.service} {one.version}"
    )


def _services(registry: Registry) -> dict[str, str]:
    """The id and the label of each service that somebody calls, sorted."""
    labels = {_service_id(one): f"{one.service} {version_label(one.version)}" for one in registry.upstreams}
    return dict(sorted(labels.items()))


def _dot(text: str) -> str:
    escaped = escape_control(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Mermaid's own entities (`#35;`) for all but letters, digits and a few signs."""
    shown = escape_control(text)
    return "".join(char if char.isalnum() or char in " -_./:" else f"#{ord(char)};" for char in shown)
