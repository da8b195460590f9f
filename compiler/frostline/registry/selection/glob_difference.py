"""Finds out whether one list of globs matches a name that another list does not match."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache

from frostline.globs import is_literal, matches

MOST_STEPS = 500_000
"""The limit of a search, counted in comparisons of a character with a part of a glob."""


class TooManyGlobsError(Exception):
    """The lists are too large: comparing them would exceed MOST_STEPS."""


def name_beyond(new: Sequence[str], old: Sequence[str]) -> str | None:
    """A short name that `new` matches and `old` does not; None if there is no such name. Raises TooManyGlobsError.

    It runs all globs at once as a finite automaton: a state is the set of positions reached in each glob. A
    breadth-first search over one character of each kind reaches every state, so it finds a shortest such name.
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
    reached: set[tuple[frozenset[int], ...]] = set()  # without the start: the empty text is not a name
    waiting = deque([("", start)])
    steps = 0
    while waiting:
        name, positions = waiting.popleft()
        for character in characters:
            steps += sum(map(len, positions))
            if steps > MOST_STEPS:
                raise TooManyGlobsError
            after = tuple(_step(before, tokens, character) for before, tokens in zip(positions, parts, strict=True))
            if after in reached or not any(after[index] for index in including):
                continue
            reached.add(after)
            matching = {glob for glob, ends, tokens in zip(globs, after, parts, strict=True) if len(tokens) in ends}
            if _selects(new, matching) and not _selects(old, matching):
                return name + character
            waiting.append((name + character, after))
    return None


def _selects(patterns: Sequence[str], matching: set[str]) -> bool:
    """The same as `globs.matches`, for a name that exactly these globs match: the last one decides."""
    last = next((glob for glob in reversed(patterns) if glob.removeprefix("!") in matching), "!")
    return not last.startswith("!")


def _step(positions: frozenset[int], tokens: Sequence[str], character: str) -> frozenset[int]:
    """The positions in a glob after one more character."""
    after: set[int] = set()
    for position in positions:
        if position < len(tokens):
            if tokens[position] == "*":
                after.add(position)
            elif _matches_one(tokens[position], character):
                after.add(position + 1)
    return _closure(frozenset(after), tokens)


@lru_cache(maxsize=65536)
def _matches_one(token: str, character: str) -> bool:
    if len(token) == 1:
        return token in ("?", character)
    return matches((token,), character)


def _closure(positions: frozenset[int], tokens: Sequence[str]) -> frozenset[int]:
    """These positions, and the ones after each `*`, which may match nothing."""
    closure = set(positions)
    for position in sorted(positions):
        while position < len(tokens) and tokens[position] == "*":
            position += 1
            closure.add(position)
    return frozenset(closure)


def _parts(glob: str) -> Iterator[str]:
    """The parts of a glob, by the rules of fnmatch: `*`, and parts for one character such as `?`, `[a-z]` or `x`."""
    start = 0
    while start < len(glob):
        end = start + 1
        if glob[start] == "[":
            first = start + (2 if glob[start + 1 : start + 2] == "!" else 1)
            close = glob.find("]", first + 1)
            end = close + 1 if close >= 0 else end
        yield glob[start:end]
        start = end


def _characters(text: str) -> list[str]:
    """One character of each kind that globs of this text tell apart: its characters and their neighbours.

    Small letters come first, so that the found name looks like a name.
    """
    codes = {ord(character) for character in text} | {ord("a")}
    codes |= {neighbour for code in codes for neighbour in (code - 1, code + 1) if 0 <= neighbour <= 0x10FFFF}
    return sorted(map(chr, codes), key=lambda sign: (not sign.islower(), not sign.isalnum(), sign))
