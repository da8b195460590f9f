"""The segments of a live source, which are datacenters or regions: choose and read them, and apply `partial: true`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from frostline.errors import SourceError, UsageError
from frostline.globs import is_literal, matches
from frostline.model import SegmentAnswer
from frostline.settings import ServerSettings
from frostline.sources.base import ReadResult
from frostline.sources.http.session import Session
from frostline.text import list_names, quote


class SegmentKind(Struct, frozen=True, kw_only=True):
    """What a server calls its segments.

    noun: in messages; its plural is the key of the configuration. path: lists the segments that the server knows.
    join_help: how the server gets to know another segment.
    """

    noun: str
    path: str
    join_help: str


class ChosenSegments(Struct, frozen=True):
    """names: the segments to read, sorted. unknown: configured by name, but unknown to the server."""

    names: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def choose_own_segment(settings: ServerSettings, kind: SegmentKind, own: str, only: Sequence[str]) -> ChosenSegments:
    """Choose the agent's own segment. UsageError: `only` names another one."""
    for name in only:
        if name != own:
            raise not_configured(settings, kind, name, f"it reads the agent's own, {quote(own)}")
    return ChosenSegments((own,))


def check_configured(settings: ServerSettings, kind: SegmentKind, patterns: Sequence[str], only: Sequence[str]) -> None:
    """UsageError: `only` names a segment that no pattern of the configuration matches."""
    for name in only:
        if not matches(patterns, name):
            raise not_configured(settings, kind, name, f"`{kind.noun}s` is {list_names(patterns)}")


def choose_segments(
    session: Session,
    kind: SegmentKind,
    patterns: Sequence[str],
    only: Sequence[str],
    known: Sequence[str],
    *,
    partial: bool,
) -> ChosenSegments:
    """Choose the known segments that the patterns match. `only` narrows the choice to these names.

    SourceError: a configured name is unknown to the server (unless `partial`), or nothing matches.
    """
    named = only or tuple(name for name in patterns if is_literal(name) and matches(patterns, name))
    unknown = tuple(sorted(set(named) - set(known)))
    names = tuple(sorted(name for name in set(known) if matches(patterns, name) and (not only or name in only)))
    if (unknown and not partial) or not (names or unknown):
        missing, existing = list_names(unknown or patterns), list_names(sorted(known))
        raise session.error(
            kind.path,
            f"{session.product} knows no {kind.noun} {missing}, only {existing}",
            help=f"correct `{kind.noun}s`, or {kind.join_help}",
        )
    return ChosenSegments(names, unknown)


def not_configured(settings: ServerSettings, kind: SegmentKind, name: str, configured: str) -> UsageError:
    """Make the error for a segment named by `freeze --datacenter` that the source does not read."""
    return UsageError(
        f"the source {quote(settings.name)} does not read the {kind.noun} {quote(name)}: {configured}",
        origin=settings.origin,
        help=f"name a {kind.noun} that it reads, or add this one to the configuration",
    )


def read_segments(
    settings: ServerSettings,
    kind: SegmentKind,
    chosen: ChosenSegments,
    read_segment: Callable[[str], tuple[Sequence[SegmentAnswer], Sequence[str]]],
    earlier: Sequence[str] = (),
) -> ReadResult:
    """Read each chosen segment. With `partial: true`, those that are unknown or unreachable become warnings.

    read_segment: name -> answers and warnings. earlier: warnings that come first. SourceError: a segment failed, or no
    segment answered.
    """
    unreachable = list(chosen.unknown)
    reason = "the server does not know them"
    warnings = [*earlier] + [
        f"source {settings.name}: the server does not know the {kind.noun} {quote(name)} now; {_keeps_lock(name)}"
        for name in chosen.unknown
    ]
    answers: list[SegmentAnswer] = []
    for name in chosen.names:
        try:
            segment_answers, segment_warnings = read_segment(name)
        except SourceError as error:
            if not (settings.partial and error.unreachable):
                if error.unreachable and len(chosen.names) > 1:
                    error.help = "; ".join(filter(None, (error.help, _partial_help(name))))
                raise
            unreachable.append(name)
            reason = error.message.removeprefix(f"source {settings.name}: ")
            warnings.append(f"{error.message}; {_keeps_lock(name)}")
        else:
            answers += segment_answers
            warnings += segment_warnings
    if unreachable and not answers:
        raise SourceError(
            f"source {settings.name}: no answer from {list_names(sorted(unreachable))}; the last reason: {reason}",
            origin=settings.origin,
            help=f"check the agent's connection to these {kind.noun}s; `partial` needs at least one that answers",
        )
    return ReadResult(answers=tuple(answers), warnings=tuple(warnings), unreachable=tuple(sorted(unreachable)))


def _partial_help(name: str) -> str:
    return f"compile, freeze and plan keep what the lock has of {quote(name)} with `--allow partial`"


def _keeps_lock(name: str) -> str:
    return f"{quote(name)} keeps what the lock has (`partial`)"
