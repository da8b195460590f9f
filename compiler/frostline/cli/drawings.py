"""Who depends on whom, drawn as text, or in the languages of Graphviz (DOT) and Mermaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from frostline.model import Dependency, Registry, version_label
from frostline.pipeline.views import state_of
from frostline.text import escape_control

_STATES = {
    "served": "",
    "declared": "nothing to call",
    "unknown": "not in the registry",
    "elsewhere": "looked up elsewhere",
}


def text_lines(registry: Registry) -> Iterator[str]:
    """Each consumer, and below it what it calls, where that listens on the consumer's side, and what is wrong."""
    last = None
    for dependency in registry.upstreams:
        consumer = (dependency.upstream.region, dependency.upstream.consumer)
        if consumer != last:
            region = f" (region {dependency.upstream.region})" if dependency.upstream.region else ""
            yield escape_control(f"{dependency.upstream.consumer}{region}")
            last = consumer
        state = _STATES[state_of(dependency, registry)]
        at = dependency.url or f"unix://{dependency.upstream.bind.socket}"
        yield escape_control(
            f"  -> {dependency.service} {version_label(dependency.version)}  at {at}{f'  ({state})' if state else ''}"
        )


def dot_lines(registry: Registry) -> Iterator[str]:
    """A digraph. Strings are quoted as DOT has it: `"` and `\\` escaped, so that `\\N` and the like stay text."""
    yield "digraph frostline {"
    yield "  rankdir=LR;"
    for name, label in _services(registry).items():
        yield f"  {_dot(name)} [label={_dot(label)}, shape=ellipse];"
    for consumer in _consumers(registry):
        yield f"  {_dot(f'job {consumer}')} [label={_dot(consumer)}, shape=box];"
    for dependency in registry.upstreams:
        style = "" if state_of(dependency, registry) in ("served", "elsewhere") else " [style=dashed]"
        yield f"  {_dot(f'job {_consumer(dependency)}')} -> {_dot(_service_id(dependency))}{style};"
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
    for dependency in registry.upstreams:
        arrow = "-->" if state_of(dependency, registry) in ("served", "elsewhere") else "-.->"
        yield f"  {numbers[f'job {_consumer(dependency)}']} {arrow} {numbers[_service_id(dependency)]}"


FORMS: Mapping[str, Callable[[Registry], Iterator[str]]] = {
    "text": text_lines,
    "dot": dot_lines,
    "mermaid": mermaid_lines,
}
"""What `--as` takes."""


def _consumer(dependency: Dependency) -> str:
    region = f" in {dependency.upstream.region}" if dependency.upstream.region else ""
    return f"{dependency.upstream.consumer}{region}"


def _consumers(registry: Registry) -> list[str]:
    return sorted({_consumer(dependency) for dependency in registry.upstreams})


def _service_id(dependency: Dependency) -> str:
    service, version = dependency.key
    # A name may hold any text: the version's length tells where it begins, so that no two pairs share an id.
    return f"service {service}" if version is None else f"version {len(version)} {service} {version}"


def _services(registry: Registry) -> dict[str, str]:
    """The id and the label of each service that somebody calls, sorted."""
    labels = {
        _service_id(dependency): f"{dependency.service} {version_label(dependency.version)}"
        for dependency in registry.upstreams
    }
    return dict(sorted(labels.items()))


def _dot(text: str) -> str:
    escaped = escape_control(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _mermaid(text: str) -> str:
    """Mermaid's own entities (`#35;`) for all but letters, digits and a few signs."""
    shown = escape_control(text)
    return "".join(char if char.isalnum() or char in " -_./:" else f"#{ord(char)};" for char in shown)
