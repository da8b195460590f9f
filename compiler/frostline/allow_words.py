"""The words of `--allow` that a message shows, for its reader to copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from shlex import quote

from msgspec.structs import replace

from frostline.model import Finding
from frostline.service_keys import glob_of

_LONGEST = 300
"""Characters of the words for several refusals. Reports cut the middle out of a text of 1000 characters."""


def allow_words(word: str, names: Iterable[str]) -> str:
    """The word with each of these scopes, quoted for a shell: `deletes=a,deletes=b`; () for the word alone."""
    scoped = [f"{word}={glob_of(name)}" for name in dict.fromkeys(names)]
    return quote(",".join(scoped)) if scoped else word


def with_words_for_all(help: str, word: str, names: Sequence[str]) -> str:
    """The help for the first of several refusals of one kind, with the words that let all of them pass.

    names: the scope of each refusal. Where the words would be too long, it is the one without a scope.
    """
    scopes = sorted(set(names))
    if len(scopes) < 2:
        return help
    words = allow_words(word, scopes)
    return f"{help}; all {len(scopes)} together: `--allow {words if len(words) <= _LONGEST else word}`"


def say_words_for_all(findings: Sequence[Finding], word: str, names: Sequence[str]) -> tuple[Finding, ...]:
    """These findings of one kind, sorted, each with the help of its own; the first one also has the words for all.

    names: as of `with_words_for_all`.
    """
    return tuple(
        replace(finding, help=with_words_for_all(finding.help or "", word, names)) if place == 0 else finding
        for place, finding in enumerate(sorted(findings, key=Finding.sort_key))
    )
