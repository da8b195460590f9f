"""Checks the URL patterns of an output against what its sources freeze."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from frostline.config.context import Context
from frostline.config.cursor import Cursor
from frostline.globs import matches
from frostline.patterns import Placeholder, parse
from frostline.settings import Keep
from frostline.text import list_names


def check_patterns(cursor: Cursor, patterns: Mapping[str, str], sources: Sequence[str], context: Context) -> None:
    """Refuses patterns that apply to no source, and placeholders for values that a source does not freeze.

    cursor: the output. patterns: its valid `url` and `unversioned_url`. sources: the names of the output's sources.
    """
    keeps = {name: context.keeps[name] for name in sources if name in context.keeps}
    for key, pattern in patterns.items():
        written = cursor.get(key)
        if written is None:
            continue
        if keeps.keys() >= {*sources} and not any(keeps.values()):
            written.refuse(
                f"`{key}` applies to no source of this output: the URLs of {list_names(sources)} stay as written",
                f"remove `{key}`, or change the URLs in the source",
            )
        for placeholder, setting, name in _unfrozen(pattern, keeps):
            written.refuse(
                f"`{key}` has {placeholder}, but {setting} under `keep` of `{name}` leaves it out",
                "remove it here, keep it there, or leave the source out with `sources`",
            )


def _unfrozen(pattern: str, keeps: Mapping[str, Keep | None]) -> Iterator[tuple[str, str, str]]:
    """(placeholder, the setting that leaves its value out of the lock, source) for each value that is not frozen.

    A missing meta value without a default need not be refused here, because it is a finding of each instance.
    """
    placeholders = dict.fromkeys(part for part in parse(pattern) if isinstance(part, Placeholder))
    for name, keep in keeps.items():
        for part in placeholders if keep else ():
            if part.name == "node" and keep and not keep.nodes:
                yield "{node}", "`nodes: false`", name
            if part.name == "meta" and part.default is not None and keep and not matches(keep.meta, part.key or ""):
                yield str(part), "`meta`", name
