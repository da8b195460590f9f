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
from functools import partial
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MOST_STEPS = 1_000_000
"""The limit for one match, which then uses at most 100 MB."""

_MOST_INSTRUCTIONS = 20_000
_MOST_CHEAP_STEPS = 1_000_000  # `re` itself may match if its steps are bounded by this: some milliseconds
_ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "ANY", "IN")
_NO_LIMIT = _constants.MAXREPEAT

Spend = Callable[[int], None]
"""Takes a number of steps that a match is about to make. It raises an error to end the match."""
Groups = tuple[int | None, ...]
"""Start and end of group 0, then of group 1 …: positions in the text, None for a group that took no part."""
State = tuple[int, int, Groups]
"""(index of the next instruction, position in the text, groups so far)."""
Instruction = tuple[str, Any]
"""(operation, argument); `_Program` lists them."""


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
            tree = _parser.parse(pattern, flags)
            self._re = re.compile(pattern, flags) if class_of is re.compile and not strict_end else None
        self._names: dict[str, int] = dict(tree.state.groupdict)
        self._repeats = _count_simple_repeats(tree)
        program = _Program(class_of, strict_end)
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


def _count_simple_repeats(tree: Any) -> int | None:
    """Count the repetitions of a parsed pattern; None if one of them repeats more than one character, or if the pattern
    has branches or other parts that `re` may try repeatedly."""
    count = 0
    for name, argument in ((str(operation), argument) for operation, argument in tree):
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            if argument[0] != argument[1] and (len(argument[2]) != 1 or str(argument[2][0][0]) not in _ONE_CHARACTER):
                return None
            inner = _count_simple_repeats(argument[2])
            if inner is None or (inner and argument[1] != 1):
                return None
            count += inner + (argument[0] != argument[1])
        elif name == "SUBPATTERN":
            inner = _count_simple_repeats(argument[3])
            if inner is None:
                return None
            count += inner
        elif name not in (*_ONE_CHARACTER, "AT"):
            return None
    return count


