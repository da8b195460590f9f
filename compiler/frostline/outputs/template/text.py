"""Which text a template may write: its own, and what a quoting filter returned.

All other text is hostile: it passes only if it consists of letters, digits and `.:/_-@[]`. Trust is lost by default:
every operation of `str` on trusted text returns a plain `str`, which is checked again when it is written. Only
operations that cannot change the meaning of trusted text (joining, repeating, indenting, trimming) keep the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, SupportsIndex

from jinja2 import StrictUndefined, Undefined
from jinja2.runtime import Macro

_PLAIN = re.compile(r"[A-Za-z0-9.:/_@\[\]-]*")
_QUOTES = "\"'`"
_BEFORE_A_PARAMETER = " \t\r\n;{}"
_MOST_SHOWN = 60

QUOTING_HELP = (
    "quote it for the file that the template writes: `| nginx`, `| json`, `| yaml`, `| py`, `| shell` or `| toml`; "
    "`| raw` writes it as it is, on purpose"
)


class TemplateFault(Exception):
    """Why a template cannot be rendered, in frostline's words; `help` says what to do next."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Trusted(str):
    """Text that may be written as it is. `_opens`: name of the filter whose quote is its first character, else "".

    Only `trusted` makes one: `type(text)(…)`, which the sandbox calls for `str.format`, returns a plain string.
    """

    __slots__ = ("_opens",)
    _opens: str

    def __new__(cls, text: object) -> str:  # type: ignore[misc]
        return str(text)

    def __add__(self, other: object) -> str:
        return join_texts((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: object) -> str:
        return join_texts((other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> str:
        return trusted(str.__mul__(self, times))

    __rmul__ = __mul__


def trusted(text: str, opens: str = "") -> Trusted:
    """`text`, marked as trusted; opens: name of the filter whose opening quote is its first character."""
    made: Trusted = str.__new__(Trusted, text)
    made._opens = opens
    return made


def opening_filter(text: str) -> str:
    """The name of the filter whose quote is the first character of this text, or ""."""
    return text._opens if isinstance(text, Trusted) else ""


def show_value(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
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
    """The text that `{{ value }}` writes. TemplateFault: it is neither trusted nor plain."""
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
    return concat(texts)


def concat(texts: Iterable[str]) -> Trusted:
    """The output of a macro, a block or a `set` block, whose parts were checked when they were written."""
    parts: list[str] = []
    last = first = ""
    for text in texts:
        check_position(last, text)
        if text:
            first = first or (opening_filter(text) or "-")
            last = text[-1]
            parts.append(text)
    return trusted("".join(parts), first.removeprefix("-"))


def check_position(last: str, text: str) -> None:
    """Refuse quoted `text` after the character `last` ("" at the start) if its quotes would have no effect there."""
    quoting = opening_filter(text)
    if not quoting or not last:
        return
    if quoting == "nginx" and last not in _BEFORE_A_PARAMETER:
        # Within a word, nginx reads a quote as an ordinary character (ngx_conf_read_token).
        raise TemplateFault(
            f"text quoted by `| nginx` directly follows {last!r}, where nginx ignores its quotes",
            'quote the whole parameter: {{ ("name=" ~ value) | nginx }}',
        )
    if last in _QUOTES:
        raise TemplateFault(
            f"text quoted by `| {quoting}` directly follows {last!r}",
            f"`| {quoting}` writes its own quotes: remove those around it, and join the parts before quoting them",
        )


def _first_unplain(text: str) -> str:
    """The first character of `text` that is not plain, or ""."""
    match = _PLAIN.match(text)
    return text[match.end() : match.end() + 1] if match else ""


def _kind(value: object) -> str:
    names = {Mapping: "a mapping", Sequence: "a list", Macro: "a macro (call it)"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")
