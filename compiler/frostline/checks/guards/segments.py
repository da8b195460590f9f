"""The guards of what the sources answered: an empty segment or source is rarely true."""

from __future__ import annotations

from collections.abc import Mapping

from frostline.allow_words import allow_words, say_words_for_all
from frostline.checks.guards.consent import allows_segment
from frostline.model import Finding, InstanceOrigin, Segment
from frostline.rules import Rule
from frostline.settings import Allow, Guards
from frostline.text import pluralize


def empty_help(scope: str = "") -> str:
    """The help line about an empty segment, source or registry. scope: SOURCE or SOURCE/DATACENTER to allow; "": all.

    It names a missing token, because Consul with ACLs answers such a request with 200 and an empty list.
    """
    return (
        "a missing token or a server that lost its data gives an empty answer too, or `select` excludes everything: "
        "check with `frostline sources`; "
        f"if there really is nothing, rerun with `--allow {allow_words('empty', [scope] if scope else [])}`"
    )


EMPTY_SEGMENT = Rule(
    name="guard-segment",
    summary="a segment (source, datacenter, namespace) had services and now has none",
    why="A server without a leader, or with an empty state, and one that gets a wrong token answer with an empty list, "
    "just like a server that really has nothing.",
    example="mesh(datacenter=dc1, namespace=ops): error[guard-segment]: "
    "it had 12 instances (declared services included) and now has none\n"
    f"  help: {empty_help('mesh/dc1')}",
    mend=empty_help(),
)
EMPTY_SOURCE = Rule(
    name="guard-source",
    summary="a live source returned no selected service",
    why="On a first run there is nothing to compare with, and an agent with ACLs answers a request without a token "
    "with success and an empty list.",
    example=f"error[guard-source]: source `mesh` returned no selected service\n  help: {empty_help('mesh')}",
    mend=empty_help(),
)
RULES = (EMPTY_SEGMENT, EMPTY_SOURCE)


def emptied_segments(
    old: Mapping[Segment, int], new: Mapping[Segment, int], guards: Guards, allow: Allow
) -> tuple[Finding, ...]:
    """A finding for each segment that had something (instances plus declared services) and now has nothing.

    old: the segments of the old lock whose sources are still configured and were read now.
    """
    if guards.empty != "refuse":
        return ()
    emptied = [
        segment
        for segment, number in sorted(old.items())
        if number > 0 and new.get(segment, 0) == 0 and not allows_segment(allow, segment[0], segment[1])
    ]
    scopes = [f"{source}/{datacenter}" for source, datacenter, _ in emptied]
    findings = [
        EMPTY_SEGMENT.finding(
            f"it had {pluralize(old[segment], 'instance')} (declared services included) and now has none",
            value=str(old[segment]),
            origin=InstanceOrigin(*segment),
            help=empty_help(scope),
        )
        for segment, scope in zip(emptied, scopes, strict=True)
    ]
    return say_words_for_all(findings, "empty", scopes)


def empty_sources(new: Mapping[Segment, int], guards: Guards, allow: Allow) -> tuple[Finding, ...]:
    """A finding for each source that returned nothing in any of its segments, on the first run too.

    new: the size of each segment (instances plus declared services) of the live sources that were read.
    """
    if guards.empty != "refuse":
        return ()
    sizes: dict[str, int] = {}
    allowed: dict[str, bool] = {}
    for (source, datacenter, _), number in new.items():
        sizes[source] = sizes.get(source, 0) + number
        allowed[source] = allowed.get(source, True) and allows_segment(allow, source, datacenter)
    empty = [source for source, size in sorted(sizes.items()) if size == 0 and not allowed[source]]
    findings = [
        EMPTY_SOURCE.finding(f"source `{source}` returned no selected service", value=source, help=empty_help(source))
        for source in empty
    ]
    return say_words_for_all(findings, "empty", empty)
