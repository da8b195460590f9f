"""Regular expressions with a limit on steps: no text hangs, and the outcome is the same on every machine.

Python's `re` tries every way through a pattern: 30 letters keep `(a+)+$` busy for minutes. The search here tries each
pair of (place in the pattern, place in the text) at most once, like the bit-state search of RE2. So the number of steps
is at most the product of both lengths, and it is counted.

`re` parses the patterns, and the results are those of `re`, with one exception: in `(a*)*` the group may hold the turn
before an empty last one, as in Go.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from frostline.regexes.programs import Instruction, Program, count_simple_repeats, parse

MOST_STEPS = 1_000_000
"""The limit for one match, which then uses at most 100 MB."""

_MOST_CHEAP_STEPS = 1_000_000  # `re` itself may match if its steps are bounded by this: some milliseconds

Spend = Callable[[int], None]
"""Takes a number of steps that a match is about to make. It raises an error to end the match."""
Groups = tuple[int | None, ...]
"""Start and end of group 0, then of group 1 …: positions in the text, None for a group that took no part."""
State = tuple[int, int, Groups]
"""(index of the next instruction, position in the text, groups so far)."""


class TooManySteps(Exception):
    """A match would take more than MOST_STEPS steps."""


class Match:
    """A match, with the interface of `re.Match`. Group 0 is the whole match; a group that took no part is None."""

    def __init__(self, text: str, groups: Groups, names: dict[str, int]) -> None:
        self._text = text
        self._groups = groups
        self._names = names

    def span(self) -> tuple[int, int]:
        start, end = self._groups[:2]
        assert start is not None
        assert end is not None
        return start, end

    def group(self, key: int | str = 0) -> str | None:
        """Return the text of a group, by number or name. Raises IndexError if there is no such group."""
        index = self._names.get(key, -1) if isinstance(key, str) else key
        if not 0 <= index < len(self._groups) // 2:
            raise IndexError(key)
        start, end = self._groups[2 * index : 2 * index + 2]
        return None if start is None or end is None else self._text[start:end]

    def has(self, name: str) -> bool:
        """Whether the pattern has a group of this name."""
        return name in self._names


class Pattern:
    """A compiled regular expression. Raises re.error if the pattern is invalid or too large.

    class_of: compiles (pattern of one character, flags of `re`); the result needs a method `match`. It exists for Go's
    character classes, some of which Python lacks.
    strict_end: `$` matches at the end only, not also before a final newline.
    """

    def __init__(
        self,
        pattern: str,
        flags: int = 0,
        *,
        class_of: Callable[[str, int], Any] = re.compile,
        strict_end: bool = False,
    ) -> None:
        with warnings.catch_warnings(action="ignore"):
            tree = parse(pattern, flags)
            self._re = re.compile(pattern, flags) if class_of is re.compile and not strict_end else None
        self._names: dict[str, int] = dict(tree.state.groupdict)
        self._repeats = count_simple_repeats(tree)
        program = Program(class_of, strict_end)
        program.add_group(tree, 0, tree.state.flags)
        program.emit("match")
        self._code = program.code
        self._keyed_by_groups = program.has_references
        self._empty: Groups = (None,) * (2 * tree.state.groups)

    def search(self, text: str, spend: Spend | None = None, start: int = 0) -> Match | None:
        """Find the leftmost match from `start` on.

        spend: receives the steps; without it, the search raises TooManySteps after MOST_STEPS.
        """
        if spend is None and self.is_cheap(text, 1) and self._re is not None:
            return self._from_re(text, self._re.search(text, start))
        run = _Run(self._code, text, spend, self._keyed_by_groups)
        for begin in range(start, len(text) + 1):
            if (groups := run.match(0, begin, self._empty)) is not None:
                return Match(text, groups, self._names)
        return None

    def fullmatch(self, text: str) -> Match | None:
        """Match the whole text. Raises TooManySteps."""
        if self.is_cheap(text, 0) and self._re is not None:
            return self._from_re(text, self._re.fullmatch(text))
        groups = _Run(self._code, text, None, self._keyed_by_groups, whole=True).match(0, 0, self._empty)
        return None if groups is None else Match(text, groups, self._names)

    def is_cheap(self, text: str, starts: int) -> bool:
        """Whether `re` needs few steps even in the worst case, where it tries every length of every repetition.

        starts: 1 if the match may start anywhere in the text, 0 if only at its start.
        """
        return self._repeats is not None and (len(text) + 1) ** (self._repeats + starts) <= _MOST_CHEAP_STEPS

    def _from_re(self, text: str, match: re.Match[str] | None) -> Match | None:
        if match is None:
            return None
        groups = [position if position >= 0 else None for span in match.regs for position in span]
        return Match(text, tuple(groups), self._names)


class _Run:
    """One search: it counts the steps and remembers which states failed.

    spend: as for `Pattern.search`. keyed_by_groups: two states differ also if only their groups do, as back-references
    need. whole: the match must end at the end of the text.
    """

    def __init__(
        self, code: list[Instruction], text: str, spend: Spend | None, keyed_by_groups: bool, whole: bool = False
    ) -> None:
        self._code = code
        self._text = text
        self._spend = spend or self._count
        self._left = MOST_STEPS
        self._keyed_by_groups = keyed_by_groups
        self._whole = whole
        self._tried: set[Any] = set()

    def _count(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooManySteps

    def match(self, start: int, position: int, groups: Groups) -> Groups | None:
        """Return the groups of the first match from this instruction and position, or None if there is no match.

        For an inner part, the end of the match follows the groups. A state that was tried before is skipped, also when
        the search starts at another position: it must have failed, because the first success ends the search.
        """
        code, text, tried, size = self._code, self._text, self._tried, len(self._text) + 1
        is_inner = start != 0
        waiting: list[State] = [(start, position, groups)]
        while waiting:
            index, position, groups = waiting.pop()
            while True:
                self._spend(1)
                state: Any = (index, position, groups) if self._keyed_by_groups else index * size + position
                if state in tried:
                    break
                tried.add(state)
                operation, argument = code[index]
                index += 1
                if operation == "character":
                    if position + 1 == size or not argument(text[position]):
                        break
                    position += 1
                elif operation == "split":
                    waiting.append((argument[1], position, groups))
                    index = argument[0]
                elif operation == "jump":
                    index = argument
                elif operation == "save":
                    groups = (*groups[:argument], position, *groups[argument + 1 :])
                elif operation == "match":
                    if is_inner or not self._whole or position + 1 == size:
                        return groups if not is_inner else (*groups, position)
                    break
                else:
                    after = self._special(operation, argument, position, groups)
                    if after is None:
                        break
                    index, position, groups = after[0] or index, after[1], after[2]
        return None

    def _special(self, operation: str, argument: Any, position: int, groups: Groups) -> State | None:
        """Return the state after an anchor, a reference or an inner part, or None if it does not match.

        Index 0 in the result stands for the next instruction.
        """
        if operation == "at":
            return (0, position, groups) if argument(self._text, position) else None
        if operation == "reference":
            group, ignore_case = argument
            return self._reference(group, ignore_case, position, groups)
        if operation != "inner":
            return None
        (kind, start, after) = argument
        name, back = (kind, 0) if kind == "atomic" else kind
        if position < back:
            match = None
        else:
            inner = _Run(self._code, self._text, self._spend, self._keyed_by_groups)
            match = inner.match(start, position - back, groups)
        if name == "ASSERT_NOT":
            return (after, position, groups) if match is None else None
        if match is None:
            return None
        end = match[-1]
        assert end is not None
        return after, end if name == "atomic" else position, match[:-1]

    def _reference(self, group: int, ignore_case: int, position: int, groups: Groups) -> State | None:
        start, end = groups[2 * group : 2 * group + 2]
        if start is None or end is None:
            return None
        wanted = self._text[start:end]
        self._spend(len(wanted))
        found = self._text[position : position + len(wanted)]
        same = found.lower() == wanted.lower() if ignore_case else found == wanted
        return (0, position + len(wanted), groups) if same else None


def find_all(pattern: Pattern, text: str, spend: Spend) -> Iterator[Match]:
    """Yield every match, from left to right, without overlap."""
    position = 0
    while position <= len(text) and (match := pattern.search(text, spend, position)):
        yield match
        start, end = match.span()
        position = end if end > start else end + 1