class _Program:
    """Compiles a pattern, parsed by `re`, to a list of instructions (operation, argument).

    character: a test of one character, (str) -> bool. at: a test of a position, (text, position) -> bool.
    split: the two indices to go on at, the preferred one first. jump: the index to go on at.
    save: the index in Groups to store the position at. match: the end of the pattern or of an inner part.
    reference: (group, whether to ignore case). fail: never matches.
    inner: (kind, index of the first instruction, index after the last), for a part that is matched on its own. kind is
    `atomic`, or (`ASSERT` or `ASSERT_NOT`, number of characters to look back).
    """

    def __init__(self, class_of: Callable[[str, int], Any], strict_end: bool) -> None:
        self.code: list[Instruction] = []
        self.has_references = False
        self._class_of = class_of
        self._strict_end = strict_end

    def emit(self, operation: str, argument: Any = None) -> int:
        """Append an instruction; return its index. Raises re.error if the pattern is too large."""
        if len(self.code) >= _MOST_INSTRUCTIONS:
            raise re.error("the pattern is too large")
        self.code.append((operation, argument))
        return len(self.code) - 1

    def add_group(self, tree: Any, group: int | None, flags: int) -> None:
        if group is not None:
            self.emit("save", 2 * group)
        self.add(tree, flags)
        if group is not None:
            self.emit("save", 2 * group + 1)

    def add(self, tree: Any, flags: int) -> None:
        for operation, argument in tree:
            name = str(operation)
            if name in _ONE_CHARACTER:
                self.emit("character", _character_test(name, argument, flags, self._class_of))
            elif name == "SUBPATTERN":
                group, set_flags, cleared_flags, inner = argument
                self.add_group(inner, group, (flags | set_flags) & ~cleared_flags)
            elif name == "BRANCH":
                self._add_branches(argument[1], flags)
            elif name in ("MAX_REPEAT", "MIN_REPEAT"):
                self._add_repeat(argument, flags, name == "MAX_REPEAT")
            elif name == "POSSESSIVE_REPEAT":
                self._add_inner("atomic", partial(self._add_repeat, argument, flags, True))
            elif name == "ATOMIC_GROUP":
                self._add_inner("atomic", partial(self.add, argument, flags))
            elif name in ("ASSERT", "ASSERT_NOT"):
                back = argument[1].getwidth()[0] if argument[0] < 0 else 0
                self._add_inner((name, back), partial(self.add, argument[1], flags))
            elif name == "AT":
                self.emit("at", self._anchor_test(str(argument), flags))
            elif name == "GROUPREF":
                self.has_references = True
                self.emit("reference", (argument, flags & re.IGNORECASE))
            elif name == "FAILURE":
                self.emit("fail")
            else:
                raise re.error(f"`{name.lower()}` is not supported")

    def _add_branches(self, branches: Any, flags: int) -> None:
        ends: list[int] = []
        for branch in branches[:-1]:
            split = self.emit("split")
            self.add(branch, flags)
            ends.append(self.emit("jump"))
            self.code[split] = ("split", (split + 1, len(self.code)))
        self.add(branches[-1], flags)
        for end in ends:
            self.code[end] = ("jump", len(self.code))

    def _add_repeat(self, repeat: Any, flags: int, greedy: bool) -> None:
        least, most, tree = repeat
        for _ in range(least):
            self.add(tree, flags)
        if most == _NO_LIMIT:
            split = self.emit("split")
            self.add(tree, flags)
            self.emit("jump", split)
            self._set_split(split, greedy)
            return
        splits: list[int] = []
        for _ in range(most - least):
            splits.append(self.emit("split"))
            self.add(tree, flags)
        for split in splits:
            self._set_split(split, greedy)

    def _set_split(self, split: int, greedy: bool) -> None:
        inside, after = split + 1, len(self.code)
        self.code[split] = ("split", (inside, after) if greedy else (after, inside))

    def _add_inner(self, operation: Any, add: Callable[[], None]) -> None:
        """Add a part that is matched on its own; only its first match counts."""
        index = self.emit("inner")
        add()
        self.emit("match")
        self.code[index] = ("inner", (operation, index + 1, len(self.code)))

    def _anchor_test(self, name: str, flags: int) -> Callable[[str, int], bool]:
        """Make the test of an anchor; `re` decides it."""
        anchor = {"AT_BEGINNING": "^", "AT_BEGINNING_STRING": r"\A", "AT_END_STRING": r"\Z", "AT_END": "$"}.get(name)
        if anchor == "$" and self._strict_end and not flags & re.MULTILINE:
            anchor = r"\Z"
        compiled = re.compile(anchor or (r"\b" if name == "AT_BOUNDARY" else r"\B"), flags & ~re.VERBOSE & ~re.DEBUG)
        return lambda text, position: compiled.match(text, position) is not None


def _character_test(name: str, argument: Any, flags: int, class_of: Callable[[str, int], Any]) -> Callable[[str], bool]:
    """Make the test of one character. `re` decides once for each character; the answer is cached."""
    if name == "ANY":
        source = "."
    elif name == "IN":
        source = _set_source(argument)
    else:
        source = f"[{'^' if name == 'NOT_LITERAL' else ''}{_escaped(argument)}]"
    compiled = class_of(source, flags & (re.IGNORECASE | re.ASCII | re.DOTALL))
    known: dict[str, bool] = {}

    def fits(character: str) -> bool:
        answer = known.get(character)
        if answer is None:
            answer = known[character] = compiled.match(character) is not None
        return answer

    return fits


def _set_source(items: Any) -> str:
    """Write a parsed set of characters as a pattern again."""
    parts: list[str] = []
    for operation, argument in items:
        match str(operation):
            case "NEGATE":
                parts.append("^")
            case "RANGE":
                parts.append(f"{_escaped(argument[0])}-{_escaped(argument[1])}")
            case "CATEGORY":
                kind = str(argument).removeprefix("CATEGORY_")
                letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[kind.removeprefix("NOT_")]
                parts.append("\\" + (letter.upper() if kind.startswith("NOT_") else letter))
            case _:
                parts.append(_escaped(argument))
    return f"[{''.join(parts)}]"


def _escaped(code: int) -> str:
    return f"\\{chr(code)}" if code < 128 and not chr(code).isalnum() else chr(code)


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
