"""Naming: which (service, version) a registered name, a tag or a meta value stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from glob import escape

from frostline.errors import UsageError
from frostline.model import Key
from frostline.patterns import parse
from frostline.settings import Naming, VersionFrom
from frostline.text import shorten
from frostline.user_regexes import UserRegex
from frostline.user_regexes import compiled as compiled_pattern

Splitter = Callable[[str, tuple[str, ...], Mapping[str, str]], tuple[Key, ...]]
"""(registered name, tags, meta) -> the (service, version)s of that instance. Without `version_from`, only the name
counts."""


def splitter_of(naming: Naming) -> Splitter:
    """The function that reads (service, version) from an instance by these settings. Raises UsageError."""
    version_from = naming.version_from
    if version_from.meta is None and version_from.tag is None:
        split = name_splitter(naming.patterns, naming.version_pattern)
        return lambda name, tags, meta: (split(name),)
    return lambda name, tags, meta: tuple(Key(name, version) for version in _versions(version_from, tags, meta))


def _versions(version_from: VersionFrom, tags: tuple[str, ...], meta: Mapping[str, str]) -> list[str | None]:
    if version_from.meta is not None:
        return [meta.get(version_from.meta) or None]
    matches = (compiled_pattern(version_from.tag or "").fullmatch(tag) for tag in tags)
    versions = {version for match in matches if match and (version := match.group(1))}
    return [*sorted(versions)] if versions else [None]


def name_splitter(patterns: tuple[str, ...], version_pattern: str) -> Callable[[str], Key]:
    """A function from a registered name to (service, version), by the first pattern that matches the whole name.

    A name that no pattern matches is a service without a version. Raises UsageError if a pattern is too large.
    """
    compiled = [_compiled(pattern, version_pattern) for pattern in patterns]

    @cache
    def split(name: str) -> Key:
        for pattern in compiled:
            if match := pattern.fullmatch(name):
                return Key(match.group("service") or "", match.group("version") if match.has("version") else None)
        return Key(name, None)

    return split


def _compiled(pattern: str, version_pattern: str) -> UserRegex:
    try:
        return compiled_pattern(_pattern_regex(pattern, version_pattern), re.DOTALL)
    except re.error as error:
        raise UsageError(
            f"the naming pattern `{shorten(pattern)}` with the version pattern `{shorten(version_pattern)}`: {error}",
            help="write a shorter one, or one with fewer repetitions",
        ) from None


def keys_of_name(namings: Iterable[Naming], name: str) -> set[Key]:
    """The (service, version)s that this registered name stands for by those of the namings that read only names."""
    return {
        name_splitter(naming.patterns, naming.version_pattern)(name)
        for naming in namings
        if naming.version_from == VersionFrom()
    }


def names_of(naming: Naming, service: str) -> tuple[str, ...]:
    """Globs of the registered names that may stand for this service in any version, and of the name itself."""
    globs = {_glob(service)}
    if naming.version_from == VersionFrom():
        for pattern in naming.patterns:
            texts = (
                part if isinstance(part, str) else service if part.name == "service" else None
                for part in parse(pattern)
            )
            globs.add("".join("*" if text is None else _glob(text) for text in texts))
    return tuple(sorted(globs))


def _glob(text: str) -> str:
    """A glob that matches this text. A leading `!` would exclude, so it becomes `?`, which matches it too."""
    return escape(text).replace("!", "?")


def _pattern_regex(pattern: str, version_pattern: str) -> str:
    groups = {"service": "(?P<service>.+)", "version": f"(?P<version>{version_pattern})"}
    return "".join(re.escape(part) if isinstance(part, str) else groups[part.name] for part in parse(pattern))
