"""Show the first lines in which an edited file differs from what would be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice, zip_longest

from frostline.text import shorten

MOST_SHOWN = 10
_MOST_COMPARED = 200
"""Lines that are compared, from the first difference on: the cost grows with the square of their number."""
_LONGEST = 160


def first_differences(wanted: bytes, found: bytes) -> tuple[str, ...]:
    """Return at most MOST_SHOWN lines: `LINE - TEXT` of what would be written, `LINE + TEXT` of the edited file.

    LINE counts from 1 in the file that has the text. The lines are not escaped; bytes that are not UTF-8 are shown as
    `\\xff`.
    """
    old, new = wanted.split(b"\n"), found.split(b"\n")
    pairs = zip_longest(old, new)
    start = next((number for number, (old_line, new_line) in enumerate(pairs) if old_line != new_line), None)
    if start is None:
        return ()
    window = slice(start, start + _MOST_COMPARED)
    return tuple(islice(_changed_lines(old[window], new[window], start + 1), MOST_SHOWN))


def _changed_lines(old: Sequence[bytes], new: Sequence[bytes], first: int) -> Iterator[str]:
    """Yield the changed lines. first: the number of the first line of `old` and `new` in their files."""
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changes = [opcode for opcode in opcodes if opcode[0] != "equal"]
    for number, (_, old_start, old_end, new_start, new_end) in enumerate(changes):
        if number and _MOST_COMPARED in (old_end, new_end):
            return  # the lines that match these may stand after the last compared line
        # Leave room for the lines that were added.
        shown_of_old = max(MOST_SHOWN // 2, MOST_SHOWN - (new_end - new_start))
        yield from (_line(first + at, "-", old[at]) for at in range(old_start, min(old_end, old_start + shown_of_old)))
        yield from (_line(first + at, "+", new[at]) for at in range(new_start, new_end))


def _line(number: int, sign: str, text: bytes) -> str:
    return f"{number} {sign} {shorten(text.decode(errors='backslashreplace'), _LONGEST)}"
