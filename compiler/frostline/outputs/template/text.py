"""Which text a template may write: its own, and what a quoting filter returned.

All other text is hostile: it passes only if it consists of letters, digits and `.:/_-@[]`. Trust is lost by default:
every operation of `str` on trusted text returns a plain `str`, which is checked again when it is written. Only
operations that cannot change the meaning of trusted text (joining, repeating, indenting, trimming) keep the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, SupportsIndex

from jinja2 import StrictUndefined, Undefined
from jinja2.runtime import Macro

from frostline.outputs.template.positions import AFTER_A_QUOTE, START, State, fault_of, read_on

_PLAIN = re.compile(r"[A-Za-z0-9.:/_@\[\]-]*")
_MOST_SHOWN = 60

QUOTING_HELP = (
    "quote it for the file that the template writes: `| nginx`, `| json`, `| yaml`, `| py`, `| shell`, `| toml`, "
    "`| dotenv`, `| ansible`, `| spring` or `| traefik`; `| raw` writes it as it is, on purpose"
)


class TemplateFault(Exception):
    """Why a template cannot be rendered, in frostline's words; `help` says what to do next."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Quoted(NamedTuple):
    """A part of a trusted text that a filter quoted: from `start` up to `stop`."""

    start: int
    stop: int
    filter_name: str


class Trusted(str):
    """Text that may be written as it is. `_quoted`: its parts that a filter quoted, in order.

    Only `trusted` makes one: `type(text)(…)`, which the sandbox calls for `str.format`, returns a plain string.
    """

    __slots__ = ("_quoted",)
    _quoted: tuple[Quoted, ...]

    def __new__(cls, text: object) -> str:  # type: ignore[misc]
        return str(text)

    def __add__(self, other: object) -> str:
        return join_texts((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: object) -> str:
        return join_texts((other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> str:
        return joined_parts([self] * max(0, times.__index__()))

    __rmul__ = __mul__


def trusted(text: str, quoted: Iterable[Quoted] = ()) -> Trusted:
    """`text`, marked as trusted. quoted: its parts that a filter quoted."""
    made: Trusted = str.__new__(Trusted, text)
    made._quoted = tuple(quoted)
    return made


def quoted(text: str, filter_name: str) -> Trusted:
    """`text`, which this filter quoted as a whole."""
    return trusted(text, (Quoted(0, len(text), filter_name),))


def quoted_parts(text: str) -> tuple[Quoted, ...]:
    """The parts of this text that a filter quoted; none of a text that is not trusted."""
    return text._quoted if isinstance(text, Trusted) else ()


def joined_parts(texts: Iterable[str]) -> Trusted:
    """Trusted or plain texts as one that knows all quoted parts of them."""
    parts: list[Quoted] = []
    length, pieces = 0, list(texts)
    for text in pieces:
        for start, stop, name in quoted_parts(text):
            parts.append(Quoted(length + start, length + stop, name))
        length += len(text)
    return trusted("".join(pieces), parts)


def show_value(value: object) -> str:
    """A value as a message shows it, shortened if it is long."""
    text = str(value) if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…")


def to_text(value: object, doing: str) -> str:
    """A string or a number as text, trusted if it was. Other values have no obvious text and are refused.

    doing: participle for the message (`written`).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        fail_undefined(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, bool):
        word = str(value).lower()
        raise TemplateFault(f"{word} cannot be {doing} as text", f"write an inline if for {word}, or use `| json`")
    raise TemplateFault(
        f"{_kind(value)} cannot be {doing} as text", "loop over it, write one of its fields, or all of it with `| json`"
    )


def fail_undefined(value: Undefined) -> None:
    """Raise jinja2's UndefinedError for this value, even if it is of the lenient kind."""
    value._fail_with_undefined_error()


def finalize(value: Any) -> str:
    """The text that `{{ value }}` writes. Raises TemplateFault if it is neither trusted nor plain."""
    if isinstance(value, Trusted):
        return value
    if isinstance(value, Undefined) and not isinstance(value, StrictUndefined):
        return ""  # an inline if without else
    text = to_text(value, "written")
    strange = _first_unplain(text)
    if strange:
        raise TemplateFault(f"{show_value(text)} is written unquoted and contains {strange!r}", QUOTING_HELP)
    return text


def join_texts(pieces: Iterable[object]) -> str:
    """The pieces as one text, trusted if each of them is trusted or plain."""
    texts = [to_text(piece, "joined") for piece in pieces]
    if any(not isinstance(text, Trusted) and _first_unplain(text) for text in texts):
        return "".join(texts)
    return joined_parts(texts)


def concat(texts: Iterable[str]) -> Trusted:
    """The output of a macro, a block or a `set` block, whose parts were checked when they were written."""
    line, pieces = Line(), list(texts)
    for text in pieces:
        line.write(text)
    return joined_parts(pieces)


class Line:
    """The line that is being written: its text before the next piece."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._read: dict[str, tuple[int, State]] = {}

    def write(self, text: str) -> None:
        """Add a piece of the output. Raises TemplateFault if quotes in it have no effect at their place."""
        at = 0
        for start, stop, filter_name in quoted_parts(text):
            if at < start:
                self._add(text[at:start])
            self._check(filter_name)
            self._pieces.append(AFTER_A_QUOTE)
            at = stop
        if at < len(text):
            self._add(text[at:] if at else text)

    def _add(self, text: str) -> None:
        if "\n" in text:
            self._pieces.clear()
            self._read.clear()
            text = text[text.rindex("\n") + 1 :]
        self._pieces.append(text)

    def _check(self, filter_name: str) -> None:
        done, state = self._read.get(filter_name, (0, START))
        for piece in self._pieces[done:]:
            state = read_on(filter_name, state, piece)
        self._read[filter_name] = (len(self._pieces), state)
        if fault := fault_of(filter_name, state):
            raise TemplateFault(*fault)


def _first_unplain(text: str) -> str:
    """The first character of `text` that is not plain, or ""."""
    match = _PLAIN.match(text)
    return text[match.end() : match.end() + 1] if match else ""


def _kind(value: object) -> str:
    names = {Mapping: "a mapping", Sequence: "a list", Macro: "a macro (call it)"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")
