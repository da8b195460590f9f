"""Regular expressions compiled to instructions, which the search of `frostline.regexes` carries out.

Only this module knows how `re` holds a parsed pattern: Python documents neither the parser nor its result.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

_MOST_INSTRUCTIONS = 20_000
_ONE_CHARACTER = ("LITERAL", "NOT_LITERAL", "ANY", "IN")
_NO_LIMIT = _constants.MAXREPEAT

Instruction = tuple[str, Any]
"""(operation, argument); `Program` lists them."""


def parse(pattern: str, flags: int) -> Any:
    """Parse a pattern to the tree that `Program` compiles. Raises re.error if the pattern is invalid."""
    return _parser.parse(pattern, flags)


def count_simple_repeats(tree: Any) -> int | None:
    """Count the repetitions of a parsed pattern; None if one of them repeats more than one character, or if the pattern
    has branches or other parts that `re` may try repeatedly."""
    count = 0
    for name, argument in ((str(operation), argument) for operation, argument in tree):
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            if argument[0] != argument[1] and (len(argument[2]) != 1 or str(argument[2][0][0]) not in _ONE_CHARACTER):
                return None
            inner = count_simple_repeats(argument[2])
            if inner is None or (inner and argument[1] != 1):
                return None
            count += inner + (argument[0] != argument[1])
        elif name == "SUBPATTERN":
            inner = count_simple_repeats(argument[3])
            if inner is None:
                return None
            count += inner
        elif name not in (*_ONE_CHARACTER, "AT"):
            return None
    return count


class Program:
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
