"""The value of `--allow` that a message suggests, ready to copy into a shell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from shlex import quote

from msgspec.structs import replace

from frostline.model import Finding
from frostline.service_keys import glob_of

_LONGEST = 300
"""How many characters the value for several refusals may have. Reports cut texts of more than 1000 characters."""


def allow_words(word: str, names: Iterable[str]) -> str:
    """Return the value that allows `word` for each of these names, quoted for a shell: `deletes=a,deletes=b`.

    Without names it is the word alone, which allows everything of its kind.
    """
    scoped = [f"{word}={glob_of(name)}" for name in dict.fromkeys(names)]
    return quote(",".join(scoped)) if scoped else word


def with_words_for_all(help: str, word: str, names: Sequence[str]) -> str:
    """Add the value of `--allow` for all refusals of one kind to the help line of the first one.

    names: the name that each refusal is about. If the value would be too long, the help suggests the word alone.
    """
    scopes = sorted(set(names))
    if len(scopes) < 2:
        return help
    words = allow_words(word, scopes)
    return f"{help}; all {len(scopes)} together: `--allow {words if len(words) <= _LONGEST else word}`"


def say_words_for_all(findings: Sequence[Finding], word: str, names: Sequence[str]) -> tuple[Finding, ...]:
    """Sort the findings of one kind, and add the value of `--allow` for all of them to the help of the first one.

    names: as for `with_words_for_all`.
    """
    return tuple(
        replace(finding, help=with_words_for_all(finding.help or "", word, names)) if index == 0 else finding
        for index, finding in enumerate(sorted(findings, key=Finding.sort_key))
    )
