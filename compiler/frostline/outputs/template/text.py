"""What a template may write as it stands: its own words, and what a quoting filter made.

Everything else is taken for hostile: it passes only while it consists of letters, digits and `.:/_-@[]`. Trust is lost
by default. Every operation of `str` on trusted text gives a plain `str`, which is looked at again when it is written;
only those that can't turn trusted text into anything else (joining, repeating, indenting, trimming) keep the mark.
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
_LONGEST_SHOWN = 60

QUOTING_HELP = (
    "quote it for the file that the template writes: `| nginx`, `| json`, `| yaml`, `| py`, `| shell` or `| toml`; "
    "`| raw` writes it as it is, on purpose"
)


class TemplateFault(Exception):
    """Why a template can't be rendered, said by frostline itself; `help` says what to do next."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class Trusted(str):
    """Text that may be written as it is. `_opens`: the filter whose quote is its first character, else "".

    Only `trusted` makes one. `type(text)(…)`, as the sandbox does it for `str.format`, gives a plain string.
    """

    __slots__ = ("_opens",)
    _opens: str

    def __new__(cls, text: object) -> str:  # type: ignore[misc]
        return str(text)

    def __add__(self, other: object) -> str:
        return joined((self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: object) -> str:
        return joined((other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> str:
        return trusted(str.__mul__(self, times))

    __rmul__ = __mul__


def trusted(text: str, opens: str = "") -> Trusted:
    """`text`, marked; opens: the filter whose opening quote comes first in it."""
    made: Trusted = str.__new__(Trusted, text)
    made._opens = opens
    return made


def opening(text: str) -> str:
    """The filter whose quote is the first character of this text, or ""."""
    return text._opens if isinstance(text, Trusted) else ""


def shown(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
    text = str(value) if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def scalar(value: object, doing: str) -> str:
    """A string or a number as text, trusted if it was. Nothing else has one obvious text, so it is refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        undefined(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is None or isinstance(value, bool):
        word = str(value).lower()
        raise TemplateFault(
            f"{word} can't be {doing} as text", f"say what stands for {word}: an inline if, or `| json`"
        )
    raise TemplateFault(
        f"{_kind(value)} can't be {doing} as text", "loop over it, write one field of it, or the whole with `| json`"
    )


def undefined(value: Undefined) -> None:
    """Raises jinja2's UndefinedError for this value, also where it is of the lenient kind."""
    value._fail_with_undefined_error()


def finalize(value: Any) -> str:
    """What `{{ value }}` writes. TemplateFault: it is neither trusted nor plain."""
    if isinstance(value, Trusted):
        return value
    if isinstance(value, Undefined) and not isinstance(value, StrictUndefined):
        return ""  # an inline if without else
    text = scalar(value, "written")
    strange = _strange(text)
    if strange:
        raise TemplateFault(f"{shown(text)} is written unquoted and has {strange!r} in it", QUOTING_HELP)
    return text


def joined(pieces: Iterable[object]) -> str:
    """The pieces as one text; trusted if each is trusted or plain."""
    texts = [scalar(piece, "joined") for piece in pieces]
    if any(not isinstance(text, Trusted) and _strange(text) for text in texts):
        return "".join(texts)
    return concat(texts)


def concat(texts: Iterable[str]) -> Trusted:
    """The output of a macro, a block or a `set` block: written already, so each part has been looked at."""
    parts: list[str] = []
    last = first = ""
    for text in texts:
        check_place(last, text)
        if text:
            first = first or (opening(text) or "-")
            last = text[-1]
            parts.append(text)
    return trusted("".join(parts), first.removeprefix("-"))


def check_place(last: str, text: str) -> None:
    """Refuse quoted `text` after the character `last` ("" at the start) where its quotes would not be read as such."""
    quoting = opening(text)
    if not quoting or not last:
        return
    if quoting == "nginx" and last not in _BEFORE_A_PARAMETER:
        # Within a word nginx takes a quote as a character like any other (ngx_conf_read_token).
        raise TemplateFault(
            f"what `| nginx` quoted comes right after {last!r}, where nginx does not see its quotes",
            'quote the whole parameter: {{ ("name=" ~ value) | nginx }}',
        )
    if last in _QUOTES:
        raise TemplateFault(
            f"what `| {quoting}` quoted comes right after {last!r}",
            f"`| {quoting}` writes its own quotes: leave out those around it, and join first what belongs together",
        )


def _strange(text: str) -> str:
    """The first character of `text` that is not plain, or ""."""
    match = _PLAIN.match(text)
    return text[match.end() : match.end() + 1] if match else ""


def _kind(value: object) -> str:
    names = {Mapping: "a mapping", Sequence: "a list", Macro: "a macro (call it)"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), f"a {type(value).__name__}")
