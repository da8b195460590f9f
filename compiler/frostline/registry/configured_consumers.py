"""Which consumer calls which service, as the key `consumers` of the configuration states it.

It covers consumers whose calls no Nomad job and no Consul sidecar declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from frostline.globs import is_literal, names_matching
from frostline.model import FileOrigin, Finding, Key
from frostline.rules import Rule
from frostline.service_keys import key_names, key_text, parse_key
from frostline.settings import Consumer, PolicySetting
from frostline.text import did_you_mean, quote

_MEND = "correct or remove the name, or add the source that has it"

UNMATCHED = Rule(
    name="consumers-unmatched",
    severity="warning",
    summary="an entry of `consumers` names a service that no source serves or declares",
    why=(
        "The consumer would have nothing to call. The service is gone, or its name is misspelt, so the guards do "
        "not protect the intended service. With the policy `upstreams: resolve` the finding has that policy's "
        "severity."
    ),
    example="frostline.yaml:9:10: warning[consumers-unmatched]: payments v9: `shop` calls `payments/v9`, "
    "which no source serves or declares\n"
    "  help: did you mean `payments/v2`?",
    mend=_MEND,
)
RULES = (UNMATCHED,)

Names = Mapping[str, Sequence[Key]]
"""Each text that a glob is matched against (`service_keys.key_names`) -> the (service, version)s that it names."""


class Call(Struct, frozen=True):
    """A consumer calls a (service, version). origin: the place of the glob that says so."""

    consumer: str
    key: Key
    origin: FileOrigin


def calls_of(consumers: Sequence[Consumer], keys: Iterable[Key]) -> tuple[Call, ...]:
    """Which of these (service, version)s each consumer calls, sorted by consumer and key.

    The last glob that matches a key decides; `!` excludes the key. A literal name outside the keys is also a call: to a
    service that no source has.
    """
    if not consumers:
        return ()
    names = _names(keys)
    calls: list[Call] = []
    for consumer in sorted(consumers, key=lambda consumer: consumer.name):
        called: dict[Key, FileOrigin] = {}
        for pattern in consumer.calls:
            matching = _matching(pattern.glob, names)
            if pattern.glob.startswith("!"):
                for key in matching:
                    called.pop(key, None)
            else:
                called |= dict.fromkeys(matching or _literal(pattern.glob), pattern.origin)
        calls += [Call(consumer.name, key, called[key]) for key in sorted(called, key=Key.sort_key)]
    return tuple(calls)


def consumers_by_key(consumers: Sequence[Consumer], keys: Iterable[Key]) -> dict[Key, tuple[str, ...]]:
    """The names of the consumers of each of these (service, version)s, sorted."""
    by_key: dict[Key, list[str]] = {}
    for call in calls_of(consumers, keys):
        by_key.setdefault(call.key, []).append(call.consumer)
    return {key: tuple(names) for key, names in by_key.items()}


def unmatched_findings(
    consumers: Sequence[Consumer], keys: Iterable[Key], resolve: PolicySetting | None
) -> Iterator[Finding]:
    """A finding for each glob that matches none of these keys. resolve: the policy `upstreams`; None if it is unset."""
    if not consumers:
        return
    names = _names(keys)
    for consumer in consumers:
        for pattern in consumer.calls:
            if not pattern.glob.startswith("!") and not _matching(pattern.glob, names):
                yield _unmatched(consumer.name, pattern.glob, pattern.origin, names, resolve)


def _unmatched(consumer: str, glob: str, origin: FileOrigin, names: Names, resolve: PolicySetting | None) -> Finding:
    literal = _literal(glob)
    known = {key_text(key) for keys in names.values() for key in keys}
    return UNMATCHED.finding(
        f"{quote(consumer)} calls {quote(glob)}, which no source serves or declares"
        if literal
        else f"{quote(consumer)} calls {quote(glob)}, which matches no service",
        service=literal[0].service if literal else None,
        version=literal[0].version if literal else None,
        value=glob,
        origin=origin,
        help=did_you_mean(glob, known, _MEND),
        severity=resolve.severity if resolve else None,
    )


def _literal(glob: str) -> tuple[Key, ...]:
    """The key of a literal name; () for any other glob."""
    return (parse_key(glob),) if is_literal(glob) else ()


def _names(keys: Iterable[Key]) -> Names:
    names: dict[str, list[Key]] = {}
    for key in dict.fromkeys(keys):
        for name in key_names(key):
            names.setdefault(name, []).append(key)
    return names


def _matching(glob: str, names: Names) -> list[Key]:
    """The keys that the glob matches, with or without its leading `!`."""
    pattern = glob.removeprefix("!")
    if is_literal(pattern):
        return list(names.get(pattern, ()))
    return [key for name in names_matching(pattern, names) for key in names[name]]
