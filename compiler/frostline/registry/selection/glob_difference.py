"""Whether one list of globs takes a name that another list does not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache

from frostline.globs import is_literal, matches

MOST_STEPS = 500_000
"""Comparisons of a character with a part of a glob; lists of globs that need more are not compared."""


class TooManyGlobsError(Exception):
    """The lists are too large to be compared."""


def name_beyond(new: Sequence[str], old: Sequence[str]) -> str | None:
    """A name that `new` takes and `old` does not, a short one; None: there is none.

    Raises TooManyGlobsError. Globs are regular expressions, so that trying each kind of character after each other, the
    positions reached in all globs at once, finds a name if there is any (breadth first: the shortest).
    """
    for name in new:
        if is_literal(name) and matches(new, name) and not matches(old, name):
            return name
    if not any(not is_literal(glob) and not glob.startswith("!") for glob in new):
        return None
    return _search(new, old)


def _search(new: Sequence[str], old: Sequence[str]) -> str | None:
    globs = list(dict.fromkeys(glob.removeprefix("!") for glob in (*new, *old)))
    parts = [tuple(_parts(glob)) for glob in globs]
    characters = _characters("".join(globs))
    including = [index for index, glob in enumerate(globs) if glob in new]
    start = tuple(_closure(frozenset([0]), tokens) for tokens in parts)
    reached: set[tuple[frozenset[int], ...]] = set()  # without the start, which is no name yet
    waiting = deque([("", start)])
    steps = 0
    while waiting:
        name, positions = waiting.popleft()
        for character in characters:
            steps += sum(map(len, positions))
            if steps > MOST_STEPS:
                raise TooManyGlobsError
            after = tuple(_step(at, tokens, character) for at, tokens in zip(positions, parts, strict=True))
            if after in reached or not any(after[index] for index in including):
                continue
            reached.add(after)
            fitting = {glob for glob, at, tokens in zip(globs, after, parts, strict=True) if len(tokens) in at}
            if _takes(new, fitting) and not _takes(old, fitting):
                return name + character
            waiting.append((name + character, after))
    return None


def _takes(patterns: Sequence[str], fitting: set[str]) -> bool:
    """As `globs.matches`, for a name that fits these globs."""
    last = next((glob for glob in reversed(patterns) if glob.removeprefix("!") in fitting), "!")
    return not last.startswith("!")


def _step(positions: frozenset[int], tokens: Sequence[str], character: str) -> frozenset[int]:
    """The positions after one more character."""
    after: set[int] = set()
    for position in positions:
        if position < len(tokens):
            if tokens[position] == "*":
                after.add(position)
            elif _fits(tokens[position], character):
                after.add(position + 1)
    return _closure(frozenset(after), tokens)


@lru_cache(maxsize=65536)
def _fits(token: str, character: str) -> bool:
    if len(token) == 1:
        return token in ("?", character)
    return matches((token,), character)


def _closure(positions: frozenset[int], tokens: Sequence[str]) -> frozenset[int]:
    """These positions, and those behind a `*`, which may stand for nothing."""
    found = set(positions)
    for position in sorted(positions):
        while position < len(tokens) and tokens[position] == "*":
            position += 1
            found.add(position)
    return frozenset(found)


def _parts(glob: str) -> Iterator[str]:
    """The glob as `*`, and globs of one character: `?`, `[a-z]`, `x`. The rules are those of fnmatch."""
    at = 0
    while at < len(glob):
        end = at + 1
        if glob[at] == "[":
            first = at + (2 if glob[at + 1 : at + 2] == "!" else 1)
            close = glob.find("]", first + 1)
            end = close + 1 if close >= 0 else end
        yield glob[at:end]
        at = end


def _characters(text: str) -> list[str]:
    """A character of each kind that these globs tell apart: those in them and their neighbours; small letters first."""
    found = {ord(character) for character in text} | {ord("a")}
    found |= {beside for code in found for beside in (code - 1, code + 1) if 0 <= beside <= 0x10FFFF}
    return sorted(map(chr, found), key=lambda sign: (not sign.islower(), not sign.isalnum(), sign))
