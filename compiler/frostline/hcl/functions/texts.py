"""Functions of strings (cty, function/stdlib/string.go and string_replace.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import regex

from frostline.hcl.functions.base import Function, FunctionError, Parameter, Spend
from frostline.hcl.functions.characters import GO_SPACE, check_size, clusters, count
from frostline.hcl.functions.numeric import whole
from frostline.hcl.number import Number
from frostline.hcl.values import NUMBER, STRING, Value, list_of, list_value, number, string
from frostline.regexes import Match, Pattern, find_all

_MOST_REPEATS = 1000  # RE2's limit
_TEXT = Parameter("str", STRING)
_BEYOND_RE2 = re.compile(r"\(\?(?:[=!>|]|<[=!]|P=|P>|R|&|\()|\\[1-9]|\\[gk]|[*+?}]\+")
_NOT_RE2 = re.compile(r"\\[XRGKmM]")
_STEPS_TO_COMPILE = 20  # for each character of a pattern
_CLASSES = re.compile(r"\\.|\[:\^?[a-z]+:\]|\(\?<(?=[A-Za-z_])", re.DOTALL)
_PROPERTY = re.compile(r"\\[pP](?:\{\^?\w+\}|[A-Z])", re.ASCII)
_FIRST_PRIVATE = 0xF0000
"""The first of the private characters that stand for those of Go's character classes that Python's `re` lacks."""


def _of(change: Callable[[str], str]) -> Function:
    return Function((_TEXT,), lambda text: string(change(text.data)))


def _with(name: str, change: Callable[[str, str], str]) -> Function:
    return Function((_TEXT, Parameter(name, STRING)), lambda text, other: string(change(text.data, other.data)))


def _upper(text: str) -> str:
    """Convert each code point on its own, as in Go: ß stays."""
    return "".join(up if len(up := char.upper()) == 1 else char for char in text)


def _lower(text: str) -> str:
    return "".join(low if len(low := char.lower()) == 1 else "i" if char == "\u0130" else char for char in text)


def _title(text: str) -> str:
    """Put the first letter of every word in title case. A word consists of letters, digits and `_`."""
    changed: list[str] = []
    before = " "
    for char in text:
        title = char.title()
        changed.append(title if _is_separator(before) and len(title) == 1 else char)
        before = char
    return "".join(changed)


def _is_separator(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    if char.isalpha() or char.isdigit():
        return False
    return char in GO_SPACE


def _indent(spaces: Value, text: Value) -> Value:
    width = whole(spaces, "spaces")
    if width < 0:
        raise FunctionError("`spaces` must not be negative")
    lines = text.data.count("\n")
    check_size(len(text.data) + width * lines)
    return text if not lines else string(text.data.replace("\n", "\n" + " " * width))


def _join(separator: Value, *lists: Value) -> Value:
    if not lists:
        raise FunctionError("the function needs a list")
    parts: list[str] = []
    for argument, values in enumerate(lists):
        for item in values.data:
            if item.data is None:
                raise FunctionError("the list contains null", argument + 1)
            parts.append(item.data)
    check_size(sum(map(len, parts)) + len(separator.data) * len(parts))
    return string(separator.data.join(parts))


def _split(separator: Value, text: Value) -> Value:
    parts = text.data.split(separator.data) if separator.data else list(text.data)
    return list_value(STRING, map(string, parts))


def _substr(text: Value, offset: Value, length: Value) -> Value:
    start, wanted = whole(offset, "offset"), whole(length, "length")
    characters = clusters(text.data)
    if start < 0:
        start = max(start + len(characters), 0)
    # With an offset from the end, cty reads the length 0 as everything after it.
    from_end = offset.data.is_negative
    end = len(characters) if wanted < 0 or (from_end and wanted == 0) else start + wanted
    return string("".join(characters[start:end]))


def _replace(text: Value, old: Value, new: Value) -> Value:
    times = text.data.count(old.data) if old.data else len(text.data) + 1
    check_size(len(text.data) + times * len(new.data))
    return string(text.data.replace(old.data, new.data))


def _regex_replace(spend: Spend, text: Value, pattern: Value, replacement: Value) -> Value:
    """Replace matches of an RE2 pattern. The replacement may have `$1`, `${name}`, `$$` (Regexp.ReplaceAllString)."""
    compiled = _compiled(pattern.data, spend)
    parts: list[str] = []
    last = size = 0
    for match in find_all(compiled, text.data, spend):
        start, end = match.span()
        if start == end == last and parts:
            continue  # Go skips an empty match right after another match
        expanded = "".join(_expanded(replacement.data, match))
        parts += [text.data[last:start], expanded]
        size += len(expanded)
        check_size(size)
        last = end
    parts.append(text.data[last:])
    return string("".join(parts))


def _compiled(pattern: str, spend: Spend) -> Pattern:
    spend(_STEPS_TO_COMPILE * len(pattern))
    if any(len(times) > 9 or int(times) > _MOST_REPEATS for times in re.findall(r"(?<=[{,])\d+(?=[,}])", pattern)):
        raise FunctionError(f"a repetition is at most {_MOST_REPEATS} times")
    if _BEYOND_RE2.search(pattern) or _NOT_RE2.search(pattern):
        raise FunctionError(
            "RE2 has no look-around, back-references or possessive quantifiers, which the regular expression uses"
        )
    try:
        return _translate(pattern)
    except (re.error, regex.error, ValueError, OverflowError, RecursionError) as error:
        raise FunctionError(f"this is not a regular expression: {error}") from None


def _translate(pattern: str) -> Pattern:
    """Translate Go's syntax to Python's. The package `regex` matches classes that `re` lacks: `\\pL`, `[:alpha:]`."""
    classes: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        classes.append(match[0])
        return chr(_FIRST_PRIVATE + len(classes) - 1)

    def translated(match: re.Match[str]) -> str:
        if match[0] == "(?<":
            return "(?P<"
        if match[0] == "\\z":
            return "\\Z"
        return stand_in(match) if match[0].startswith("[:") else match[0]

    def class_of(source: str, flags: int) -> regex.Pattern[str]:
        for index, name in enumerate(classes):
            source = source.replace(chr(_FIRST_PRIVATE + index), name)
        # The two modules have the same flags, except ASCII.
        return regex.compile(source, (flags & ~re.ASCII) | regex.ASCII | regex.VERSION0)

    python = _CLASSES.sub(translated, _PROPERTY.sub(stand_in, pattern))
    return Pattern(python, re.ASCII, class_of=class_of, strict_end=True)


_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})", re.ASCII)


def _expanded(replacement: str, match: Match) -> Iterator[str]:
    last = 0
    for reference in _REFERENCE.finditer(replacement):
        yield replacement[last : reference.start()]
        yield "$" if reference[1] else _group(match, reference[2] or reference[3])
        last = reference.end()
    yield replacement[last:]


def _group(match: Match, name: str) -> str:
    try:
        return match.group(int(name) if name.isdigit() and len(name) < 9 else name) or ""
    except IndexError:
        return ""  # as in Go


def _chomp(text: str) -> str:
    return text.rstrip("\r\n") if text.endswith(("\n", "\r")) else text


FUNCTIONS: Mapping[str, Function] = {
    "chomp": _of(_chomp),
    "indent": Function((Parameter("spaces", NUMBER), _TEXT), _indent),
    "join": Function((Parameter("separator", STRING),), _join, Parameter("lists", list_of(STRING))),
    "lower": _of(_lower),
    "regex_replace": Function(
        (_TEXT, Parameter("pattern", STRING), Parameter("replace", STRING)), _regex_replace, counted=True
    ),
    "replace": Function((_TEXT, Parameter("substr", STRING), Parameter("replace", STRING)), _replace),
    "reverse": _of(lambda text: "".join(reversed(clusters(text)))),
    "split": Function((Parameter("separator", STRING), _TEXT), _split),
    "strlen": Function((_TEXT,), lambda text: number(Number(count(text.data), 64))),
    "strrev": _of(lambda text: "".join(reversed(clusters(text)))),
    "substr": Function((_TEXT, Parameter("offset", NUMBER), Parameter("length", NUMBER)), _substr),
    "title": _of(_title),
    "trim": _with("cutset", lambda text, cut: text.strip(cut) if cut else text),
    "trimprefix": _with("prefix", lambda text, prefix: text.removeprefix(prefix)),
    "trimspace": _of(lambda text: text.strip(GO_SPACE)),
    "trimsuffix": _with("suffix", lambda text, suffix: text.removesuffix(suffix)),
    "upper": _of(_upper),
}
